"""Fuzzing of the doors in ``tests/doors.py``; see docs/robustness.md. Run it by ``make fuzz``."""

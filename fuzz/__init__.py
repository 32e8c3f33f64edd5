"""Fuzzing of the doors in ``tests/support/doors.py``; see docs/robustness.md. Run it by ``make fuzz``."""

"""The functions that ``import mriparaspinal`` offers: one for each command, and a few to read with."""

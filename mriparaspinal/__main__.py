"""``python -m mriparaspinal`` is the same as the command ``mriparaspinal``."""

from mriparaspinal.cli import main

main()

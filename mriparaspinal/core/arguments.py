"""What a message calls an argument: as a function of Python has it, or as an option of the command line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_as_options: ContextVar[bool] = ContextVar("as_options", default=False)

#: Options that have another name than the arguments.
_OPTIONS = {
    **{"only": "--participant-label", "save": "--out", "margins": "--margin", "at": "--session"},
    "measures": "--measure",
}


def argument(name: str) -> str:
    """The name of an argument for a message.

    >>> argument("mask_rule")
    'mask_rule'
    >>> with as_options():
    ...     argument("mask_rule"), argument("only")
    ('--mask-rule', '--participant-label')
    """
    if not _as_options.get():
        return name
    return _OPTIONS.get(name) or f"--{name.replace('_', '-')}"


@contextmanager
def as_options() -> Iterator[None]:
    """Call arguments as the command line does, as long as it runs."""
    token = _as_options.set(True)
    try:
        yield
    finally:
        _as_options.reset(token)

"""The right-hand side of a model's formula: names of columns joined by ``+``, ``*`` and ``:``."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from mriparaspinal.core.arguments import argument
from mriparaspinal.core.errors import Fault, UsageError

Term: TypeAlias = tuple[str, ...]
"""The columns of a main effect (one) or of an interaction (more)."""

#: An interaction of more columns is a slip, and its matrix would have no end.
_MOST_COLUMNS = 6


@dataclass(frozen=True)
class _Text:
    """A formula, and what is left to read of it."""

    text: str
    tokens: deque[str]

    def next_is(self, sign: str) -> bool:
        """Take the next sign if it is this one."""
        found = bool(self.tokens) and self.tokens[0] == sign
        if found:
            self.tokens.popleft()
        return found


def parse_formula(text: str) -> list[Term]:
    """The terms of a formula, main effects first; the intercept is always there and not among them.

    ``a:b`` is the interaction alone, ``a * b`` is ``a + b + a:b``; brackets group. Nothing is evaluated.

    >>> parse_formula("group * role + age")
    [('group',), ('role',), ('age',), ('group', 'role')]
    >>> parse_formula("(group + age) * segment")
    [('group',), ('age',), ('segment',), ('group', 'segment'), ('age', 'segment')]

    Raises UsageError for anything else.
    """
    if "~" in text:
        raise _wrong(text, "'~' was found", "what stands to the right of it", "name the outcome as a metric")
    parts = (token.strip() for token in re.findall(r"[+*:()]|[^+*:()]+", text))
    given = _Text(text, deque(part for part in parts if part))
    terms = _sum(given)
    if given.tokens:
        raise _wrong(text, f"{given.tokens[0]!r} has no beginning")
    return sorted(terms, key=len)


def columns_of(terms: Iterable[Term]) -> list[str]:
    """The columns that take part, each once, in order."""
    return list(dict.fromkeys(name for term in terms for name in term))


def term_name(term: Term) -> str:
    """A term as it is written.

    >>> term_name(("group", "role"))
    'group:role'
    """
    return ":".join(term)


def _sum(given: _Text) -> list[Term]:
    return _unique(term for part in _parts(given, "+", _product) for term in part)


def _product(given: _Text) -> list[Term]:
    terms, *others = _parts(given, "*", _interaction)
    for other in others:
        terms = _unique([*terms, *other, *_crossed(given.text, terms, other)])
    return terms


def _interaction(given: _Text) -> list[Term]:
    terms, *others = _parts(given, ":", _column)
    for other in others:
        terms = _unique(_crossed(given.text, terms, other))
    return terms


def _column(given: _Text) -> list[Term]:
    if given.next_is("("):
        inside = _sum(given)
        if not given.next_is(")"):
            raise _wrong(given.text, "a bracket is not closed")
        return inside
    if not given.tokens:
        raise _wrong(given.text, "its end was found where a column should be")
    token = given.tokens.popleft()
    if token in "+*:)":
        raise _wrong(given.text, f"{token!r} was found where a column should be")
    return [(token,)]


def _parts(given: _Text, sign: str, read: Callable[[_Text], list[Term]]) -> list[list[Term]]:
    found = [read(given)]
    while given.next_is(sign):
        found.append(read(given))
    return found


def _crossed(text: str, left: Sequence[Term], right: Sequence[Term]) -> list[Term]:
    crossed = [tuple(dict.fromkeys((*a, *b))) for a in left for b in right]
    if (most := max(map(len, crossed))) > _MOST_COLUMNS:
        raise _wrong(text, f"an interaction of {most} columns was found", f"{_MOST_COLUMNS} at most")
    return crossed


def _unique(terms: Iterable[Term]) -> list[Term]:
    """Each term once: ``a:b`` is ``b:a``."""
    found: dict[frozenset[str], Term] = {}
    for term in terms:
        found.setdefault(frozenset(term), term)
    return list(found.values())


def _wrong(
    text: str,
    found: str,
    expected: str = "names of columns joined by +, * and :, such as group * role + age",
    remedy: str = "correct it",
) -> UsageError:
    return UsageError(Fault(f"{argument('formula')} {text!r}", found, expected, remedy))

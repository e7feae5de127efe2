# SPDX-License-Identifier: GPL-2.0-or-later
"""The end of an error about an unknown name: which name was probably meant."""

from collections.abc import Iterable, Sequence
from typing import Final

_SIMILAR: Final = 0.7  # of difflib's ratio


def suggestion(name: str, known: Iterable[str], starting: Sequence[str] = ()) -> str:
    """Return a question that names what starts like the name, else the most similar known name; "" if none is."""
    from difflib import get_close_matches

    return did_you_mean(starting or get_close_matches(name, sorted(known), 1, _SIMILAR))


def did_you_mean(names: Sequence[str]) -> str:
    """Return a question that names these names, to be put after an error; "" without names."""
    return f"; did you mean {' or '.join(map(repr, names))}?" if names else ""


def unknown_rule(rule_id: str, known: Iterable[str]) -> str:
    """Return the error about an id that no rule has."""
    question = suggestion(rule_id, known)
    return f"unknown rule {rule_id!r}{question or ';'} `patchwarden rules` lists all rules"

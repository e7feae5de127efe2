# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/reference/mail-states.md: the states of a mail in the outbox, with their meaning and what may follow."""

import ast
import inspect
from collections.abc import Mapping
from itertools import pairwise
from typing import Final

from bot.mail.state import TRANSITIONS, MailState

_INTRODUCTION: Final = """\
# States of a mail

Generated from `bot/mail/state.py` by `make docs`; do not edit.

`patchwarden outbox list` shows the state of each mail. `outbox drop` works in the states that `withdrawn` may follow.

| state | meaning | may become |
|---|---|---|
"""


def document() -> str:
    """Return the page."""
    meanings = _meanings()
    return _INTRODUCTION + "".join(
        f"| `{state}` | {meanings[state.name]} | {_following(state)} |\n" for state in MailState
    )


def _following(state: MailState) -> str:
    return ", ".join(f"`{after}`" for after in MailState if after in TRANSITIONS[state]) or "none: it is final"


def _meanings() -> Mapping[str, str]:
    """Return the text below each state in the source of the enum."""
    (enum,) = ast.parse(inspect.getsource(MailState)).body
    assert isinstance(enum, ast.ClassDef)
    return {
        state.targets[0].id: text.value.value
        for state, text in pairwise(enum.body)
        if isinstance(state, ast.Assign)
        and isinstance(state.targets[0], ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }

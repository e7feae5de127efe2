# SPDX-License-Identifier: GPL-2.0-or-later
"""What a worker answers when its work exceeds the limit of memory."""

import weakref

from bot.pool.worker import Limits, TooMuch, answer


class _Built:
    """Something that takes memory."""


def test_what_the_work_has_built_is_freed_before_the_answer_is_packed() -> None:
    built: list[weakref.ref[_Built]] = []
    packed: list[object] = []

    def work(_: None) -> None:
        kept = _Built()
        built.append(weakref.ref(kept))
        raise MemoryError

    def pack(value: object) -> bytes:
        packed.append((value, built[0]()))
        return b"packed"

    assert answer(work, None, Limits(), pack) == b"packed"
    assert packed == [(TooMuch(memory=True), None)]

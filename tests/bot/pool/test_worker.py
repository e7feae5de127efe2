# SPDX-License-Identifier: GPL-2.0-or-later
"""What a worker answers when its work exceeds the limit of memory."""

import errno
import pickle
import weakref

from bot.pool.guard import Crashed
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


def test_a_file_that_cannot_be_read_is_no_bug_of_the_work() -> None:
    def work(_: None) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "/srv/linux/HEAD")

    expected = Crashed("/srv/linux/HEAD: Permission denied", is_unreadable=True)
    assert expected == pickle.loads(answer(work, None, Limits()))

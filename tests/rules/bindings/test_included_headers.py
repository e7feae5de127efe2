# SPDX-License-Identifier: GPL-2.0-or-later
"""Which headers a tree includes, and how little is kept of them."""

import pytest

from rules.bindings import included_headers
from rules.bindings.fact_source import FileFacts
from rules.bindings.included_headers import follow_includes, read_included
from tests.rules.bindings.trees import FILES

_INCLUDES = {
    "root.c": ("<linux/a.h>", "<linux/b.h>", '"near.h"'),
    "near.h": ("<linux/b.h>",),
    "include/linux/a.h": ("<linux/b.h>", '"near.h"'),
    "include/linux/b.h": ("<linux/a.h>",),
    "include/linux/near.h": (),
}


def test_an_include_is_searched_once_unless_it_is_relative_to_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[tuple[str, str]] = []
    candidate_paths = included_headers.candidate_paths

    def record(include: str, includer: str) -> tuple[str, ...]:
        searched.append((include, includer))
        return candidate_paths(include, includer)

    monkeypatch.setattr(included_headers, "candidate_paths", record)

    included_by = follow_includes(["root.c"], _INCLUDES.get)

    assert included_by == {
        "root.c": "",
        "include/linux/a.h": "root.c",
        "include/linux/b.h": "root.c",
        "near.h": "root.c",
        "include/linux/near.h": "include/linux/a.h",
    }
    assert searched == [
        ("<linux/a.h>", "root.c"),
        ("<linux/b.h>", "root.c"),
        ('"near.h"', "root.c"),
        ('"near.h"', "include/linux/a.h"),
    ]


def test_trees_share_the_paths_of_their_files() -> None:
    first, second = (read_included(FileFacts({path: text.encode() for path, text in FILES.items()})) for _ in range(2))

    assert first == second
    assert list(map(id, first)) == list(map(id, second))
    assert list(map(id, first.values())) == list(map(id, second.values()))

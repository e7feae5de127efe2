# SPDX-License-Identifier: GPL-2.0-or-later
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.mail.subject import _USUAL, MAX_SUBJECT, _is_plain, count_and_title, usual_subject

SAME = (
    "",
    "[PATCH] rust: list: add a cursor",
    "[PATCH net-next v2 01/12] rust: list: add a cursor",
    "[PATCH 6.1 001/120] rust: list: add a cursor",
    "[PATCH v2.1 1/2] rust: list: add a cursor",
    "[PATCH 5.10/5.15 1/3] rust: list: add a cursor",
    "[PATCH blk-cgroup/for-5.8 v2 1/2] block: fix it",
    "[PATCH] cgroup: describe v2",
    "[PATCH] V4 bus: add a driver",
    "[PATCH] v4l2: add a driver",
    "[PATCH v2] rust: list: add a cursor (v3)",
    "[PATCH 1/2] rust: list: add a cursor (2/3)",
    "[PATCH] rust: list: add a cursor (1/2 of it)",
    "[PATCH] rust: list: add cursor[2]",
    "Patch for the cursor: questions",
    "RFC: what shall we do about 1/2 of the cursors",
    "Re: [PATCH] rust: list: add a cursor",
    "rust: list: add a cursor (v2)",
)
CHANGED = {
    "[PATCH 1 of 2] a: b": "[PATCH 1/2] a: b",
    "[PATCH 1 out of 2] a: b": "[PATCH 1/2] a: b",
    "[PATCH 1 / 2] a: b": "[PATCH 1/2] a: b",
    "[PATCH 1of2] a: b": "[PATCH 1/2] a: b",
    "[PATCH No. 1/2] a: b": "[PATCH 1/2] a: b",
    "\u3010PATCH\u200b 1\uff0f2\u3011a: b": "[PATCH 1/2] a: b",
    "\uff3b\uff30\uff21\uff34\uff23\uff28\u3000\uff56\uff12\u3000\uff11\uff0f\uff12\uff3da: b": "[PATCH v2 1/2] a: b",
    "[PATCH 1\u22152] a: b": "[PATCH 1/2] a: b",
    "[PATCH 1\u20442] a: b": "[PATCH 1/2] a: b",
    "[PATCH #1/2] a: b": "[PATCH 1/2] a: b",
    "[PATCH (1/2)] a: b": "[PATCH 1/2] a: b",
    "[PATCH 1|2] a: b": "[PATCH 1/2] a: b",
    "[PATCH v2 | 1 | 2] a: b": "[PATCH v2 1/2] a: b",
    "[PATCH v2|3/4] a: b": "[PATCH v2 3/4] a: b",
    "[PATCH v2 (RESEND)] a: b": "[PATCH v2 RESEND] a: b",
    "RESEND: [PATCH v2] a: b": "[RESEND PATCH v2] a: b",
    "RFC: [PATCH] a: b": "[RFC PATCH] a: b",
    "[PATCH 1/2:] a: b": "[PATCH 1/2] a: b",
    "[PATCH][1/2] a: b": "[PATCH 1/2] a: b",
    "[PATCH] 1/2 a: b": "[PATCH 1/2] a: b",
    "[v4,1/2] a: b": "[v4 1/2] a: b",
    "[net,v2,1/2] a: b": "[net v2 1/2] a: b",
    "[PATCH v2,RESEND 1/2] a: b": "[PATCH v2 RESEND 1/2] a: b",
    "[PATCHv3 1/2] a: b": "[PATCH v3 1/2] a: b",
    "[PATCH-v3-1/2] a: b": "[PATCH v3 1/2] a: b",
    "[RFC/PATCH] a: b": "[RFC PATCH] a: b",
    "[PATCH take 2] a: b": "[PATCH v2] a: b",
    "[PATCH version 2, 1 of 3] a: b": "[PATCH v2 1/3] a: b",
    "[PATCH] [v2] a: b": "[PATCH v2] a: b",
    "[PATCH] (v2) a: b": "[PATCH v2] a: b",
    "[PATCH] v2: a: b": "[PATCH v2] a: b",
    "[PATCH] a: b (v2)": "[PATCH v2] a: b",
    "[PATCH] a: b [V2]": "[PATCH v2] a: b",
    "[PATCH] a: b, v2": "[PATCH v2] a: b",
    "[PATCH] a: b - v2": "[PATCH v2] a: b",
    "[PATCH] a: b (take 2)": "[PATCH v2] a: b",
    "[PATCH] a: b (1/2)": "[PATCH 1/2] a: b",
    "[PATCH] a: b [1 of 2] (v2)": "[PATCH v2 1/2] a: b",
    "[PATCH] a: b (v2 1/2)": "[PATCH v2 1/2] a: b",
    "[PATCH] RESEND: a: b": "[PATCH RESEND] a: b",
    "[PATCH] Re-send: a: b": "[PATCH Re-send] a: b",
    "[PATCH] Repost v2: a: b": "[PATCH Repost v2] a: b",
    "[PATCH] Take 2: a: b": "[PATCH v2] a: b",
    "[PATCH] Version 2: a: b": "[PATCH v2] a: b",
    "[PATCH] Part 1/2: a: b": "[PATCH 1/2] a: b",
    "[PATCH] a: b [RESEND]": "[PATCH RESEND] a: b",
    "PATCH [1/2] a: b": "[PATCH 1/2] a: b",
    "[PATCH 1/2} a: b": "[PATCH 1/2] a: b",
    "PATCH 2/2] a: b": "[PATCH 2/2] a: b",
    "v2 PATCH 2/2] a: b": "[v2 PATCH 2/2] a: b",
    "[PATCH 2/2 a: b": "[PATCH 2/2] a: b",
    "][PATCH 2/2] a: b": "[PATCH 2/2] a: b",
    "[[PATCH v2] a: b": "[PATCH v2] a: b",
    "[PATCH [net] v2] a: b": "[PATCH net v2] a: b",
    "[ PATCH 2/2 a: b": "[PATCH 2/2] a: b",
    "(PATCH 2/2) a: b": "[PATCH 2/2] a: b",
    "PATCH 2/2: a: b": "[PATCH 2/2] a: b",
    "PATCH: a: b": "[PATCH] a: b",
}


@pytest.mark.parametrize("subject", SAME)
def test_a_usual_subject_and_prose_stay(subject: str) -> None:
    assert usual_subject(subject) == subject


@pytest.mark.parametrize(("subject", "usual"), CHANGED.items())
def test_other_shapes_become_the_usual_one(subject: str, usual: str) -> None:
    assert usual_subject(subject) == usual


@pytest.mark.parametrize("subject", [*SAME, *CHANGED])
def test_a_usual_subject_is_a_fixed_point(subject: str) -> None:
    assert usual_subject(usual_subject(subject)) == usual_subject(subject)


def test_a_long_subject_is_cut() -> None:
    assert len(usual_subject("[PATCH 1 of 2] " + "a" * 5 * MAX_SUBJECT)) <= MAX_SUBJECT


@pytest.mark.parametrize(
    ("subject", "part"),
    [
        ("[PATCH net 1/2] rust: a", (2, "rust: a")),
        ("[PATCH 1 of 2] rust: a", (2, "rust: a")),
        ("[PATCH] rust: a", (0, "rust: a")),
        ("Re: [PATCH 1/2] rust: a", (0, "")),
        ("[list] Re: [PATCH 1/2] rust: a", (0, "Re: [PATCH 1/2] rust: a")),
        ("about [PATCH 1/2] rust: a", (0, "")),
        ("hello", (0, "")),
    ],
)
def test_only_the_subject_of_a_part_announces_a_count(subject: str, part: tuple[int, str]) -> None:
    assert count_and_title(subject) == part


_PIECES = st.sampled_from(
    [*" []()-/,19", "[PATCH ", "[RFC", "] ", "v", "V2", "net", "1/2", "resend", "rust: one", "é", "²"]
)


@given(st.lists(_PIECES, max_size=10))
def test_a_plain_subject_is_what_the_expression_describes(pieces: list[str]) -> None:
    subject = "".join(pieces)

    assert not _is_plain(subject) or _USUAL.fullmatch(subject)


def test_the_most_usual_subjects_need_no_expression() -> None:
    assert _is_plain("[PATCH] rust: list: add a cursor")
    assert _is_plain("[PATCH net 1/2] rust: list: add a cursor")


TAGS = (
    "PATCH",
    "RFC PATCH",
    "PATCH v2 1/2",
    "patch net-next v10 03/12",
    "PATCH RESEND v3",
    "PATCH V2",
    "PATCH v02",
    "PATCH net net",
)
TITLES = (
    "a: b",
    "a: b() of c",
    "a: b (c)",
    "a: b (v2)",
    "patch: (b) c",
    "v4l: (a) b",
    "retry: a() b",
    "a: b 2",
    "a  b() c",
    "a: é() b",
)


@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize("title", TITLES)
def test_a_plain_subject_is_read_as_any_other(tag: str, title: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read = usual_subject.__wrapped__
    result = read(f"[{tag}] {title}")
    monkeypatch.setattr("bot.mail.subject._PLAIN", re.compile(r"(?!)"))

    assert read(f"[{tag}] {title}") == result

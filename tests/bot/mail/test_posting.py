# SPDX-License-Identifier: GPL-2.0-or-later
"""What a posting knows of itself and of the postings before it."""

from dataclasses import replace

import pytest

from bot.mail.address import Address
from bot.mail.posting import MAX_EARLIER, Complete, Posting, State, Waiting
from tests.bot.review.factories import Maker

MAKE = Maker()


def _posting(revision: int, *references: str) -> Posting:
    posting = MAKE.posting((MAKE.patch(1), MAKE.patch(2)), revision=revision)
    first, *others = posting.parts
    return replace(posting, parts=(replace(first, references=references), *others))


@pytest.mark.parametrize(
    ("references", "revision"),
    [
        ((), None),
        (("v1.1@example.org",), 1),
        (("v2.2@example.org",), 2),
        (("v1.1@example.org", "v2.2@example.org"), 2),
        (("v2.2@example.org", "v1.1@example.org", "review@example.org"), 1),
        (("review@example.org",), 1),
    ],
)
def test_a_posting_replies_to_the_nearest_posting_of_its_references(
    references: tuple[str, ...], revision: int | None
) -> None:
    """Where the references name no posting, as those of a reply to a review, it is the first one of the thread."""
    earlier = _posting(1), _posting(2)

    answered = _posting(3, *references).replied_to(earlier)

    assert (None if answered is None else answered.series.revision) == revision


def test_a_posting_replies_to_none_where_none_is_before_it() -> None:
    assert _posting(2, "v1.1@example.org").replied_to(()) is None


def test_only_the_first_postings_of_a_thread_are_searched() -> None:
    earlier = [_posting(revision) for revision in range(1, MAX_EARLIER + 2)]

    last, beyond = (_posting(999, f"v{revision}.1@example.org").replied_to(earlier) for revision in (100, 101))

    assert (last, beyond) == (earlier[99], earlier[0])


def test_the_digest_of_the_diffs_is_that_of_the_changes_alone() -> None:
    posting = MAKE.posting()
    other = MAKE.posting((MAKE.patch(path="rust/kernel/other.rs"),))
    empty = replace(posting, series=replace(posting.series, patches=(replace(MAKE.patch(), changes=()),)))
    odd = replace(posting, series=replace(posting.series, patches=(MAKE.patch(path="\ud800.rs"),)))

    assert posting.diffs_digest == MAKE.posting((MAKE.patch(subject="another"),), revision=2).diffs_digest
    assert len({posting.diffs_digest, other.diffs_digest, odd.diffs_digest, empty.diffs_digest}) == 4
    assert empty.diffs_digest == ""


def test_the_lists_that_carried_any_part_are_sorted() -> None:
    first, second = MAKE.posting((MAKE.patch(1), MAKE.patch(2))).parts
    parts = replace(first, carriers=("b@x", "a@x")), replace(second, carriers=("b@x", "A@x"))

    assert replace(MAKE.posting(), parts=parts).carriers == ("A@x", "a@x", "b@x")


def test_a_part_is_found_by_its_index() -> None:
    posting = MAKE.posting((MAKE.patch(1), MAKE.patch(2)), cover=True)

    assert posting.cover == posting.part(0) == posting.parts[0]
    assert posting.part(2) == posting.parts[2]
    assert posting.part(3) is None
    assert MAKE.posting().cover is None


@pytest.mark.parametrize(
    ("name", "address", "revision", "resend", "references", "continues"),
    [
        ("Ada Author", "ada@example.org", 2, False, ("v1.1@example.org",), True),
        ("Ada Author", "ada@example.org", 2, False, ("v1.2@example.org", "review@example.org"), True),
        ("Ada Author", "ada@new.example.org", 2, False, ("v1.1@example.org",), True),
        ("", "ada@example.org", 1, True, ("v1.1@example.org",), True),
        ("Ada Author", "ada@example.org", 1, False, ("v1.1@example.org",), False),  # one more patch
        ("Ada Author", "ada@example.org", 2, False, ("review@example.org",), False),
        ("Ben", "ben@example.org", 2, False, ("v1.1@example.org",), False),
    ],
)
def test_a_later_revision_continues_the_series_of_its_author_that_it_replies_to(
    name: str, address: str, revision: int, resend: bool, references: tuple[str, ...], continues: bool
) -> None:
    first = replace(_posting(1), topic="valves")
    later = replace(_posting(revision, *references), author=Address(name, address), topic="pumps", resend=resend)

    assert later.continued_topic(first) == ("valves" if continues else "")
    assert later.continued_topic(None) == ""


@pytest.mark.parametrize(
    ("path", "resend", "name", "repeats"),
    [
        ("rust/kernel/led.rs", True, "Ada Author", True),
        ("rust/kernel/fan.rs", True, "Ada Author", False),
        ("rust/kernel/led.rs", False, "Ada Author", False),
        ("rust/kernel/led.rs", True, "Ben", False),
    ],
)
def test_a_resend_of_one_patch_repeats_a_part_of_the_series(path: str, resend: bool, name: str, repeats: bool) -> None:
    first = MAKE.posting((MAKE.patch(1), MAKE.patch(2, path="rust/kernel/pump.rs")))
    part = replace(first.parts[1], message_id="again@example.org", references=(first.parts[1].message_id,))
    series = replace(first.series, patches=(MAKE.patch(path=path),))
    author = Address(name, f"{name[:3].lower()}@example.org")
    again = replace(first, parts=(part,), series=series, resend=resend, author=author)

    assert again.repeats_part_of(first) is repeats
    assert not again.repeats_part_of(None)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (Complete(), ""),
        (Waiting((0,)), "the cover letter"),
        (Waiting((3,)), "patch 3 of 15"),
        (Waiting((2, 3)), "patches 2 and 3 of 15"),
        (Waiting((0, 2, 5, 6, 7, 12)), "the cover letter and patches 2, 5\N{EN DASH}7 and 12 of 15"),
    ],
)
def test_the_missing_parts_are_named(state: State, expected: str) -> None:
    assert expected == replace(_posting(1), state=state, expected=15).missing_parts

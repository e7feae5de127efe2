# SPDX-License-Identifier: GPL-2.0-or-later
from dataclasses import replace

from bot.review.history import History, LastOfRevisions
from bot.review.model import Review
from tests.bot.review.factories import Maker
from tests.growth import assert_linear


def test_the_latest_earlier_revision_of_the_topic_is_the_previous_one(make: Maker) -> None:
    history = History()
    reviews = {revision: Review(make.posting(revision=revision), ()) for revision in (1, 3, 2, 5)}
    for review in reviews.values():
        history.remember(review)

    assert [None, reviews[1], reviews[3], reviews[3]] == [
        history.previous(make.posting(revision=n)) for n in (1, 2, 4, 5)
    ]


def test_of_a_revision_posted_twice_the_last_one_counts(make: Maker) -> None:
    history = History()
    again = Review(make.posting(), (), unsafe_delta="again")
    history.remember(Review(make.posting(), ()))
    history.remember(again)

    assert again == history.previous(make.posting(revision=2))


def test_other_topics_count_only_if_the_posting_continues_them(make: Maker) -> None:
    history = History()
    other = Review(replace(make.posting(), topic="other"), ())
    history.remember(other)

    assert history.previous(make.posting(revision=2)) is None
    assert history.previous(make.posting(revision=2), "other") is other


def test_the_time_for_many_postings_of_a_topic_grows_linearly(make: Maker) -> None:
    first = make.posting()

    def add_all(size: int) -> None:
        values = LastOfRevisions[int]()
        for number in range(size):
            posting = replace(first, message_id=f"{number}@x")
            values.previous(posting, posting.topic)
            values.add(posting, number)

    assert_linear(lambda size: size, add_all, 300)

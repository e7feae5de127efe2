# SPDX-License-Identifier: GPL-2.0-or-later
from importlib.resources import files
from pathlib import Path

from bot.inbox.assemble import assemble
from bot.inbox.sample import sample, unpack
from bot.inbox.thread import threads
from bot.mail.message import Message
from bot.mail.parse import parse
from bot.mail.posting import Posting
from tests.sample.build import build


def postings(directory: Path) -> list[Posting]:
    read = [parse(mail.raw) for batch in sample(directory).batches({}) for mail in batch.mails]
    return [
        posting
        for thread in threads(message for message in read if isinstance(message, Message))
        for posting in assemble(thread)
    ]


def test_the_bundled_mails_are_those_of_the_story() -> None:
    bundled = {file.name: file.read_text("utf-8") for file in (files("bot.inbox") / "sample_mails").iterdir()}

    assert build() == bundled


def test_the_sample_tells_what_it_is_to_tell(tmp_path: Path) -> None:
    summaries = [
        (posting.series.subject, posting.series.revision, len(posting.series.patches), posting.state.word)
        for posting in postings(tmp_path)
    ]

    assert [
        ("rust: add an abstraction for gauges", 1, 2, "complete"),
        ("rust: add abstractions for valves", 1, 3, "complete"),
        ("hwmon: add a driver for the Heron fan controller", 1, 1, "complete"),
        ("rust: count what a list holds", 1, 2, "waiting"),
        ("rust: add abstractions for valves", 2, 3, "complete"),
    ] == summaries


def test_the_two_revisions_have_one_topic_and_no_diff_is_damaged(tmp_path: Path) -> None:
    series = postings(tmp_path)

    assert series[1].topic == series[4].topic
    assert not [patch for posting in series for patch in posting.series.patches if patch.damage or not patch.changes]


def test_unpacking_again_changes_nothing_and_replaces_an_older_sample(tmp_path: Path) -> None:
    head = unpack(tmp_path) / "refs" / "heads" / "master"
    tip = head.read_text("ascii")
    head.write_text(tip, "ascii")

    assert tip == (unpack(tmp_path) / "refs" / "heads" / "master").read_text("ascii")

    head.write_text("0" * 40 + "\n", "ascii")

    assert tip == (unpack(tmp_path) / "refs" / "heads" / "master").read_text("ascii")
    assert ["0.git"] == [path.name for path in tmp_path.iterdir()]

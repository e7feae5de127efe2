# SPDX-License-Identifier: GPL-2.0-or-later
"""A replay: what becomes of each mail and posting, in the order of the archives."""

import gc
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import pytest

from bot.inbox.assemble import assemble
from bot.kernel.base import Base, Chosen
from bot.kernel.evidence import Evidence
from bot.kernel.specs import RepositorySpecs
from bot.mail.message import Message, UnreadableMail
from bot.mail.parse import parse
from bot.mail.posting import Posting
from bot.mail.refusal import refuse_repeat
from bot.pipeline import replay as replay_module
from bot.pipeline import replay_index
from bot.pipeline.analyse import Analysis, AnalysisInput, analyse
from bot.pipeline.context import ReviewContext
from bot.pipeline.process import process
from bot.pipeline.replay import RefusedPosting, ReplayedPosting, ReplayEvent, replay
from bot.pipeline.replay_index import ReadingDone, UnreadableInput
from bot.pipeline.spool import Mails, open_reader
from bot.pool.guard import Crashed, InlineExecutor
from bot.pool.worker import Limits
from bot.ports.raw_mail import UnreadMail
from bot.review.model import FindingState
from rules.diff.patch import Series
from rules.finding import Report
from rules.registry import by_id
from tests.bot.review.factories import Maker
from tests.fakes.contexts import consenting
from tests.fakes.mails import START, FakeArchive, mail, patch
from tests.fakes.progress import CountingProgress

MINUTE = timedelta(minutes=1)


class _InlineWorkers:
    """Runs the work in this process, in the place of worker processes."""

    def __init__(self, jobs: int, limits: Limits) -> None:
        assert (jobs, limits) == (1, Limits(seconds=120.0))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        open_reader.cache_clear()

    def stream(self, work: Callable[[object], object], items: Iterable[object]) -> Iterator[object]:
        for item in items:
            yield from InlineExecutor().map(work, [item])

    def map(self, work: Callable[[object], object], items: Sequence[object]) -> list[object]:
        return InlineExecutor().map(work, items)


@pytest.fixture(autouse=True)
def inline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_module, "ProcessExecutor", _InlineWorkers)


def _context(make: Maker) -> ReviewContext:
    rule = by_id("missing-safety-comment")
    assert rule is not None
    return ReviewContext((rule,), identity=make.identity, recipients=consenting())


def _replayed(
    make: Maker, *archives: FakeArchive, since: int | None = None, progress: CountingProgress | None = None
) -> list[ReplayEvent]:
    start = None if since is None else START + since * MINUTE
    return list(replay(archives, RepositorySpecs(), _context(make), start, 1, progress or CountingProgress()))


def _ids(events: list[ReplayEvent]) -> list[str]:
    return [event.result.review.posting.message_id for event in events if isinstance(event, ReplayedPosting)]


def test_a_mail_that_an_archive_does_not_read_is_named_unless_it_is_too_old(make: Maker) -> None:
    unread = [UnreadMail(str(at), START + at * MINUTE, "damaged", is_damaged=True) for at in range(2)]

    events = _replayed(make, FakeArchive([patch("a@x")], unread=unread))
    later = _replayed(make, FakeArchive([patch("a@x")], unread=unread), since=1)

    named = [event for event in events if isinstance(event, UnreadableInput)]
    assert named == [UnreadableInput("0", "damaged"), UnreadableInput("1", "damaged")]
    assert [event.origin for event in later if isinstance(event, UnreadableInput)] == ["1"]
    assert _ids(events) == ["a@x"]


def test_a_replay_reads_everything_and_reviews_the_threads_with_patches(make: Maker) -> None:
    progress = CountingProgress()
    first = FakeArchive([patch("a@x"), mail("talk@x"), b"nothing"])
    second = FakeArchive([patch("b@x", "fan"), patch("a@x", "copy")])

    events = _replayed(make, first, second, progress=progress)

    assert [type(event) for event in events] == [UnreadableInput, ReadingDone, ReplayedPosting, ReplayedPosting]
    unreadable, done = events[:2]
    assert isinstance(unreadable, UnreadableInput)
    assert unreadable.origin == f"0.git@{2:040x}"
    assert unreadable.reason
    assert done == ReadingDone(5, 2)
    assert _ids(events) == ["a@x", "b@x"]
    assert progress.steps == [["reading", 5, 5], ["reviewing", 2, 2]]


def test_a_replayed_posting_has_its_findings_its_mail_and_no_texts_of_mails(make: Maker) -> None:
    cover = mail("c@x", "[PATCH 0/2] rust: led", body="Why.\n---\n 2 files changed, 2 insertions(+)\n")
    clean = patch("2@x", "fan", number=" 2/2", to="c@x").replace(b"+    unsafe { *address }", b"+    0")

    event = _replayed(make, FakeArchive([cover, patch("1@x", number=" 1/2", to="c@x"), clean]))[-1]

    assert isinstance(event, ReplayedPosting)
    review = event.result.review
    assert [(entry.finding.anchor.patch, entry.finding.anchor.line) for entry in review.reported] == [(1, 4)]
    changes = [change for part in review.posting.series.patches for change in part.changes]
    assert [(change.path, len(change.hunks)) for change in changes] == [
        ("rust/kernel/led.rs", 1),
        ("rust/kernel/fan.rs", 0),
    ]
    assert ({part.body for part in review.posting.parts}, review.posting.series.cover) == ({""}, "")
    assert event.result.outgoing is not None
    assert event.result.outgoing.due == START
    assert (event.base, event.result.blobs) == (None, {})


def test_the_review_of_a_revision_knows_the_one_before(make: Maker) -> None:
    later = patch("2@x").replace(b"[PATCH]", b"[PATCH v2]")

    events = _replayed(make, FakeArchive([patch("1@x"), later]))

    assert [
        entry.state for event in events if isinstance(event, ReplayedPosting) for entry in event.result.review.findings
    ] == [FindingState.NEW, FindingState.REPEATED]


@pytest.mark.parametrize(("line", "state"), [(b"v1", FindingState.REPEATED), (b"Needs v1", FindingState.NEW)])
def test_a_revision_with_another_title_continues_the_one_that_its_author_links_to(
    make: Maker, line: bytes, state: FindingState
) -> None:
    later = patch("2@x").replace(b"[PATCH] rust: led: read", b"[PATCH v2] rust: led: scan")
    later = later.replace(b"---\ndiff", b"---\n%b: https://lore.kernel.org/r/1@x/\n\ndiff" % line)

    events = _replayed(make, FakeArchive([patch("1@x"), later]))

    findings = [
        entry.state for event in events if isinstance(event, ReplayedPosting) for entry in event.result.review.findings
    ]
    assert findings == [FindingState.NEW, state]


@pytest.mark.parametrize(("title", "state"), [(b"led: read", FindingState.REPEATED), (b"led: scan", FindingState.NEW)])
def test_a_revision_with_a_first_change_id_continues_the_one_with_its_title(
    make: Maker, title: bytes, state: FindingState
) -> None:
    later = patch("2@x").replace(b"[PATCH] rust: led: read", b"[PATCH v2] rust: " + title)
    later = later.replace(b"---\ndiff", b"---\nchange-id: 20260301-led-0123456789ab\n\ndiff")

    events = _replayed(make, FakeArchive([patch("1@x"), later]))

    findings = [
        entry.state for event in events if isinstance(event, ReplayedPosting) for entry in event.result.review.findings
    ]
    assert findings == [FindingState.NEW, state]


def test_a_series_of_an_archive_that_lacks_a_patch_is_not_waited_for(make: Maker) -> None:
    events = _replayed(make, FakeArchive([patch("1@x", number=" 1/2")]))

    (refused,) = [event for event in events if isinstance(event, RefusedPosting)]
    assert refused.posting.message_id == "1@x"
    assert str(refused.refusal) == "incomplete: patch 2 of 2 did not arrive"


def test_patches_that_were_posted_before_are_not_reviewed_again(make: Maker) -> None:
    archive = FakeArchive([patch("1@x"), patch("2@x"), patch("3@x").replace(b"[PATCH]", b"[PATCH v2]")])

    events = _replayed(make, archive)

    assert _ids(events) == ["1@x", "3@x"]
    (refused,) = [event for event in events if isinstance(event, RefusedPosting)]
    assert refused.posting.message_id == "2@x"
    assert str(refused.refusal) == "repeat: the same patches were posted before, as 1@x"


def test_patches_that_their_author_posts_again_from_another_address_are_not_reviewed_again(make: Maker) -> None:
    link = b"---\nv1: https://lore.kernel.org/r/1@x/\n\ndiff"
    second = patch("2@x").replace(b"[PATCH]", b"[PATCH v2]").replace(b"---\ndiff", link)
    again = second.replace(b"2@x", b"3@x").replace(b"[PATCH v2]", b"[PATCH RESEND v2]")
    again = again.replace(b"ada@example.org", b"ada@work.example.org")

    events = _replayed(make, FakeArchive([patch("1@x"), second, again]))

    assert _ids(events) == ["1@x", "2@x"]
    assert [event.refusal for event in events if isinstance(event, RefusedPosting)] == [refuse_repeat("2@x")]


def test_a_replayed_posting_names_the_kernel_that_it_was_analysed_against(
    make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = Base("linux.git", "v6.19", "1" * 40, Chosen.GIVEN, Evidence())
    monkeypatch.setattr(replay_module, "analyse", lambda given: replace(analyse(given), base=base))

    event = _replayed(make, FakeArchive([patch("1@x")]))[-1]

    assert isinstance(event, ReplayedPosting)
    assert (event.base, event.result.review.basis.base) == (base, base.named)


def test_a_series_with_the_last_possible_date_is_reviewed(make: Maker) -> None:
    dated = patch("1@x").replace(b"Mon, 02 Mar 2026 09:00:00", b"Fri, 31 Dec 9999 23:59:59")

    assert ["1@x"] == _ids(_replayed(make, FakeArchive([dated])))


def test_since_leaves_out_mails_that_came_and_postings_that_were_sent_before(make: Maker) -> None:
    """The archive gets a mail each minute; every mail says that it was sent at the start."""
    sent_late = patch("3@x", "lamp").replace(b"09:00:00", b"09:02:00")
    undated = patch("4@x", "dial").replace(b"Date: Mon, 02 Mar 2026 09:00:00 +0000\n", b"")
    mails = [patch("1@x"), patch("2@x", "fan"), sent_late, undated]
    progress = CountingProgress()

    events = _replayed(make, FakeArchive(mails), since=2, progress=progress)

    assert _ids(events) == ["3@x"]
    assert ReadingDone(2, 2) in events
    assert progress.steps == [["reading", 4, 4], ["reviewing", 2, 2]]
    assert sorted(_ids(_replayed(make, FakeArchive(mails)))) == ["1@x", "2@x", "3@x", "4@x"]


def test_a_crash_of_a_mail_a_thread_or_a_review_stops_no_other(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = FakeArchive([patch("1@x"), patch("2@x", "fan"), patch("3@x", "lamp"), patch("4@x", "key")])

    def broken_parse(raw: bytes, **needs: Any) -> object:
        if b"<1@x>" in raw:
            raise ValueError("mail")
        return parse(raw, **needs)

    def broken_analyse(given: AnalysisInput) -> Analysis:
        assert isinstance(given.series, Series)
        if "fan" in given.series.subject:
            raise ValueError("thread")
        return analyse(given)

    def broken_process(posting: Posting, *rest: Any) -> object:
        return Crashed("review") if "lamp" in posting.series.subject else process(posting, *rest)

    monkeypatch.setattr(replay_index, "parse", broken_parse)
    for name, function in (("analyse", broken_analyse), ("process", broken_process)):
        monkeypatch.setattr(replay_module, name, function)
    events = _replayed(make, archive)

    reasons = [event.reason for event in events if isinstance(event, Crashed)]
    assert [reason.partition(":")[0] for reason in reasons] == [
        f"mail 0.git@{0:040x}", f"thread of mail 0.git@{1:040x}", "posting 3@x"]  # fmt: skip
    assert [reason.rpartition(": ")[2] for reason in reasons] == ["mail", "thread", "review"]
    assert _ids(events) == ["4@x"]


def test_the_mails_of_a_piece_that_is_lost_are_read_one_by_one(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    index_mails = replay_index._index_mails

    def broken(mails: Mails) -> object:
        return Crashed("too large") if any(b"<1@x>" in raw for raw in mails.read()) else index_mails(mails)

    monkeypatch.setattr(replay_index, "_index_mails", broken)
    events = _replayed(make, FakeArchive([patch("1@x"), patch("2@x", "fan"), b"nothing"]))

    assert [event for event in events if isinstance(event, Crashed)] == [Crashed(f"mail 0.git@{0:040x}: too large")]
    assert [event.origin for event in events if isinstance(event, UnreadableInput)] == [f"0.git@{2:040x}"]
    assert _ids(events) == ["2@x"]


def test_the_index_holds_only_what_connects_the_mails() -> None:
    signed = patch("re@x").replace(b"Subject: ", b"Subject: Re: ")
    raw = [patch("1@x", to="0@x"), mail("talk@x"), signed, mail("re@x", "Re: talk"), b"nothing"]

    indexed, other, with_trailer, reply, unreadable = map(replay_index._index_mail, raw)

    date = datetime(2026, 3, 2, 9, tzinfo=UTC).timestamp()
    ids = [replay_index._digest(name) for name in ("1@x", "0@x", "talk@x", "re@x")]
    assert indexed == (ids[0], (ids[1],), date, True, False)
    assert other == (ids[2], (), date, False, False)
    assert reply == (ids[3], (), date, False, True)
    assert with_trailer == (ids[3], (), date, False, False)
    assert isinstance(unreadable, UnreadableMail)
    assert unreadable.raw == b""


def test_replies_without_trailers_are_read_again_only_if_others_refer_to_them(
    make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    assembled: list[list[str]] = []

    def noted(messages: Sequence[Message]) -> tuple[Posting, ...]:
        assembled.append([message.message_id for message in messages])
        return assemble(messages)

    monkeypatch.setattr(replay_module, "assemble", noted)
    acked = mail("acked@x", "Re: led", to="asked@x", body="Acked-by: Bob <bob@example.org>\n", author="bob@example.org")
    first, asked, thanked = (mail(f"{name}@x", "Re: led", to=to) for name, to in
                             (("first", "1@x"), ("asked", "1@x"), ("thanked", "acked@x")))  # fmt: skip

    events = _replayed(make, FakeArchive([first, patch("1@x"), thanked, acked, asked]))

    # The first mail names the thread in messages.
    assert assembled == [["first@x", "1@x", "acked@x", "asked@x"]]
    (event,) = [event for event in events if isinstance(event, ReplayedPosting)]
    follow_ups = event.result.review.posting.follow_ups
    assert [(follow_up.index, follow_up.message_id) for follow_up in follow_ups] == [(1, "acked@x")]


def test_a_mail_of_several_archives_is_the_first_that_came(make: Maker) -> None:
    events = _replayed(make, FakeArchive([patch("1@x")]), FakeArchive([patch("1@x", "copy")]))

    (event,) = [event for event in events if isinstance(event, ReplayedPosting)]
    assert event.result.review.posting.series.subject == "rust: led: read it"


def test_a_worker_forgets_the_revisions_that_it_analysed(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    count, left = 12, iter(range(11, -1, -1))
    alive: dict[str, int] = {}

    def objects() -> Counter[type]:
        gc.collect()
        return Counter(type(value) for value in gc.get_objects())

    def spy(given: AnalysisInput) -> Analysis:
        if not next(left):
            kinds = objects() - earlier
            alive.update(postings=kinds[Posting], reports=kinds[Report])
        return analyse(given)

    earlier = objects()

    monkeypatch.setattr(replay_module, "MAX_EARLIER", 2)
    monkeypatch.setattr(replay_module, "analyse", spy)
    revisions = [patch(f"{at}@x", number=f" v{at}", to="1@x" if at > 1 else "") for at in range(1, count + 1)]

    assert len(_ids(_replayed(make, FakeArchive(revisions)))) == count
    assert alive["postings"] <= 2 + 2  # two earlier ones, the one before, and the one that is analysed
    assert alive["reports"] <= 1  # the one before

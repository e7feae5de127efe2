# SPDX-License-Identifier: GPL-2.0-or-later
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.inbox.assemble import assemble
from bot.mail.address import Address
from bot.mail.message import Message
from bot.mail.parse import parse
from bot.mail.posting import Complete, Defective, Posting, Waiting
from bot.mail.refusal import Refusal, RefusalContext, RefusalKind, RefusalTerms, clamped, refuse_mail, refuse_posting

SENT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NOW = SENT + timedelta(hours=1)
FRESH = RefusalContext(SENT, SENT)
TERMS = RefusalTerms(own=frozenset({"warden@example.org"}), bots=frozenset({"robot@example.org"}))
DIFF = "diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-old\n+new\n"


def mail(subject: str, *, author: str = "ada@example.org", text: str = "Change it.", more: str = "") -> Message:
    date = "Mon, 02 Mar 2026 09:00:00 +0000"
    head = f"From: Ada <{author}>\nSubject: {subject}\nDate: {date}\nMessage-ID: <1@example.org>\n"
    message = parse(f"{head}{more}\n{text}\n".encode())
    assert isinstance(message, Message)
    return message


def posting(
    subject: str, path: str = "rust/kernel/lib.rs", *, author: str = "ada@example.org", text: str = "Change it."
) -> Posting:
    body = f"{text}\n\nSigned-off-by: Ada <ada@example.org>\n---\n{DIFF.format(path=path)}"
    (posting,) = assemble([mail(subject, author=author, text=body)])
    return posting


def kind_of(
    posting: Posting, context: RefusalContext = FRESH, now: datetime = NOW, terms: RefusalTerms = TERMS
) -> RefusalKind | None:
    refused = refuse_posting(posting, context, now, terms)
    return None if refused is None else refused.kind


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (mail("[PATCH v2 1/2] rust: x"), None),
        (mail("[RFC PATCH] rust: x"), None),
        (mail("[PATCHv2] rust: x"), None),
        (mail("[RFCv2] rust: x"), None),
        (mail("Re: [PATCH] rust: x"), RefusalKind.REPLY),
        (mail("AW: [PATCH] rust: x"), RefusalKind.REPLY),
        (mail("答复: [PATCH] rust: x"), RefusalKind.REPLY),
        (mail("[PATCH] x", author="lkp@intel.com"), RefusalKind.BOT),
        (mail("[PATCH] x", author="robot@example.org"), RefusalKind.BOT),
        (mail("[PATCH] x", more="Auto-Submitted: auto-replied\n"), RefusalKind.BOT),
        (mail("[PATCH] x", author="courbot@example.org"), None),
        (mail("[PATCH] x", author="warden@example.org"), RefusalKind.OWN),
        (mail("[GIT PULL] Rust for 7.1"), RefusalKind.PULL),
        (mail("[PULL 0/3] Rust"), RefusalKind.PULL),
        (mail("[PATCH] pull the lever"), None),
        (mail("[PATCH 6.6 12/345] x", more="X-stable: review\n"), RefusalKind.STABLE),
        (mail("rust: what about pins?"), RefusalKind.NO_PATCH),
        (mail("[PATCH] x", author="ada@example.org> <eve@example.org"), RefusalKind.NO_PATCH),
    ],
)  # fmt: skip
def test_a_mail_is_refused_for_what_it_is(message: Message, kind: RefusalKind | None) -> None:
    refused = refuse_mail(message, TERMS)

    assert (None if refused is None else refused.kind) == kind


@pytest.mark.parametrize(
    ("posting", "kind"),
    [
        (posting("[PATCH] rust: x"), None),
        (posting("[PATCH rust-next v3] rust: x"), None),
        (posting("[RFC PATCH net-next] rust: x"), None),
        (posting("[PATCH RESEND] rust: x"), None),
        (posting("[PATCH] pull the lever"), None),
        (posting("[GIT PULL][PATCH v10] rust: x"), RefusalKind.PULL),
        (posting("[GIT PULL 1/1] rust: x"), RefusalKind.PULL),
        (posting("[PATCH 6.12] rust: x"), RefusalKind.BACKPORT),
        (posting("[PATCH 6.12.y] rust: x"), RefusalKind.BACKPORT),
        (posting("[PATCH 5.15/6.1] rust: x"), RefusalKind.BACKPORT),
        (posting("[PATCH stable 6.1] rust: x"), RefusalKind.BACKPORT),
        (posting("[PATCH linux-6.12.y v2] rust: x"), RefusalKind.BACKPORT),
        (posting("[PATCH stable/linux-6.12.y] rust: x"), RefusalKind.BACKPORT),
        (posting("[PATCH 6.12+] rust: x"), RefusalKind.BACKPORT),
        (posting("[PATCH -stable] rust: x"), RefusalKind.BACKPORT),
        (posting("[PATCH v6.12] rust: x"), RefusalKind.BACKPORT),
        (posting("[PATCH v6.1.y] rust: x"), RefusalKind.BACKPORT),
        (posting("[PATCH 5.10.y-cip] rust: x"), RefusalKind.BACKPORT),
        (posting("[PATCH OLK-6.6] rust: x"), RefusalKind.BACKPORT),
        (posting("[PATCH android15-6.6] rust: x"), RefusalKind.BACKPORT),
        (posting("[SRU][PATCH] rust: x"), RefusalKind.BACKPORT),
        (posting("[PATCH v2.1] rust: x"), None),
        (posting("[PATCH 6.13-rc1] rust: x"), None),
        (posting("[PATCH for-6.13] rust: x"), None),
        (posting("[PATCH rust-fixes-6.13] rust: x"), None),
        (posting("[PATCH AUTOSEL 6.12] rust: x"), RefusalKind.STABLE),
        (
            posting("[PATCH] rust: x", text="commit 0123456789abcdef0123456789abcdef01234567 upstream."),
            RefusalKind.BACKPORT,
        ),
        (posting("[PATCH] rust: x", text="[ Upstream commit 0123456789abcdef0123456789abcdef ]"), RefusalKind.BACKPORT),
        (posting("[PATCH] rust: x", text="As commit 0123456789ab upstream did."), None),
        (posting("[PATCH] rust: x", text="Why.\n\n(cherry picked from commit 0123456789ab)"), RefusalKind.BACKPORT),
        (posting("[PATCH b4] x", "src/b4/ez.py"), RefusalKind.FOREIGN),
        (posting("[PATCH] x", "src/main.rs"), RefusalKind.FOREIGN),
        (posting("[PATCH pahole] x", "lib/dwarf.c"), RefusalKind.FOREIGN),
        (posting("[PATCH -e2fsprogs] x", "lib/ext2fs/x.c"), RefusalKind.FOREIGN),
        (posting("[PATCH] x", "rust/hw/char/pl011/src/lib.rs"), RefusalKind.FOREIGN),
        (posting("[PATCH] x", "rust/Cargo.toml"), RefusalKind.FOREIGN),
        (posting("[PATCH] gccrs: x", "include/x.h"), RefusalKind.FOREIGN),
        (posting("[PATCH] x", "tools/perf/util.c"), None),
        (posting("fixup! [PATCH] rust: x".replace("fixup! [PATCH]", "[PATCH] fixup!")), RefusalKind.FIXUP),
        (posting("[PATCH] x", author="robot@example.org"), RefusalKind.BOT),
        (posting("[PATCH] x", author="warden@example.org"), RefusalKind.OWN),
    ],
)  # fmt: skip
def test_a_posting_is_refused_for_what_it_is(posting: Posting, kind: RefusalKind | None) -> None:
    assert kind_of(posting) == kind


def _sent_again() -> Posting:
    """A patch of a later revision that replies to the series, which `posting` makes too."""
    again = posting("[PATCH v2 1/4] x")
    (part,) = again.parts
    answered = posting("[PATCH 1/4] x").parts[0].message_id
    return replace(again, state=Waiting((2, 4)), parts=(replace(part, references=(answered,)),))


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        (refuse_mail(mail("[PATCH] x", author="WARDEN@example.org"), TERMS), "own: it is from warden@example.org"),
        (
            refuse_mail(mail("[PATCH] x", author="robot@example.org"), TERMS),
            "bot: robot@example.org is a bot, or the mail says that a machine wrote it",
        ),
        (refuse_mail(mail("Re: [PATCH] x"), TERMS), "reply: the subject is that of a reply"),
        (refuse_mail(mail("[GIT PULL] x"), TERMS), "pull-request: the subject is that of a pull request"),
        (
            refuse_mail(mail("x", more="X-stable: Review\n"), TERMS),
            "stable-queue: it is under review for a stable release",
        ),
        (refuse_mail(mail("rust: x"), TERMS), "no-patch: the subject has no [PATCH]"),
        (refuse_mail(mail("x", author="a@x> <b@x"), TERMS), "no-patch: From is not a single address"),
        (
            refuse_posting(posting("[PATCH] x", author="warden@example.org"), FRESH, NOW, TERMS),
            "own: it is from warden@example.org",
        ),
        (
            refuse_posting(posting("[PATCH] x", author="robot@example.org"), FRESH, NOW, TERMS),
            "bot: robot@example.org is a bot",
        ),
        (
            refuse_posting(posting("[PATCH AUTOSEL] x"), FRESH, NOW, TERMS),
            "stable-queue: it is for a stable release, selected by AUTOSEL",
        ),
        (refuse_posting(posting("[PATCH stable 6.1] x"), FRESH, NOW, TERMS), 'backport: the subject says "6.1"'),
        (
            refuse_posting(posting("[PATCH] x", text=f"commit {'a' * 40} upstream."), FRESH, NOW, TERMS),
            "backport: patch 1 names its upstream commit",
        ),
        (
            refuse_posting(posting("[GIT PULL] [PATCH] x"), FRESH, NOW, TERMS),
            "pull-request: the subject is that of a pull request",
        ),
        (refuse_posting(posting("[PATCH b4] x"), FRESH, NOW, TERMS), "not-kernel: it is for b4"),
        (
            refuse_posting(posting("[PATCH] x", "src/main.rs"), FRESH, NOW, TERMS),
            "not-kernel: no changed file belongs to the kernel: src/main.rs",
        ),
        (
            refuse_posting(posting("[PATCH] x"), replace(FRESH, newer=2), NOW, TERMS),
            "older-revision: v2 has arrived already",
        ),
        (
            refuse_posting(posting("[PATCH] x"), FRESH, NOW + timedelta(days=3), TERMS),
            "stale: it was sent on 2026-03-02 09:00 UTC",
        ),
        (
            refuse_posting(
                posting("[PATCH] x"), RefusalContext(NOW + timedelta(days=3), NOW), NOW + timedelta(days=3), TERMS
            ),
            "stale: it was sent on 2026-03-02 09:00 UTC and archived later",
        ),
        (
            refuse_posting(posting("[PATCH] x"), replace(FRESH, repeats="0@x"), NOW, TERMS),
            "repeat: the same patches were posted before, as 0@x",
        ),
        (
            refuse_posting(posting("[PATCH] squash! x"), FRESH, NOW, TERMS),
            "fixup: it is to be merged into another patch",
        ),
        (
            refuse_posting(posting("[PATCH] y"), replace(FRESH, answers=posting("[PATCH v2] x")), NOW, TERMS),
            'fixup: a single patch in reply to "x": both change rust/kernel/lib.rs',
        ),
        (
            refuse_posting(replace(posting("[PATCH 1/4] x"), state=Waiting((2, 4))), FRESH, SENT, TERMS),
            "unsettled: waiting for patches 2 and 4 of 4",
        ),
        (
            refuse_posting(replace(posting("[PATCH 1/4] x"), state=Waiting((2, 4))), FRESH, NOW, TERMS),
            "incomplete: patches 2 and 4 of 4 did not arrive",
        ),
        (
            refuse_posting(_sent_again(), replace(FRESH, answers=posting("[PATCH 1/4] x")), NOW, TERMS),
            "incomplete: its author sent only patch 1 of 4 again, in reply to an earlier revision",
        ),
        (
            refuse_posting(_sent_again(), replace(FRESH, answers=posting("[PATCH 1/3] x")), NOW, TERMS),
            "incomplete: patches 2 and 4 of 4 did not arrive",
        ),
        (
            refuse_posting(posting("[PATCH] x"), replace(FRESH, followed=False), NOW, TERMS),
            "not-followed: no followed archive has any part of it",
        ),
    ],
)
def test_a_refusal_names_its_kind_and_its_reason(refusal: Refusal | None, reason: str) -> None:
    assert str(refusal) == reason


def test_a_posting_that_was_sent_to_us_and_to_no_list_is_not_followed() -> None:
    patch_posting = posting("[PATCH] x")
    (part,) = patch_posting.parts
    private = replace(patch_posting, parts=(replace(part, cc=(Address("", "Warden@example.org"),)),))

    assert str(refuse_posting(private, FRESH, NOW, TERMS)) == "not-followed: it was sent to us only, and to no list"
    assert kind_of(replace(private, lists=("list@example.org",))) is None
    assert kind_of(replace(private, parts=(replace(private.parts[0], carriers=("list@example.org",)),))) is None
    assert kind_of(patch_posting) is None


def test_a_cover_letter_that_asks_to_pull_is_a_pull_request() -> None:
    patch_posting = posting("[PATCH] x")
    cover = "Hi,\n\nThe following changes since commit 0123:\n\nare available in the Git repository at:\n\n  git://x\n"

    assert kind_of(replace(patch_posting, series=replace(patch_posting.series, cover=cover))) == RefusalKind.PULL


@pytest.mark.parametrize(
    ("newer", "revision", "kind"), [(None, 1, None), (2, 1, RefusalKind.OLDER), (2, 2, None), (2, 3, None)]
)
def test_an_older_revision_than_one_that_is_here_is_refused(
    newer: int | None, revision: int, kind: RefusalKind | None
) -> None:
    assert kind_of(posting(f"[PATCH v{revision}] x"), replace(FRESH, newer=newer)) == kind


@pytest.mark.parametrize(
    ("now", "first", "kind"),
    [
        (SENT + timedelta(hours=47), SENT, None),
        (SENT + timedelta(hours=49), SENT, RefusalKind.STALE),
        (SENT + timedelta(days=90), SENT + timedelta(days=90), RefusalKind.STALE),
        (SENT + timedelta(hours=1), SENT - timedelta(days=9), RefusalKind.STALE),
    ],
    ids=["young", "old", "back-filled", "archived before its Date"],
)
def test_what_is_older_than_two_days_is_refused(now: datetime, first: datetime, kind: RefusalKind | None) -> None:
    assert kind_of(posting("[PATCH] x"), RefusalContext(first, first), now) == kind


def test_age_does_not_matter_where_nobody_set_a_limit() -> None:
    assert kind_of(posting("[PATCH] x"), FRESH, NOW + timedelta(days=999), RefusalTerms(stale=None)) is None


def test_a_back_filled_mail_says_so() -> None:
    late = SENT + timedelta(days=30)

    assert "archived later" in str(refuse_posting(posting("[PATCH] x"), RefusalContext(late, late), late, TERMS))


@pytest.mark.parametrize(
    ("date", "clamp"),
    [(None, SENT), (SENT - timedelta(hours=3), SENT - timedelta(hours=3)), (SENT + timedelta(days=18_000), SENT)],
    ids=["none", "past", "future"],
)
def test_a_date_is_never_after_the_arrival(date: datetime | None, clamp: datetime) -> None:
    assert clamped(date, SENT) == clamp


@pytest.mark.parametrize(
    ("subject", "kind"),
    [
        ("[PATCH] y", RefusalKind.FIXUP),
        ("[PATCH v2] y", None),
        ("[PATCH RESEND] y", None),
        ("[PATCH 1/1] y", RefusalKind.FIXUP),
    ],
)
@pytest.mark.parametrize("author", ["ada@example.org", "eve@example.org"])
def test_a_single_patch_to_the_files_of_the_series_it_answers_is_a_fixup(
    subject: str, kind: RefusalKind | None, author: str
) -> None:
    assert kind_of(posting(subject), replace(FRESH, answers=posting("[PATCH v3] x", author=author))) == kind


@pytest.mark.parametrize("author", ["ada@example.org", "eve@example.org"])
def test_a_single_patch_to_other_files_than_the_series_it_answers_stands_for_itself(author: str) -> None:
    answered = posting("[PATCH v3] x", "rust/kernel/led.rs", author=author)

    assert kind_of(posting("[PATCH] y"), replace(FRESH, answers=answered)) is None


def test_what_a_moved_file_was_called_is_its_name_too() -> None:
    answered = posting("[PATCH] x", "rust/kernel/old.rs")
    change = replace(answered.series.patches[0].changes[0], after="rust/kernel/lib.rs")
    patch = replace(answered.series.patches[0], changes=(change,))
    answered = replace(answered, series=replace(answered.series, patches=(patch,)))

    assert kind_of(posting("[PATCH] y", "rust/kernel/old.rs"), replace(FRESH, answers=answered)) == RefusalKind.FIXUP


def test_a_single_patch_in_answer_to_a_series_that_is_not_known_whole_is_left_alone() -> None:
    answered = replace(posting("[PATCH 1/2] x", "rust/kernel/led.rs"), state=Waiting((2,)))
    refused = refuse_posting(posting("[PATCH] y"), replace(FRESH, answers=answered), NOW, TERMS)

    assert str(refused) == 'fixup: a single patch in reply to "x": not all files of that series are known'


def test_a_patch_in_answer_to_its_own_first_sending_is_no_fixup() -> None:
    patch_posting = posting("[PATCH] x")

    assert kind_of(patch_posting, replace(FRESH, answers=patch_posting)) is None


@pytest.mark.parametrize(("minutes", "kind"), [(29, RefusalKind.UNSETTLED), (31, RefusalKind.INCOMPLETE)])
def test_an_incomplete_series_is_waited_for_and_then_left(minutes: int, kind: RefusalKind) -> None:
    patch_posting = replace(posting("[PATCH 1/2] x"), state=Waiting((2,)))

    assert kind_of(patch_posting, FRESH, SENT + timedelta(minutes=minutes)) == kind


def test_states_decide_last() -> None:
    patch_posting = posting("[PATCH 1/1] x")

    assert (
        kind_of(replace(patch_posting, state=Complete())),
        kind_of(replace(patch_posting, state=Defective("why"))),
    ) == (
        None,
        RefusalKind.DEFECTIVE,
    )
    assert str(refuse_posting(replace(patch_posting, state=Defective("why")), FRESH, NOW, TERMS)) == "defective: why"

# SPDX-License-Identifier: GPL-2.0-or-later
"""Every reader of hostile bytes or text, and how its processor time grows from an input of size N to one of 4N.

    python -m tests.readers    # how many readers there are, and the worst growth

A reader is a public function that takes text, bytes or a mail. `EXEMPT` names those that are none, with the reason.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

from bot.debt.count import count_file
from bot.digest import markup
from bot.digest import selection as digest_material
from bot.digest.html import digest_html
from bot.digest.mail import digest_mail
from bot.digest.model import Digest
from bot.digest.period import Period
from bot.digest.text import digest_text
from bot.inbox.assemble import (
    as_patch,
    assemble,
    candidate,
    is_misnumbered_patch,
    is_patch_without_diff,
    needs_recipients,
)
from bot.inbox.completion import derive_ids, message_id_in
from bot.inbox.conversations import Conversations, ids_of
from bot.inbox.grouping import group_candidates, parent_of, replied_id
from bot.inbox.http_client import looks_like_page
from bot.inbox.lore_manifest import read_manifest
from bot.inbox.mailbox import Mbox, StandardInput, split_mbox
from bot.inbox.maildir import Maildir
from bot.inbox.patch_text import mails_of_texts, plain_text
from bot.inbox.series_facts import names_resend, read_footers, read_subject
from bot.inbox.thread import id_time, relatives, run_of, stem, threads
from bot.kernel.work_tree import make_diff
from bot.mail import (
    address,
    address_book,
    authority,
    bots,
    command_reader,
    compose,
    copy,
    header,
    landed,
    lists,
    mime,
    origin,
    project,
    refusal,
    revision_links,
    target,
    truncation,
)
from bot.mail import parse as parsing
from bot.mail.address import Address
from bot.mail.address_book import AddressBook
from bot.mail.authority import ProvenSender
from bot.mail.bounce import bounce
from bot.mail.charset import decode
from bot.mail.links import Links
from bot.mail.message import Message
from bot.mail.mime import parts_of
from bot.mail.one_time_token import read_token, series_token
from bot.mail.posting import FollowUp, Posting
from bot.mail.posting_codec import EncodedPosting, PostingBytes, mail_rows
from bot.mail.subject import count_and_title, title_words, usual_subject
from bot.pipeline.context import ReviewContext
from bot.pipeline.draft import draft
from bot.ports.raw_mail import RawMail
from bot.review import command_reply as answering
from bot.review import disposition, landing, pending
from bot.review import mail_lint as lint
from bot.review.formats import b4, errorformat, json_array, jsonl, rdjsonl, row, sarif, terse, text
from bot.review.formats.mail import mail as mail_format
from bot.review.model import Review
from bot.review.policy import Policy
from bot.review.record import LandingRecord, ReviewRecord, SeriesRecord
from bot.review.render import quote
from bot.review.render import text as render_text
from bot.review.render.body import body
from bot.review.reported import leave_out_undecided
from bot.review.review import review
from rules.analysis import crate_graph, maintainers
from rules.bindings import abi, calls, helper_facts, module_facts, rust_facts
from rules.bindings.doc_link_gates import DocLinkGates
from rules.bindings.index import Bindings
from rules.bindings.mail_filter import MailFilter, is_encoded
from rules.bindings.tree import FileTree, NoTree
from rules.diff import apply, log, top_level
from rules.diff import header as diff_header
from rules.diff import origin as path_origin
from rules.diff import parse as diff
from rules.diff.patch import FileChange, Hunk, Line, Patch, Series
from rules.finding import Finding, Report
from rules.lint.engine import audit, run
from rules.registry import active, active_before_posting
from rules.source.c import declarator as c_declarator
from rules.source.c import layout as c_layout
from rules.source.c import macros as c_macro
from rules.source.c import members as c_body
from rules.source.c import simple as c_simple
from rules.source.c import source as c
from rules.source.c import text as c_text
from rules.source.c import value as c_value
from rules.source.kbuild import condition, kconfig, makefile
from rules.source.rust import api as rust_api
from rules.source.rust import cfg as rust_cfg
from rules.source.rust import doc_links as rust_doc_links
from rules.source.rust import docs as rust_docs
from rules.source.rust import lines as rust_lines
from rules.source.rust import operations as rust_operations
from rules.source.rust import structure as rust_structure
from rules.source.rust import tokens as rust_tokens
from rules.source.rust.fences import Fences
from rules.source.rust.source import RustSource
from rules.source.rust.use_layout import is_plain_use
from rules.source.rust.usual_comments import read_usual_comments, read_usual_tags
from rules.source.rust.walk import allowed_lints
from rules.source.rust.work_limit import TooMuchError
from tests.bot.review.factories import Maker
from tests.fakes.fixing import fix_series, read_changes
from tests.growth import FACTOR, MAX_RATIO, growth, processor_seconds, repeated

ROOT: Final = Path(__file__).parents[1]
FOLDERS: Final = (
    "bot/debt",
    "bot/mail",
    "bot/inbox",
    "bot/review",
    "bot/review/formats",
    "bot/pipeline",
    "bot/digest",
    "bot/review/render",
    "rules",
    "rules/analysis",
    "rules/bindings",
    "rules/diff",
    "rules/lint",
    "rules/source/c",
    "rules/source/kbuild",
    "rules/source/rust",
)
HOSTILE_TYPES: Final = re.compile(r"\b(str|bytes|Message|RawMail)\b")
QUICK_SECONDS: Final = 0.004
NOW: Final = datetime(2026, 3, 2, 12, tzinfo=UTC)
FIRST_RATIO: Final = 6.0
SIZE: Final = 8_000

COMMON: Final = (
    *"/ \n:;'\"`()[]{}<>,.-=#*\\\0aé",
    *("$(", "::", "\r\n", " \n", "\n\n", "a ", "a,", "a: b\n", "  a\n"),
)
MAIL_UNITS: Final = (
    *COMMON,
    *("a@b, ", "<a@b> ", "> a\n", "\nFrom a@b Thu Jan  1 00:00:00 1970\n", "\n>From ", "\nFrom "),
    *("=?utf-8?q?a?= ", "=?a?b?", "=20", "=\n", "Reviewed-by: A <a@b>\n", "[PATCH ", "Re: ", "-- \n", "\n---\n"),
    *("\n@@ -1 +1 @@\n-a\n+b", "diff --git a/a b/a\n", "--- a\n+++ b\n", "patchwarden: mute\n"),
    *("--b\nContent-Type: text/plain\n\na\n", "--b\n", "Content-Type: multipart/mixed; boundary=b\n\n"),
)
CODE_UNITS: Final = (
    *COMMON,
    *("+", "%", "&", "//", "/*", "*/", "->", "\n@@ -1 +1 @@\n-a\n+b", "diff --git a/a b/a\n", "--- a\n+++ b\n"),
    *("unsafe { a() } ", "// SAFETY: a\n", "/// # Safety\n", "use a::b;", "fn a() {", "struct a { int b; };\n"),
    *("#define a b\n", "#if a\n", "a(b, ", "int (*a)(", "#[a]\n", "impl a for b {", 'r#"', "0x1 + "),
    *("#[\n", "a(\n", "{\n", "$a", "const\n", "pub(\n"),
)
"""What hostile texts repeat."""

Make = Callable[[int], Any]


@dataclass(frozen=True)
class Reader:
    """One reader: the names of the functions that it stands for, and how they are called with a hostile value.

    The value is one unit again and again between `before` and `after` of each frame, through `prepare`, which is not
    timed; or what one of `more` makes of a number of things, at `number`.
    """

    names: tuple[str, ...]
    read: Callable[[Any], object]
    frames: tuple[tuple[str, str], ...] = (("", ""),)
    prepare: Callable[[str], Any] = str
    size: int = SIZE
    units: tuple[str, ...] = MAIL_UNITS
    more: dict[str, Make] = field(default_factory=dict)
    number: int = 200

    def inputs(self) -> Iterator[tuple[str, Make, int]]:
        """Yield each hostile input: what it is, what makes it of a size, and the size."""
        for before, after in self.frames:
            for unit in self.units:
                yield f"{before[-40:]!r} {unit!r} {after[-20:]!r}", partial(self._make, before, unit, after), self.size
        for name, make in self.more.items():
            yield name, make, self.number

    def _make(self, before: str, unit: str, after: str, size: int) -> Any:
        return self.prepare(repeated(unit, before, after)(size))

    def growths(self) -> Iterator[tuple[float, str]]:
        """Yield the growth for each hostile input.

        A first look tells most of those that are linear; what is read in no time is taken as linear.
        """
        for name, make, size in self.inputs():
            large = processor_seconds(self.read, make(FACTOR * size))
            if large <= QUICK_SECONDS:
                ratio = float(FACTOR)
            elif (ratio := large / processor_seconds(self.read, make(size))) > FIRST_RATIO:
                ratio = growth(make, self.read, size)
            if ratio > MAX_RATIO:  # a step from one way of reading to another ends, growth goes on
                ratio = min(ratio, growth(make, self.read, FACTOR * size))
            yield ratio, f"{self.names[0]} {name}"


def public_readers() -> Iterator[str]:
    """Yield the name of each public function and method of the program that takes text, bytes or a mail."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).glob("*.py")):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            for scope, function in _functions(ast.parse(path.read_text(encoding="utf-8"))):
                if any(HOSTILE_TYPES.search(annotation) for annotation in _annotations(function)):
                    yield f"{module}.{scope}{function.name}"


def _functions(syntax: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    classes = [node for node in syntax.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]
    for scope, nodes in (("", syntax.body), *((f"{node.name}.", node.body) for node in classes)):
        for node in nodes:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                yield scope, node


def _annotations(function: ast.FunctionDef) -> Iterator[str]:
    given = function.args
    every = (*given.posonlyargs, *given.args, *given.kwonlyargs, *filter(None, (given.vararg, given.kwarg)))
    return (ast.unparse(argument.annotation) for argument in every if argument.annotation is not None)


def _everything(items: Iterable[object]) -> int:
    return sum(1 for _ in items)


# Mails.

_HEAD: Final = "From: Ada <ada@example.org>\nMessage-ID: <1@example.org>\nTo: bot+x@bot.example.org\n"
_PATCH: Final = """\
A log.

Signed-off-by: Ada <ada@example.org>
---
diff --git a/rust/kernel/a.rs b/rust/kernel/a.rs
new file mode 100644
--- /dev/null
+++ b/rust/kernel/a.rs
@@ -0,0 +1,1 @@
+unsafe { a() };
"""
_MAIL_FRAMES: Final = (
    ("", ""),
    (f"{_HEAD}Subject: x\n\n", "\n"),
    (f"{_HEAD}Subject: ", "\n\nbody\n"),
    (f"{_HEAD}Subject: [PATCH] x\n\n", f"\n{_PATCH}"),
    (f"{_HEAD}Subject: [PATCH] x\n\n{_PATCH}", "\n"),
    ("Message-ID: <1@x>\nFrom: ", "\nSubject: x\n\nbody\n"),
    (f"{_HEAD}Cc: a@b, ", "\nSubject: x\n\nbody\n"),
    (f"{_HEAD}References: ", "\nSubject: Re: x\n\nbody\n"),
    (f"{_HEAD}List-Id: ", "\nSubject: x\n\nbody\n"),
    (f"{_HEAD}Content-Type: ", "\nSubject: x\n\nbody\n"),
    (f"{_HEAD}Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n", "\n"),
    (
        f"{_HEAD}Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n",
        "\n",
    ),
    (f"{_HEAD}Subject: x\nContent-Transfer-Encoding: quoted-printable\n\n", "\n"),
    (f"{_HEAD}Subject: x\nContent-Transfer-Encoding: base64\n\n", "\n"),
    (f"{_HEAD}Subject: x\nContent-Type: text/plain; format=flowed\n\n", "\n"),
    (f"{_HEAD}Subject: x\n\npatchwarden: not-applicable abc ", "\n"),
)


def message(raw: str | bytes) -> Message:
    """Return the mail, or an empty one where it cannot be read."""
    mail = parsing.parse(raw if isinstance(raw, bytes) else raw.encode("utf-8", "surrogateescape"))
    return mail if isinstance(mail, Message) else _empty()


@cache
def _empty() -> Message:
    mail = parsing.parse(_HEAD.encode() + b"\n")
    assert isinstance(mail, Message)
    return mail


def mails(
    number: int, subject: str, *, above: Callable[[int], str], references: bool = False, text: str = _PATCH
) -> Any:
    """Return so many mails; `above` gives the id that each answers, `subject` holds its place in the series."""
    messages = []
    for at in range(number):
        answers = f"In-Reply-To: <{above(at)}@x>\n"
        if references:
            answers += "References: " + "\n ".join(f"<{n}@x>" for n in range(max(0, at - 20), at)) + "\n"
        head = f"From: Ada <ada@example.org>\nMessage-ID: <{at}@x>\nSubject: {subject.format(at=at, all=number - 1)}\n"
        messages.append(
            message(f"{head}Date: Mon, 02 Mar 2026 09:00:00 +0000\n{answers}\n{text.replace('a()', f'a{at}()')}")
        )
    return messages


def _chain(at: int) -> str:
    return str(at - 1)


THREADS: Final[dict[str, Make]] = {
    "a deep chain of replies": lambda n: mails(n, "Re: x", above=_chain, text="text\n"),
    "a deep chain with long references": lambda n: mails(n, "Re: x", above=_chain, references=True, text="text\n"),
    "a chain of replies below a patch": lambda n: [
        *mails(1, "[PATCH] x", above=_chain),
        *mails(n, "Re: [PATCH] x", above=_chain, text="Reviewed-by: B <b@example.org>\n")[1:],
    ],
    "a deep chain of patches": lambda n: mails(n, "[PATCH {at}/{all}] x", above=_chain),
    "patches below one cover letter": lambda n: mails(n, "[PATCH {at}/{all}] x", above=lambda at: "0"),
    "patches that answer nothing": lambda n: mails(n, "[PATCH v2 {at}/{all}] x", above=lambda at: "none"),
    "revisions in one thread": lambda n: mails(n, "[PATCH v{at}] x", above=_chain),
    "patches without a number": lambda n: mails(n, "[PATCH] x{at}", above=lambda at: "0"),
    "one number again and again": lambda n: mails(n, "[PATCH 1/2] x", above=lambda at: "0"),
    "cover letters": lambda n: mails(n, "[PATCH 0/{all}] x{at}", above=_chain, text="text\n"),
}

_BOOK: Final = AddressBook(own=frozenset({"bot@bot.example.org"}))


def _nested(depth: int) -> Message:
    text = "text\n"
    for at in range(depth):
        text = f"Content-Type: multipart/mixed; boundary=b{at}\n\n--b{at}\n{text}\n--b{at}--\n"
    return message(f"{_HEAD}{text}")


def _parts(number: int) -> Message:
    parts = "".join(f"--b\nContent-Type: text/x-patch; name={at}\n\n+a\n" for at in range(number))
    return message(f"{_HEAD}Content-Type: multipart/mixed; boundary=b\n\n{parts}--b--\n")


def _raw(make: Callable[[int], Message]) -> Make:
    return lambda number: make(number).raw


def _with_headers(number: int) -> Message:
    return message(
        "".join(f"X-{at}: a\nTo: a{at}@b\nDelivered-To: b+{'a' * 26}@b\n" for at in range(number)) + _HEAD + "\n"
    )


_MAILS: Final[dict[str, Make]] = {"nested parts": _nested, "many parts": _parts, "many headers": _with_headers}


def _of_mail(names: str, read: Callable[[Message], object]) -> Reader:
    return Reader(tuple(f"bot.{name}" for name in names.split()), read, _MAIL_FRAMES, message, more=_MAILS)


def _fields(text: str) -> tuple[dict[str, str], bytes]:
    head, _, content = text.partition("\0\n")
    return {"content-type": head, "content-transfer-encoding": "quoted-printable"}, content.encode()


def _conversations(raws: list[bytes]) -> None:
    conversations = Conversations(1000, 1_000_000)
    for raw in raws:
        ids = conversations.of(ids_of(raw))
        conversations.hold(ids, RawMail("x", NOW, raw))
        conversations.remove(raw)


class _Folder:
    """A Maildir whose file names are hostile; files are only made where the file system takes their name."""

    def __init__(self, number: int) -> None:
        from tempfile import TemporaryDirectory

        self._kept = TemporaryDirectory()
        self.path = Path(self._kept.name)
        for name in ("new", "cur", "tmp"):
            (self.path / name).mkdir()
        for at in range(number):
            (self.path / "new" / f"{at}.{'9' * 40}:{at}:2,{'S' * 20}").write_bytes(b"From: a\n\nx\n")

    def read(self) -> int:
        return sum(len(batch.mails) for batch in Maildir(self.path).batches({}, 50))


def _mbox_cursors(data: bytes) -> int:
    source = StandardInput(lambda: data)
    return sum(len(batch.mails) for batch in source.batches({}, 50))


def _mbox(number: int) -> bytes:
    return b"".join(
        b"From a@b Thu Jan  1 00:00:00 1970\nFrom: a\nSubject: %d\n\n>From x\n\n" % at for at in range(number)
    )


def _manifest(number: int) -> bytes:
    lines = ",".join(f'"/l/git/{at}.git": {{"fingerprint": "{at}", "modified": {at}}}' for at in range(number))
    return f"{{{lines}}}".encode()


MAIL_READERS: Final = (
    Reader(
        ("bot.mail.parse.parse", "bot.inbox.completion.message_id_in"),
        lambda raw: (parsing.parse(raw), message_id_in(raw)),
        _MAIL_FRAMES,
        lambda text: text.encode("utf-8", "surrogateescape"),
        more={name: _raw(make) for name, make in _MAILS.items()},
    ),
    Reader(
        ("bot.mail.truncation.truncation", "bot.inbox.conversations.ids_of", "bot.mail.parse.synthetic_id"),
        lambda raw: (truncation.truncation(raw, proof=True), truncation.truncation(raw), ids_of(raw)),
        _MAIL_FRAMES,
        str.encode,
        more={name: _raw(make) for name, make in _MAILS.items()},
    ),
    _of_mail("mail.bounce.bounce mail.envelope.received_tokens", lambda mail: bounce(mail, "b+{token}@b")),
    _of_mail(
        "mail.command_reader.commands mail.command_reader.own_text mail.command_reader.asked "
        "mail.command_reader.command_lines mail.command_reader.one_time_token",
        lambda mail: (command_reader.commands(mail), command_reader.one_time_token(mail)),
    ),
    _of_mail("mail.mime.parts_of", lambda mail: parts_of(mail.headers, mail.raw)),
    _of_mail(
        "inbox.assemble.as_patch inbox.assemble.is_misnumbered_patch inbox.assemble.is_patch_without_diff",
        lambda mail: (as_patch(mail), is_misnumbered_patch(mail), is_patch_without_diff(mail)),
    ),
    _of_mail("inbox.assemble.needs_recipients", needs_recipients),
    _of_mail("mail.copy.is_copy", lambda mail: copy.is_copy(mail, mail.raw)),
    _of_mail("mail.bots.is_automatic", bots.is_automatic),
    _of_mail(
        "mail.origin.with_original_author mail.origin.original_author mail.origin.carriers "
        "mail.origin.needs_recipients mail.origin.in_body_from",
        lambda mail: (
            *(origin.with_original_author(mail, _BOOK), origin.carriers(mail, _BOOK, "l")),
            *(origin.needs_recipients(mail), origin.in_body_from(mail.body)),
        ),
    ),
    _of_mail("mail.refusal.refuse_mail", lambda mail: refusal.refuse_mail(mail, refusal.RefusalTerms())),
    _of_mail(
        "mail.authority.plausible_sender mail.authority.proven_sender mail.authority.is_for_us "
        "mail.authority.names_series",
        lambda mail: (
            authority.plausible_sender(mail, NOW),
            authority.proven_sender(mail, (), NOW),
            authority.is_for_us(mail, "bot@b"),
            authority.names_series(mail, "bot@b", b"k", "topic"),
        ),
    ),
    _of_mail("mail.message.Message.header", lambda mail: (mail.header("X-None"), mail.header("Subject"), mail.lists)),
    _of_mail("inbox.assemble.candidate inbox.thread.relatives", lambda mail: (candidate(mail), relatives(mail))),
    _of_mail("inbox.assemble.assemble", lambda mail: assemble([mail])),
    _of_mail(
        "mail.posting_codec.decode_posting mail.posting_codec.decode_head mail.posting_codec.posting_head "
        "mail.posting_codec.is_encoded_posting mail.posting_codec.mail_rows mail.posting_codec.PostingBytes.decode "
        "mail.posting_codec.encode_posting mail.posting_codec.EncodedPosting.of mail.packed.pack mail.packed.unpack "
        "mail.packed.decompress",
        lambda mail: [_decoded(posting, {mail.message_id: (1, mail.raw)}) for posting in assemble([mail])],
    ),
    _of_mail(
        "review.command_reply.command_reply",
        lambda mail: answering.command_reply(
            mail, ProvenSender(Address("", "a@example.org"), ("a",)), [["a"]], Maker().identity
        ),
    ),
    Reader(
        (
            "bot.inbox.thread.threads",
            "bot.inbox.grouping.group_candidates",
            "bot.inbox.grouping.parent_of",
            "bot.inbox.grouping.replied_id",
        ),
        lambda messages: (threads(messages), _grouped(messages)),
        (),
        more=THREADS,
        number=250,
    ),
    Reader(
        tuple(f"bot.inbox.series_facts.{name}" for name in ("read_subject", "read_footers", "names_resend")),
        lambda text: (read_subject(usual_subject(text)), list(read_footers(text)), names_resend(text.split())),
        units=("[", "[PATCH v2 1/2] a ", "base-commit: a\n", "change-id: ", "\n"),
        size=4_000,
    ),
    Reader(
        (
            "bot.inbox.assemble.assemble",
            "bot.inbox.grouping.has_diff",
            "bot.inbox.series_facts.read_plain_series",
            "bot.inbox.b4_series.read_series",
            "bot.inbox.b4_series.read_follow_ups",
            "bot.inbox.b4_series.read_unusual_subject",
        ),
        assemble,
        (),
        more=THREADS,
        number=60,
    ),
    Reader(
        (
            "bot.inbox.conversations.Conversations.of",
            "bot.inbox.conversations.Conversations.hold",
            "bot.inbox.conversations.Conversations.remove",
        ),
        lambda mails: _conversations([mail.raw for mail in mails]),
        (),
        more=THREADS,
        number=250,
    ),
    Reader(
        (
            "bot.mail.mime.read_body",
            "bot.mail.mime.first_text",
            "bot.mail.mime.leaves",
            "bot.mail.mime.multipart_boundary",
        ),
        lambda given: (mime.read_body(*given), mime.first_text(*given), _everything(mime.leaves(*given))),
        (("text/plain\0\n", ""), ("multipart/mixed; boundary=b\0\n", ""), ("multipart/mixed; ", "\0\ntext")),
        _fields,
    ),
    Reader(
        ("bot.mail.header.read_fields", "bot.mail.header.Header.values"),
        lambda block: (header.read_fields(block), [header.Header(block).values(name) for name in ("cc", "a", "x-b")]),
        _MAIL_FRAMES,
        lambda text: text.encode("utf-8", "surrogateescape"),
        units=("A: b\n", ":", "\n ", "\n", " ", "A", "From a\n"),
    ),
    Reader(
        ("bot.mail.header.decode_header", "bot.mail.header.decode_words", "bot.mail.header.clean"),
        lambda value: (header.decode_header(value), header.decode_words(value), header.clean(value)),
        (("", ""), ("=?utf-8?q?", "?="), ("=?utf-8?b?", "?=")),
    ),
    Reader(
        ("bot.mail.address.parse_address", "bot.mail.address.parse_addresses", "bot.mail.address.parse_mailboxes"),
        lambda value: (address.parse_address(value), address.parse_addresses(value), address.parse_mailboxes(value)),
        (("", ""), ('"', '" <a@b>'), ("(", ") a@b"), ("g: ", ";"), ("", " <a@b>")),
    ),
    Reader(
        (
            "bot.mail.address.is_plain",
            "bot.mail.address_book.is_unread",
            "bot.mail.address_book.AddressBook.is_own",
            "bot.mail.address_book.AddressBook.is_list",
            "bot.mail.bots.is_bot",
            "bot.mail.bots.is_reply",
            "bot.mail.lists.is_list_host",
            "bot.mail.lists.list_address",
            "bot.mail.lists.may_be_list",
            "bot.mail.lists.relayed",
            "bot.mail.lists.rewriting_list",
            "bot.mail.target.target",
            "bot.mail.target.stored_id",
            "bot.mail.target.archive_address",
            "bot.mail.links.series_path",
            "bot.mail.links.commands_path",
            "bot.mail.links.Links.commands",
            "bot.mail.links.finding_path",
            "bot.mail.links.Links.series",
            "bot.mail.links.Links.finding",
            "bot.mail.links.Links.rule",
            "bot.mail.target.is_message_id",
            "bot.mail.one_time_token.read_token",
            "bot.mail.one_time_token.series_token",
            "bot.mail.parse.parse_date",
            "bot.inbox.thread.id_time",
            "bot.inbox.thread.run_of",
        ),
        lambda value: (
            address.is_plain(value),
            address_book.is_unread(value),
            _BOOK.is_own(value),
            _BOOK.is_list(value),
            bots.is_bot(value),
            bots.is_reply(value),
            lists.is_list_host(value),
            lists.list_address(value),
            lists.may_be_list(value),
            lists.relayed(value),
            lists.rewriting_list(value),
            target.target(value),
            target.stored_id(value),
            target.archive_address(value),
            Links("https://pages.example.org").finding(value, value),
            Links("https://pages.example.org").rule(value),
            Links("https://pages.example.org").commands(value),
            target.is_message_id(value),
            read_token(value),
            series_token(value),
            parsing.parse_date(value),
            id_time(value),
            run_of(value),
        ),
        (
            ("", ""),
            ("a@", ""),
            ("", "@b"),
            ("20260302090000.1-1-", "@b"),
            ("https://lore.kernel.org/r/", "/"),
            ("b+", "@b"),
        ),
    ),
    Reader(
        ("bot.mail.charset.decode",),
        lambda data: [decode(data, charset) for charset in ("utf-8", "iso-2022-jp", "utf-7", "gb18030", "x")],
        (("", ""), ("\x1b$B", "")),
        str.encode,
    ),
    Reader(
        (
            "rules.diff.top_level.is_kernel_path",
            "rules.diff.top_level.kernel_path",
            "rules.diff.top_level.is_source",
            "bot.mail.project.other_project",
            "rules.diff.origin.origin",
            "bot.digest.selection.subsystem",
            "rules.bindings.rust_facts.is_kernel_crate",
            "rules.bindings.helper_facts.is_helper_source",
        ),
        lambda path: (
            top_level.is_kernel_path(path),
            top_level.kernel_path(path),
            top_level.is_source(path),
            project.other_project(path.split("/"), path, (path,), (path,)),
            path_origin.origin(path, path.encode("utf-8", "surrogateescape")),
            digest_material.subsystem(path),
            rust_facts.is_kernel_crate(path),
            helper_facts.is_helper_source(path),
        ),
        (("", ""), ("rust/", ".rs")),
    ),
    Reader(
        (
            "bot.mail.landed.read_links",
            "bot.mail.landed.read_reverts",
            "bot.mail.landed.plain_title",
            "bot.review.landing.landing_preface",
        ),
        lambda log: (
            landed.read_links(log),
            landed.read_reverts(log),
            landed.plain_title(log),
            landing.landing_preface(log),
        ),
        (("", ""), ("title\n\n", "\n"), ("Link: https://lore.kernel.org/r/", "\n"), ("This reverts commit ", "\n")),
        units=(*MAIL_UNITS, "Link: https://a/r/b@c\n", "link: http", f"This reverts commit {'a' * 40}.\n"),
    ),
    Reader(
        (
            *("bot.mail.subject.usual_subject", "bot.mail.subject.count_and_title", "bot.mail.subject.title_words"),
            "bot.inbox.thread.stem",
        ),
        lambda subject: (usual_subject(subject), count_and_title(subject), title_words(subject), stem(subject)),
        (("", ""), ("[PATCH ", "] rust: x"), ("[PATCH] rust: x", ""), ("PATCH 1 of 2", "]"), ("[PATCH] x (v", ")")),
    ),
    Reader(
        ("bot.inbox.patch_text.plain_text", "bot.inbox.patch_text.mails_of_texts"),
        lambda data: mails_of_texts([plain_text(data)]),
        (
            ("", ""),
            (f"commit {'1' * 40}\nAuthor: a <a@b>\n\n", ""),
            (f"commit {'1' * 40}\nAuthor: a <a@b>\n\n    x\n\n{_PATCH}", ""),
            ("1234567 ", "\ndiff --git a/x b/x\n"),
            (f"# HG changeset patch\n# User a\nx\n\n{_PATCH}", ""),
            ("\x1b[33m", ""),
            ("\xff\xfe", ""),
        ),
        str.encode,
    ),
    Reader(
        ("bot.inbox.mailbox.split_mbox", "bot.inbox.mailbox.StandardInput.batches"),
        lambda data: (split_mbox(data), _mbox_cursors(data)),
        (("", ""), ("From a@b Thu Jan  1 00:00:00 1970\nFrom: a\n\n", "")),
        str.encode,
        more={"many mails": _mbox},
        number=1000,
    ),
    Reader(
        ("bot.inbox.maildir.Maildir.batches", "bot.inbox.mailbox.load_file", "bot.inbox.mailbox.sha256"),
        _Folder.read,
        (),
        more={"many long names": _Folder},
        number=150,
    ),
    Reader(
        ("bot.inbox.mailbox.Mbox.batches",),
        lambda value: _everything(_known_mbox(value[0]).batches({"box": value[1]})),
        (("", ""), ("1 ", ""), ("9", "9")),
        lambda text: (_box_path(), text),
    ),
    Reader(
        ("bot.inbox.lore_manifest.read_manifest", "bot.inbox.http_client.looks_like_page"),
        lambda content: (_quietly(read_manifest, content, "l"), looks_like_page(content, "text/html")),
        (("", ""), ('{"/l/git/0.git": {"fingerprint": "', '"}}'), ('{"', '": {}}')),
        str.encode,
        more={"many archives": _manifest},
    ),
    Reader(
        ("bot.inbox.completion.derive_ids",),
        lambda ids: derive_ids(ids, range(100)),
        (),
        more={
            "ids of many numbers": lambda n: {at: f"{'-'.join(str(d) for d in range(80))}-{at}@x" for at in range(n)},
            "equal ids": lambda n: dict.fromkeys(range(n), "1-" * 200 + "@x"),
        },
        number=20,
    ),
)


def _fix(content: bytes) -> object:
    """Fix all that has a fix in a new file."""
    series = Series("", (Patch(1, "", changes=read_changes(make_diff("rust/kernel/a.rs", None, content))),))
    return fix_series(active_before_posting(), series, _PRELUDE_TREE)


def _decoded(posting: Posting, mails: Mapping[str, tuple[int, bytes]]) -> object:
    value = EncodedPosting.of(posting, mails).value
    return PostingBytes(value, lambda _: dict(mails.values())).decode(), mail_rows(value)


def _grouped(messages: list[Message]) -> object:
    candidates = [posting for posting in map(candidate, messages) if posting is not None]
    known = {mail.message_id: mail for mail in messages}
    replies = [(replied_id(mail), parent_of(mail, known)) for mail in messages]
    return group_candidates(candidates, known), replies


@cache
def _box() -> Any:
    from tempfile import TemporaryDirectory

    return TemporaryDirectory()


def _box_path() -> Path:
    path = Path(_box().name) / "box"
    path.write_bytes(_mbox(10))
    return path


def _known_mbox(path: Path) -> Mbox:
    return Mbox(path)


def _quietly(read: Callable[..., object], *given: object) -> object:
    """Return what the reader gives, or the error that it has for what cannot be read."""
    try:
        return read(*given)
    except (ValueError, RuntimeError, TooMuchError) as error:
        return error


# Diffs, Rust and C.

_DIFF: Final = "diff --git a/rust/kernel/a.rs b/rust/kernel/a.rs\n--- a/rust/kernel/a.rs\n+++ b/rust/kernel/a.rs\n"
_RUST_SIZE: Final = 4_000
_PRELUDE_TREE: Final = FileTree({"rust/kernel/prelude.rs": b"pub use core::pin::Pin; pub use ::ffi::c_int;"})


def _hunks(number: int, code: str = "unsafe {{ a{0}() }};", path: str = "rust/kernel/a.rs") -> FileChange:
    hunks = []
    for at in range(number):
        line = 10 * at + 1
        lines = (
            Line("fn a() {", line, line + at),
            Line(code.format(at), None, line + at + 1),
            Line("}", line + 1, line + at + 2),
        )
        hunks.append(Hunk.of(line, 2, line + at, 3, "fn b()", lines))
    return FileChange(path, path, tuple(hunks))


def _shown(lines: str) -> object:
    hunk = Hunk(1, 1, 1, 1, "", f" {lines}\n")
    change = FileChange("a", "a", (Hunk.of(1, 1, 1, 1, "", hunk.lines),))
    return hunk.has("-"), change.texts("+"), change.added_lines(), change.removed_lines(), hunk.text_on("pre")


def _created(number: int, code: str = "    unsafe {{ a{0}() }};", path: str = "rust/kernel/a.rs") -> FileChange:
    texts = ["fn a() {", *(code.format(at) for at in range(number)), "}"]
    lines = tuple(Line(line, None, at) for at, line in enumerate(texts, 1))
    return FileChange(None, path, (Hunk.of(0, 0, 1, len(lines), "", lines),))


def _rewritten(number: int, by: int) -> FileChange:
    """Return a change of one line of a file of so many lines."""
    at = 2 + by % number
    lines = (Line(f"    unsafe {{ a{at}() }};", at, None), Line(f"    unsafe {{ b{by}() }};", None, at))
    return FileChange("rust/kernel/a.rs", "rust/kernel/a.rs", (Hunk.of(at, 1, at, 1, "fn a() {", lines),))


def _series(changes: Iterable[FileChange]) -> Series:
    patches = tuple(Patch(at, f"rust: {at}", changes=(change,)) for at, change in enumerate(changes, 1))
    return Series("rust: a", patches)


SERIES: Final[dict[str, Make]] = {
    "many small hunks": lambda n: _series([_hunks(n)]),
    "many small hunks of C": lambda n: _series([_hunks(n, "int a{0}(void);", "include/linux/a.h")]),
    "many files": lambda n: Series(
        "s", (Patch(1, "s", changes=tuple(_hunks(2, path=f"rust/kernel/{at}.rs") for at in range(n))),)
    ),
    "many findings and as many later patches of the file": lambda n: _series(
        [_created(n), *(_rewritten(n, at) for at in range(n))]
    ),
    "many patches of one file": lambda n: _series([_created(2), *(_rewritten(1, at) for at in range(n))]),
    "many declarations of C": lambda n: _series([_created(n, "int a{0}(int b, char *c);", "include/linux/a.h")]),
}

_NO_BINDINGS: Final = Bindings.of_files({})
_C: Final = ("int a;\n", "struct a {\n", "#define a ", "int a(", "enum a {", "static inline int a(void) {\n")
_POINTER: Final = "use crate::bindings;\nfn a(b: *mut bindings::a) {}\n"
_RUST_HEAD: Final = "/// # Invariants\nstruct S(u8);\nfn a() {\n"


def _tokens(text: str) -> list[str]:
    return c_declarator.tokenize(text)


def _unquoted(text: str) -> object:
    return diff_header.unquote(f'"{text}"'), diff_header.unquote(text)


def _compared(built: crate_graph.CrateGraph | None, described: crate_graph.CrateGraph | None) -> object:
    return list(crate_graph.compare(built, described or built)) if built is not None else None


_SECTION: Final = "/// # Safety\n///\n" + "/// - `a` is odd.\n" * 20 + "unsafe fn a() {}\nfn b() {\n"
_CALLED: Final = "\nunsafe fn a() {}\nfn b() {\n    // SAFETY: odd\n    unsafe { a() };\n}\n"
_SUBSYSTEMS: Final = maintainers.Subsystems(maintainers.parse("RUST\nF:\trust/*/\nN:\tlamp\n"))

CODE_READERS: Final = (
    Reader(
        ("rules.diff.parse.parse", "rules.diff.parse.read_patch", "rules.diff.log.split_log"),
        lambda given: (diff.parse(given), diff.read_patch(1, "s", given), log.split_log(given)),
        (
            ("", ""),
            (_DIFF, ""),
            (f"{_DIFF}@@ -1,999999 +1,999999 @@\n", ""),
            (f"{_DIFF}@@ -1,9 +1,9 @@ ", "\n a\n"),
            ("log\n---\n", f"\n{_DIFF}"),
            ("diff --git ", "\n"),
            ("diff --git a/a b/a\nsimilarity index ", "\n"),
        ),
    ),
    Reader(
        (
            "rules.diff.patch.Hunk.of",
            "rules.diff.patch.Hunk.has",
            "rules.diff.patch.FileChange.texts",
        ),
        lambda given: [_shown(given.replace("\n", f"\n{marker}")) for marker in " +-"],
        (("", ""),),
    ),
    Reader(("rules.diff.header.unquote",), _unquoted, (("", ""), ("\\", ""))),
    Reader(
        (
            "rules.analysis.crate_graph.read_makefile",
            "rules.analysis.crate_graph.read_script",
            "rules.analysis.crate_graph.compare",
        ),
        lambda given: _compared(crate_graph.read_makefile(given), crate_graph.read_script(given)),
        (
            ("", ""),
            ("a = append_crate('a', p, [", "])\n"),
            ("$(obj)/a.o: $(src)/a.rs ", "\n"),
            ("a-flags := --extern ", " \\\n"),
        ),
    ),
    Reader(
        ("rules.diff.header.read_header",),
        diff_header.read_header,
        (("", ""), ("diff --git ", ""), ("diff --git a/", " b/"), ("diff --git a/a b/a\n", "\n--- a\n+++ b\n")),
    ),
    Reader(
        ("rules.lint.fixing.fix_files", "rules.lint.fixing.apply_edits", "rules.source.rust.source.RustSource.edit"),
        _fix,
        (
            ("", ""),
            ("use kernel::prelude::*;\nuse a::{b, ", "};"),
            ("use kernel::prelude::*; fn a() { core::ptr::addr_of!(", ") }"),
            ("fn a() { unsafe {\n// SAFETY: ", "\nb() } }"),
            ("/// # Example\n", ""),
        ),
        str.encode,
        size=_RUST_SIZE,
    ),
    Reader(
        (
            "rules.lint.engine.audit",
            "rules.lint.engine.view_whole_file",
            "rules.diff.image.build_new_file_image",
            "rules.source.rust.functions.function_around",
            "rules.source.rust.functions.read_parameters",
            "rules.source.rust.functions.split_at_commas",
            "rules.source.rust.grammar.parse_counted",
            "rules.source.rust.grammar.has_unsafe_default",
            "rules.source.rust.tokens.has_misleading_literal",
            "rules.source.rust.tokens.without_misleading_literals",
            "rules.source.rust.grammar.parse_bytes",
        ),
        lambda given: audit(active(), "rust/kernel/a.rs", given),
        (
            ("", ""),
            (_RUST_HEAD, ""),
            ("// SAFETY: ", ""),
            ("impl a for ", "{}"),
            ("/*! ", "*/"),
            ("fn a(b: u8) { build_assert!(b > ", "); }"),
        ),
        str.encode,
        size=_RUST_SIZE,
    ),
    Reader(
        (
            "rules.source.rust.fragment.parse_fragment",
            "rules.source.rust.fragment.parse_tokens",
            "rules.source.rust.fragment.balance",
        ),
        lambda given: _quietly(getattr, RustSource(given, 10, is_complete=False), "unsafe_sites"),
        (("    unsafe { a() };\n", ""), ("", "    unsafe { a() };\n"), ("unsafe { a() }; }\nlet b =\n", "")),
        size=_RUST_SIZE,
    ),
    Reader(
        ("rules.source.rust.usual_comments.read_usual_comments", "rules.source.rust.usual_comments.unusual_lines"),
        lambda given: read_usual_comments(given, is_cut_above=True),
        (
            ("unsafe { a() };\n", ""),
            ("// SAFETY: a\nunsafe { a() };\n", ""),
            ("// a\n", "unsafe { a() };\n"),
            ("    unsafe fn a() {}\n", ""),
            ("\n", "    unsafe fn a() {}\n"),
            ("/// # Safety\n", "pub unsafe fn a() {}\n"),
            ("/// ```\n/// unsafe { a() };\n", ""),
            ("/// ```\n/// ```\n/// # Safety\n", "pub unsafe fn a() {}\n"),
            ("/// ```\n", "/// unsafe { a() };\n"),
            ("/// // unsafe { a() };\n", "/// ```\n"),
            ("//// unsafe { a() };\n", "/// ```\n"),
            ("#[a(unsafe { b() })]\n", ""),
            ("{\n    unsafe fn a() {}\n", ""),
            ("where\n{\n    unsafe fn a() {}\n", ""),
        ),
        str.encode,
    ),
    Reader(
        ("rules.source.rust.usual_comments.read_usual_tags",),
        read_usual_tags,
        (
            ("SAFETY", ""),
            ("// SAFETY\n", "unsafe {"),
            ("// SAFETY\nunsafe {\n", ""),
            ("// SAFETY\n", ""),
            ("// SAFETY\n//\n", "unsafe {"),
            ("// SAFETY\n//\nunsafe impl ", ""),
        ),
    ),
    Reader(
        ("rules.lint.engine.audit",),
        lambda given: (audit(active(), "include/linux/a.h", given), audit(active(), "rust/helpers/a.c", given)),
        (("", ""), *((before, "") for before in _C)),
        str.encode,
        size=_RUST_SIZE,
    ),
    Reader(("rules.lint.engine.run",), lambda given: run(active(), given, NoTree()), (), more=SERIES, number=60),
    Reader(
        (
            "rules.diff.image.build_images",
            "rules.diff.apply.apply_exactly",
            "rules.diff.apply.apply_with_offset",
            "rules.diff.apply.apply_with_little_context",
        ),
        lambda given: [
            (
                apply.apply_exactly(given[0], change),
                apply.apply_with_offset(given[0], change),
                apply.apply_with_little_context(given[0], change),
            )
            for patch in given[1].patches
            for change in patch.changes
        ],
        (),
        more={"many small hunks": lambda n: (b"fn a() {\n}\n" * 10 * n, _series([_hunks(n)]))},
        number=500,
    ),
    Reader(
        (
            "rules.source.c.source.scan",
            "rules.source.c.source.identifiers",
            "rules.source.c.text.without_comments",
            "rules.source.c.text.find_directive",
            "rules.source.c.text.find_sign",
            "rules.source.c.text.without_directives",
            "rules.source.c.macros.is_declaring",
            "rules.source.c.simple.read_simple_function",
            "rules.source.c.simple.read_simple_field",
            "rules.source.c.macros.expand_event_macro",
        ),
        lambda given: (
            c.scan(given),
            _everything(c.identifiers(given)),
            c_text.without_comments(given),
            c_text.without_directives(given),
            c_text.find_sign(re.compile("#"), given, 0),
            c_simple.read_simple_function(given, 0),
            c_simple.read_simple_field(given),
        ),
        (("", ""), ("int f(", ");"), *((before, "") for before in _C), ("/* ", " */")),
        size=_RUST_SIZE,
    ),
    Reader(
        (
            "rules.source.c.members.read_fields",
            "rules.source.c.members.read_enumerators",
            "rules.source.c.members.find_closing_brace",
        ),
        lambda given: (
            c_body.read_fields(given, 1),
            c_body.read_enumerators(given, 1),
            c_body.find_closing_brace(given, 0),
        ),
        (("", ""), ("int a;", ""), ("a = ", ","), ("{ ", "")),
        size=_RUST_SIZE,
    ),
    Reader(
        (
            "rules.source.c.declarator.tokenize",
            "rules.source.c.declarator.without_standard_attributes",
            "rules.source.c.declarator.without_annotations",
            "rules.source.c.declarator.without_unknown_annotations",
            "rules.source.c.declarator.find_closing",
            "rules.source.c.declarator.split_commas",
            "rules.source.c.declarator.read_declarator",
            "rules.source.c.declarator.read_parameters",
            "rules.source.c.declarator.canonical_type",
            "rules.source.c.macros.remove_leading_calls",
            "rules.source.c.simple.find_linkage",
            "rules.source.c.macros.read_declaring_macro",
        ),
        lambda given: (
            tokens := _tokens(given),
            c_simple.find_linkage(tokens),
            c_declarator.without_annotations(tokens),
            c_declarator.without_unknown_annotations(tokens),
            c_declarator.split_commas(tokens),
            c_declarator.read_declarator(tokens, is_named=True),
            c_declarator.read_parameters(tokens),
            c_declarator.canonical_type(tokens),
            c_macro.remove_leading_calls(tokens),
            c_macro.read_declaring_macro("DEFINE_MUTEX", [tokens]),
            "(" in tokens and c_declarator.find_closing(tokens, tokens.index("(")),
        ),
        (("", ""), ("int ", ";"), ("int (*a)(", ")"), ("a(", ")")),
        size=_RUST_SIZE,
    ),
    Reader(
        (
            "rules.source.c.layout.find_first_item",
            "rules.source.c.layout.continues_after",
            "rules.source.c.layout.is_lone_call",
            "rules.source.c.layout.is_old_style",
        ),
        lambda given: (
            c_layout.find_first_item(given),
            c_layout.continues_after(given, 0, len(given)),
            c_layout.is_lone_call(given, 0, len(given)),
            c_layout.is_old_style(given, 0, len(given)),
        ),
        (("", ""), ("a(", ")"), ("int a(b)\n", "{")),
    ),
    Reader(
        (
            "rules.source.c.value.evaluate",
            "rules.source.c.value.is_plain_expression",
            "rules.source.c.value.read_ioctl_number",
            "rules.source.c.text.negate",
            "rules.source.c.text.option_key",
        ),
        lambda given: (
            c_value.evaluate(given),
            c_value.is_plain_expression(given),
            c_value.read_ioctl_number(given),
            c_text.negate(given),
            c_text.option_key(given),
        ),
        (("", ""), ("1", ""), ("(", "1"), ("_IO(", ")"), ("1 << ", "1")),
    ),
    Reader(
        (
            "rules.source.rust.lines.has_lenient_tag",
            "rules.source.rust.lines.is_untagged",
            "rules.source.rust.lines.comment_has_tag",
            "rules.source.rust.lines.tag_inside",
            "rules.source.rust.lines.starts_item",
        ),
        lambda given: (
            rust_lines.has_lenient_tag(given),
            rust_lines.is_untagged(given),
            rust_lines.comment_has_tag(given),
            rust_lines.tag_inside(b"{" + given, 0, len(given)),
            rust_lines.starts_item(given),
        ),
        (("", ""), ("// ", ""), ("/* ", "*/")),
        str.encode,
    ),
    Reader(
        (
            "rules.source.rust.operations.implementation",
            "rules.source.rust.operations.operations",
            "rules.source.rust.structure.implemented_type",
            "rules.source.rust.structure.split_items",
            "rules.source.rust.docs.is_safety_title",
            "rules.source.rust.docs.headings",
            "rules.source.rust.docs.section",
            "rules.source.rust.fences.Fences.read",
            "rules.source.rust.use_layout.is_plain_use",
            "rules.source.rust.walk.allowed_lints",
        ),
        lambda given: (
            rust_operations.implementation(given),
            rust_operations.operations(given),
            rust_structure.implemented_type(given),
            list(rust_structure.split_items(f"{given}\n}}\n" * 100)),
            rust_docs.is_safety_title(given),
            rust_docs.headings(enumerate(given.split("\n"))),
            Fences().read(given),
            is_plain_use(given, len(given)),
            allowed_lints([given]),
        ),
        (
            *(("", ""), ("- " * 8, "```"), ("", " " * 40), ("unsafe impl ", ""), ("impl<", "> a for b")),
            *(("a.add(", ")"), ("#[allow(", ")]")),
        ),
        size=_RUST_SIZE,
    ),
    Reader(
        (
            "rules.source.rust.source.RustSource.comments_near",
            "rules.source.rust.source.RustSource.comment_blocks_with",
            "rules.source.rust.source.RustSource.documented_items_with",
            "rules.source.rust.tokens.find_comments_near",
        ),
        lambda given: (
            (source := RustSource(given)).comments_near("afety", "a"),
            source.comment_blocks_with("afety", "a"),
            source.documented_items_with("afety", "a"),
        ),
        (
            ("// a\n", ""),
            ("/// # Safety\n", "fn a() {}\n"),
            ("// a\n\n", ""),
            ("/* a */ /* a */", "\n"),
            ("// b\n", "// a\n"),
            ("/* a */" + " " * 100, "// b\n"),
            ('"a"\n// a\n', ""),
        ),
        size=_RUST_SIZE,
    ),
    Reader(
        (
            "rules.bindings.calls.read_callbacks",
            "rules.source.rust.uses.read_leaves",
            "rules.source.rust.uses.read_uses",
            "rules.source.rust.source.RustSource.contains",
            "rules.source.rust.tokens.find_comments_and_literals",
            "rules.source.rust.tokens.blank_out",
            "rules.source.rust.tokens.Tokens",
            "rules.source.rust.tokens.find_words",
            "rules.bindings.rust_facts.rust_facts",
            "rules.bindings.rust_facts.modules_under_cfg",
            "rules.bindings.rust_fields.accesses",
            "rules.source.rust.api.read_api",
            "rules.source.rust.api.possible_names",
            "rules.source.rust.api.macro_names",
        ),
        lambda given: (
            _everything(calls.read_callbacks(given)),
            (source := RustSource(given)).items,
            source.uses,
            source.tokens,
            rust_tokens.find_words(given, {"a", "fn", "unsafe"}),
            rust_tokens.blank_out(given, tuple(rust_tokens.find_comments_and_literals(given))),
            rust_facts.rust_facts("rust/kernel/a.rs", given.encode()),
            rust_facts.modules_under_cfg(RustSource(given)),
            rust_api.read_api(given.encode()),
            _everything(rust_api.possible_names(given.encode())),
            _everything(rust_api.macro_names(given.encode())),
        ),
        (
            ("", ""),
            ("bindings::", "::a"),
            ("use bindings::{", "};"),
            ("#[cfg(", ")]\nmod a;"),
            ("let a: *mut bindings::b = ", ";"),
        ),
        more={
            "uses of C in one function": lambda n: "fn a() {\n" + "    unsafe { bindings::a() };\n" * n,
            "uses of C below many conditions": lambda n: "#[cfg(a)]\n" * n + "fn a() {\n" + "    bindings::a();\n" * n,
            "groups in groups": lambda n: "use bindings::{" + "a::{" * n,
            "calls in calls": lambda n: "fn a() { " + "a::b(" * n + ")" * n + " }",
            "calls in a line": lambda n: "fn a() { " + "a::b(1); " * n + " }",
            "heads without a body": lambda n: "impl a for fn b trait c " * n,
            "modules in modules": lambda n: "mod a { " * n + "}" * n,
            "constants in constants": lambda n: (
                "const A: [u8; " * n + "const A: u8 = " * n + "{ const A: u8 = a::b(" * n
            ),
            "types in types": lambda n: "struct A { a: a::b<'a, " * n + "type A = impl a::b for (" * n,
            "fields in structs": lambda n: (
                "struct A { b: KBox<KBox<a::B>>, " * n + "impl A { fn c(&self) { self.b.d(); " * n + "ARef<" * n
            ),
            "arms of a match": lambda n: "match a { " + "b::C(d) | b::E => f, " * n + "match a { b::C => " * n,
            "functions in functions": lambda n: "fn a(b: &a::B) { let c: &a::C = |d| (b.e(), c.f()), g => " * n,
            "parameters of a method": lambda n: "trait A { fn a(" + "a: &mut [a::Result<'a>], " * n + ") -> [&u8]; }",
            "fields of fields": lambda n: _POINTER + "self" + ".a" * 2 * n,
            "methods with one name": lambda n: (
                _POINTER
                + "".join(f"impl A{at} {{ fn f() -> *mut bindings::a {{}} }}\n" for at in range(n))
                + "fn g() { (*b.f()).c; }\n" * n
            ),
            "macros in macros": lambda n: _POINTER + "offset_of!(" * n + "bindings::a, b" + ")" * n,
        },
        number=400,
        size=_RUST_SIZE // 2,
    ),
    Reader(
        (
            "rules.source.kbuild.kconfig.read_kconfig",
            "rules.source.kbuild.kconfig.is_kconfig",
            "rules.source.kbuild.makefile.read_makefile",
            "rules.source.kbuild.makefile.is_makefile",
            "rules.source.kbuild.condition.read_expression",
            "rules.source.kbuild.condition.read_c_condition",
            "rules.source.kbuild.condition.option_of",
            "rules.source.rust.cfg.read_predicate",
            "rules.bindings.kconfig.Kconfig.can_be_on",
            "rules.bindings.kconfig.Kconfig.definitions",
            "rules.bindings.kconfig_options.KconfigOptions.definitions",
            "rules.bindings.kconfig_options.KconfigOptions.selectors",
            "rules.bindings.kconfig_options.KconfigOptions.is_tristate",
            "rules.bindings.kconfig_options.Definition.is_read_by",
            "rules.source.kbuild.condition.condition_of_text",
        ),
        lambda given: (
            kconfig.read_kconfig(given.encode()),
            kconfig.is_kconfig(given),
            makefile.read_makefile(given.encode()),
            makefile.is_makefile(given),
            condition.read_expression(given),
            condition.read_c_condition(given),
            condition.option_of(given),
            condition.condition_of_text(given),
            rust_cfg.read_predicate(given),
            _implications(given),
        ),
        (("", ""), ("config A\n\tbool\n\tdepends on ", "\n"), ("obj-y := ", "\n"), ("defined(", ")")),
        units=(
            *CODE_UNITS,
            *("config A\n", "config B\n\tselect A\n", "if A\n", "endif\n", "menu\n", "choice\n", "\thelp\n", "A && "),
            *("A || (B && C) || ", "!(", "obj-$(CONFIG_A) += a.o\n", "ifdef CONFIG_A\n", "a-y += b.o\n", "a.o \\\n"),
            *("all(", "not(any(", 'CONFIG_A = "y", ', "source Kconfig\n", 'source "Kconfig"\n'),
        ),
        more={
            "options that select each other": lambda n: "".join(
                f"config A{at}\n\tbool\n\tselect A{at + 1}\n\tdepends on A{at // 2} || B\n" for at in range(n)
            ),
            "options in blocks": lambda n: "if A\n" * 40 + "".join(f"config B{at}\n\tbool\n" for at in range(n)),
            "an option of many definitions": lambda n: "config A\n\tbool\n\tselect B\n" * n,
            "options that lead to the gate": lambda n: (
                _KCONFIG
                + "".join(
                    f'config S{at}\n\tbool "x"\n\tselect B\n\tselect S{at // 2}\n\tselect C if S{at}\n'
                    for at in range(n)
                )
            ),
            "a chain of options that nothing else selects": lambda n: (
                _KCONFIG
                + "".join(f"config A{at}\n\tbool\nconfig A{at + 1}\n\tbool\n\tselect A{at}\n" for at in range(n))
            ),
            "many that need an option of many definitions": lambda n: (
                "config A\n\ttristate\n" * n
                + "".join(f"config B\n\tbool\n\tdepends on A{at} || A\nconfig A{at}\n\tdef_bool B\n" for at in range(n))
            ),
        },
        number=400,
        size=_RUST_SIZE // 2,
    ),
    Reader(
        (
            "rules.bindings.module_facts.read_modules",
            "rules.bindings.module_facts.Places",
            "rules.bindings.build.Build.ways",
            "rules.bindings.module_gates.GatedCrate.uses",
            "rules.bindings.module_gates.GatedCrate.ways_of",
        ),
        lambda given: (
            module_facts.read_modules(given.encode(), is_in_crate=True),
            module_facts.Places(given.encode()).condition(5, 1),
            _everything(Bindings.of_files(_crate(given)).gated_crate.uses("rust/kernel/a.rs")),
        ),
        (("", ""), ("#[cfg(", ")]\nmod a;"), ("use kernel::{", "};"), ("pub use ", "::*;")),
        units=(
            *CODE_UNITS,
            *("#[cfg(CONFIG_A)] ", "#![cfg(CONFIG_A)]\n", "mod a;\n", '#[path = "a.rs"]\nmod b;\n', "pub use a::*;\n"),
            *("pub use b::a;\n", "kernel::a::b(); ", "#[cfg(CONFIG_A)] { ", "macro_rules! a { ", "crate::a!(); "),
        ),
        more={
            "uses below many conditions": lambda n: "#[cfg(CONFIG_A)] {\n" * n + "crate::a::b();\n" * n,
            "modules that export each other": lambda n: "".join(f"pub use a{at}::*; mod a{at};\n" for at in range(n)),
            "modules that export themselves": lambda n: "crate::x; " + "pub use self::x; pub use self::*;\n" * n,
            "names that lead to each other": lambda n: (
                "crate::x0; "
                + "".join(f"pub use self::x{at} as x{other};\n" for at in range(n) for other in (at - 1, at // 2))
            ),
            "macros and uses": lambda n: "macro_rules! a { () => { b } }\n" * n + "crate::a!();\n" * n,
        },
        number=400,
        size=_RUST_SIZE // 2,
    ),
    Reader(
        (
            "rules.source.rust.doc_links.read_doc_links",
            "rules.source.rust.doc_markdown.links_in",
            "rules.bindings.doc_link_gates.DocLinkGates.broken",
            "rules.bindings.doc_link_gates.DocLinkGates.gated_names",
        ),
        lambda given: (
            rust_doc_links.read_doc_links(RustSource(given)),
            (gates := DocLinkGates(Bindings.of_files(_crate(given)))).broken("rust/kernel/a.rs"),
            gates.gated_names("rust/kernel/a.rs"),
        ),
        (
            ("", ""),
            ("/// ", "\npub struct A;"),
            ("/** ", "*/ pub struct A;"),
            ("//! [a]\n", ""),
            ("/// [a](", ")\nfn a() {}"),
        ),
        units=(
            *CODE_UNITS,
            *(
                "[a]",
                "[`a::b`] ",
                "[a](b",
                "[a](b) ",
                "[a][b]",
                "](a",
                "](a(b)",
                "](a 'b",
                "[a]: b\n/// ",
                "[a]:\n/// ",
            ),
            *(
                "```\n/// ",
                "~~~",
                "- ",
                "> ",
                "\n/// - > 1. ",
                "<!--",
                "<a>\n/// ",
                "    ",
                "\t",
                "\n///\n/// ",
                "``` ` ",
            ),
            *("//! [a]\n", "#![a]\n", "#[a]\n/// [b]\n", '#[doc = "[a]"]\n', '#[cfg_attr(CONFIG_A, doc = "[a]")]\n'),
            *(
                "/// [a]\n#[cfg(CONFIG_A)]\npub fn a() {}\n",
                "pub mod a { //! [a::b]\n",
                "use a::*; ",
                "/** [a] */",
                "/*! ",
            ),
        ),
        more={
            "links to members": lambda n: "".join(
                f"/// [`Self::a{at}`]\n#[cfg(CONFIG_A)]\npub fn a{at}() {{}}\n" for at in range(n)
            ).join(("pub struct A;\nimpl A {\n", "}\n")),
            "links through globs": lambda n: (
                "use crate::a::*;\nuse crate::b::*;\n"
                + "".join(f"/// [`B{at}`]\npub struct A{at};\n" for at in range(n))
            ),
            "links with conditions": lambda n: (
                "".join(f'#[cfg_attr(CONFIG_A{at}, doc = "[a{at}]")]\n' for at in range(n)) + "pub struct A;"
            ),
            "definitions": lambda n: (
                "".join(f"/// [a{at}]\n///\n/// [a{at}]: b\n" for at in range(n)) + "pub struct A;"
            ),
        },
        number=200,
        size=_RUST_SIZE // 2,
    ),
    Reader(
        (
            "rules.bindings.helper_facts.read_helpers",
            "rules.bindings.helper_facts.read_constants",
            "rules.bindings.helper_facts.read_bindgen_parameters",
            "rules.bindings.declaration_cache.scan_cached",
            "rules.bindings.declaration_cache.DeclarationCache.scan",
        ),
        lambda given: (
            helper_facts.read_helpers(given),
            helper_facts.read_constants(given),
            helper_facts.read_bindgen_parameters(given),
        ),
        (("", ""), *((before, "") for before in _C)),
        str.encode,
        size=_RUST_SIZE,
    ),
    Reader(
        (
            "rules.bindings.abi.differs_only_in_const",
            "rules.bindings.abi.is_same_type",
            "rules.bindings.abi.resolve_type",
            "rules.bindings.index.struct_of",
        ),
        lambda given: (
            abi.differs_only_in_const(given, f"const {given}"),
            abi.is_same_type(given, f"{given} ", _NO_BINDINGS, _NO_BINDINGS),
            abi.resolve_type(given, _NO_BINDINGS),
        ),
        (("", ""), ("const ", " *"), ("int (*)(", ")")),
    ),
    Reader(
        ("rules.bindings.mail_filter.MailFilter.may_matter", "rules.bindings.mail_filter.is_encoded"),
        lambda given: (MailFilter.from_bindings(_NO_BINDINGS).may_matter(given), is_encoded(given)),
        (("", ""), (_DIFF, ""), ("Subject: [PATCH] x\n\n", "")),
        str.encode,
    ),
    Reader(
        (
            "rules.analysis.maintainers.parse",
            "rules.analysis.maintainers.Entry.mentions",
            "rules.analysis.maintainers.Entry.keeps",
            "rules.analysis.maintainers.Entry.pattern_of",
            "rules.analysis.maintainers.Entry.specificity",
        ),
        lambda given: [
            (entry.mentions(given), entry.keeps(given), entry.pattern_of(given), entry.specificity(given))
            for entry in maintainers.parse(f"A THING\nM:\tA <a@b>\nF:\trust/\nK:\tunsafe\n\n{given}")[:1]
        ],
        (("", ""), ("A THING\nM:\tA <a@b>\nF:\t", "\n")),
    ),
    Reader(("rules.analysis.maintainers.Subsystems.of",), _SUBSYSTEMS.of, (("", ""), ("rust/", ""))),
    Reader(("rules.analysis.maintainers.Subsystems.all_of",), _SUBSYSTEMS.all_of, (("", ""), ("rust/", ""))),
    Reader(
        ("rules.analysis.maintainers.Subsystems.entries_of",),
        lambda given: list(_SUBSYSTEMS.entries_of(given)),
        (("", ""), ("rust/", "")),
    ),
    Reader(
        (
            "bot.debt.count.count_file",
            "rules.analysis.addressed.count_addressed",
            "rules.analysis.addressed.is_addressed",
            "rules.analysis.addressed.is_reworded",
            "rules.analysis.addressed.is_requirement",
        ),
        lambda given: count_file("rust/kernel/a.rs", given, NoTree()),
        (
            ("", ""),
            ("/// # Safety\n///\n/// - ", _CALLED),
            (f"{_SECTION}// SAFETY: ", "\nunsafe { a() };\n}\n"),
        ),
        str.encode,
        size=_RUST_SIZE,
        more={
            "many calls": lambda n: (_SECTION + "// SAFETY: Odd.\nunsafe { a() };\n" * n + "}\n").encode(),
            "long comments": lambda n: (
                _SECTION + ("// SAFETY: Odd.\n" * n + "unsafe { a() };\n") * 20 + "}\n"
            ).encode(),
        },
        number=200,
    ),
)


# What is said.

_MAKE: Final = Maker(code=tuple(f"    unsafe {{ a{at}() }};" for at in range(4 * 4 * 400)))


def _findings(
    number: int, *, paths: int = 1, text: str = "This `unsafe` block has no SAFETY comment."
) -> tuple[Finding, ...]:
    return tuple(
        _MAKE.finding(at + 1, path=f"rust/kernel/led{at % paths or ''}.rs", message=text, ordinal=at)
        for at in range(number)
    )


def _reviewed(
    number: int, *, paths: int = 1, patches: int = 1, text: str = "No comment.", previous: bool = False
) -> Review:
    """Return a review of so many findings, of which each patch changes one file."""
    series = tuple(
        Patch(
            at,
            f"rust: led: {at}",
            changes=tuple(_created(number, path=f"rust/kernel/led{file or ''}.rs") for file in range(paths))[
                : max(1, paths)
            ],
        )
        for at in range(1, patches + 1)
    )
    findings = tuple(
        replace(finding, anchor=replace(finding.anchor, patch=1 + at % patches))
        for at, finding in enumerate(_findings(number, paths=paths, text=text))
    )
    posting = _MAKE.posting(series)
    before = review(posting, Report(findings[::-1]), [_MAKE.rule()]) if previous else None
    return review(posting, Report(findings), [_MAKE.rule()], before, Policy())


REVIEWS: Final[dict[str, Make]] = {
    "many findings in one file": _reviewed,
    "findings in as many patches": lambda n: _reviewed(n // 4, patches=n // 4),
    "findings in as many files": lambda n: Review(
        _MAKE.posting(
            (Patch(1, "s", changes=tuple(_created(1, path=f"rust/kernel/led{f or ''}.rs") for f in range(n))),)
        ),
        _reviewed(n, paths=1).findings,
    ),
    "long messages": lambda n: _reviewed(20, text="`a` " * (10 * n)),
    "findings that the last revision had": lambda n: _reviewed(n, previous=True),
}


def _reread(judgement: Review) -> object:
    """Compare, filter and write the mail anew, as the service does with a judgement."""
    report = Report(tuple(entry.finding for entry in judgement.findings))
    again = review(judgement.posting, report, [_MAKE.rule()], judgement, Policy())
    shown = leave_out_undecided(report, judgement.posting, _RULES)
    answer = draft(again, ReviewContext((_MAKE.rule(),), identity=_MAKE.identity))
    news = landing.find_news(replace(judgement, findings=()), judgement, ("missing", "a"), ())
    return again, shown, body(judgement, _RULES, _MAKE.identity), answer and compose.compose(answer), news


_RULES: Final = {"missing-safety-comment": _MAKE.rule()}


def _printed(result: Review) -> object:
    rows = tuple(row.of_review(result, _RULES))
    verdict = row.RowResult(rows, (row.CheckedPosting(result.posting, result.unsafe_delta),))
    return (
        sarif.sarif(verdict, _RULES, "1", Links("https://pages.example.org")),
        jsonl.jsonl(verdict),
        json_array.json_array(verdict),
        text.text(verdict),
        rdjsonl.rdjsonl(verdict, Links()),
        errorformat.errorformat(verdict),
        terse.terse(verdict),
        b4.b4(verdict, Links("https://pages.example.org")),
    )


def _fingerprints(judgement: Review) -> frozenset[str]:
    return frozenset(entry.finding.fingerprint for entry in judgement.findings)


def _material(number: int, *, subject: str = "", trailers: int = 0) -> digest_material.DigestInput:
    reviews, records = [], []
    for at in range(number):
        posting = replace(
            _MAKE.posting(),
            topic=f"topic {at}",
            message_id=f"{at}@x",
            follow_ups=tuple(FollowUp(1, f"Reviewed-by: {n}", f"{n}@x") for n in range(trailers)),
        )
        if subject:
            posting = replace(posting, series=replace(posting.series, subject=subject))
        reviews.append(ReviewRecord(review(posting, Report(_findings(3)), [_MAKE.rule()]), NOW - timedelta(days=1)))
        records.append(SeriesRecord(posting, NOW - timedelta(days=2), NOW - timedelta(days=2), 3))
    news = [LandingRecord(record.review, subject or "next", _fingerprints(record.review)) for record in reviews]
    return digest_material.DigestInput(Period(NOW - timedelta(days=7), NOW), records, reviews, news)


def _digest(digest_input: digest_material.DigestInput) -> Digest:
    return digest_material.digest("ada@example.org", digest_input, lambda posting: True)


def _digested(digest_input: digest_material.DigestInput) -> object:
    digest = _digest(digest_input)
    html = digest_html(digest, "1", max_entries=sys.maxsize)
    return digest_text(digest, "1", max_entries=sys.maxsize), compose.compose(digest_mail(digest, _MAKE.identity), html)


@cache
def _ten() -> Review:
    return _reviewed(10)


OUTPUT_READERS: Final = (
    Reader(
        (
            "bot.review.review.review",
            "bot.review.reported.leave_out_undecided",
            "bot.review.baseline.compare",
            "bot.review.policy.withhold",
            "bot.review.render.body.body",
            "bot.review.render.footer.footer",
            "bot.review.render.summary.summary",
            "bot.pipeline.draft.draft",
            "bot.mail.compose.compose",
            "bot.review.finding_group.group_findings",
            "bot.review.render.quote.quotations",
            "bot.review.render.finding.render_group",
            "bot.review.render.finding.message_lines",
            "bot.review.landing.find_news",
        ),
        _reread,
        (),
        more=REVIEWS,
        number=400,
    ),
    Reader(
        (
            "bot.review.formats.row.of_review",
            "bot.review.formats.row.of_findings",
            "bot.review.formats.row.column_in_bytes",
            "bot.review.formats.sarif.sarif",
            "bot.review.formats.jsonl.jsonl",
            "bot.review.formats.text.text",
            "bot.review.formats.terse.terse",
        ),
        _printed,
        (),
        more=REVIEWS,
        number=300,
    ),
    Reader(
        (
            "bot.digest.selection.digest",
            "bot.digest.text.digest_text",
            "bot.digest.html.digest_html",
            "bot.digest.address.series_address",
            "bot.digest.address.finding_address",
            "bot.review.render.code.spans",
            "bot.digest.phrases.landing",
        ),
        _digested,
        (),
        more={
            "many series": _material,
            "long subjects": lambda n: _material(10, subject="`a` <b> " * n),
            "many trailers": lambda n: _material(3, trailers=n),
        },
        number=100,
    ),
    Reader(
        (
            "bot.review.render.quote.quoted",
            "bot.review.render.text.visible",
            "bot.review.render.text.harmless",
            "bot.review.render.text.sentences",
            "bot.review.render.text.name",
            "bot.review.render.text.wrap",
            "bot.review.mail_lint.problems",
            "bot.review.formats.row.clean",
            "bot.review.disposition.plain_reason",
            "bot.review.disposition.public_reason",
            "bot.review.disposition.without_addresses",
            "bot.review.command_reply.unknown_finding",
            "bot.review.command_reply.explanation",
        ),
        lambda given: (
            quote.quoted(given),
            render_text.visible(given),
            render_text.harmless(given),
            render_text.sentences(given),
            render_text.name(given),
            render_text.wrap(given),
            tuple(lint.problems(given)),
            row.clean(given),
            disposition.plain_reason(given),
            disposition.public_reason(given),
            disposition.without_addresses(given),
            answering.unknown_finding(given),
            answering.explanation(None, given),
        ),
        (("", ""), ("`", "`"), ("a. ", "")),
    ),
    Reader(
        ("bot.review.pending.find_mentions", "bot.mail.revision_links.find_revision_links"),
        lambda given: (
            _everything(pending.find_mentions(given)),
            _everything(revision_links.find_revision_links(given)),
        ),
        (("", ""), ("https://", " "), ("<", ">"), ("Depends-on: ", "\n"), ("v1: https://", "\n"), ("\nlink to ", " ")),
    ),
    Reader(
        ("bot.review.disposition.match_findings",),
        lambda given: disposition.match_findings(_ten(), given),
        (("", ""), ("0", "")),
    ),
    Reader(
        ("bot.review.formats.mail.mail",),
        mail_format,
        (("", ""), ("From: a\n\n", "")),
        lambda given: [given.encode()],
        more={"many mails": lambda n: [b"From: a\n\nFrom b\n"] * n},
    ),
    Reader(
        ("bot.digest.markup.element", "bot.digest.markup.link"),
        lambda given: (markup.element("p", given), markup.link(given, given)),
    ),
)


READERS: Final = (
    *MAIL_READERS,
    *(replace(reader, units=CODE_UNITS) for reader in CODE_READERS),
    *OUTPUT_READERS,
)

# Why a public function that takes text, bytes or a mail is not a reader of what a stranger wrote.
_OWN = "its texts are ours: settings, the registry or constants"
_LOOKUP = "it looks a name up in a table that was read before"
_GIT = "it hands a cursor to git and whole mails on; the mails' readers are listed"
_WHOLE = "it hands whole mails on; the mails' readers are listed"
_HASH = "it hashes once"
_THROUGH = "the reader of the whole file or series, which is listed, calls it"
EXEMPT: Final[dict[str, str]] = {
    **dict.fromkeys(
        (
            "bot.mail.state.check_transition",
            "bot.pipeline.context.ReviewContext.without_mail",
            "bot.pipeline.freeze.*",
            "bot.pipeline.process.write_mail",
            "bot.mail.answered.answered_part",
            "bot.mail.posting.Posting.state_detail",
        ),
        _OWN,
    ),
    "rules.source.rust.lines.attributes_of": "the words are our own, and RustSource reads the attributes",
    "bot.pipeline.kernel_tree.KernelTreeReader.read": "it compares the id of a commit",
    "bot.pipeline.spool.Spool.put": _WHOLE,
    "bot.review.pending.are_related": "it compares ids, whose number is limited when they are read",
    "bot.mail.revision_links.find_continued_topic": "it looks up at most 100 links",
    **dict.fromkeys(
        ("rules.bindings.pending_uses.find_uses", "rules.diff.rewrites.digest", "rules.diff.rewrites.is_significant"),
        _THROUGH,
    ),
    **dict.fromkeys(("bot.inbox.patch_text.read_as_mails", "bot.inbox.patch_text.PatchDirectory.*"), _WHOLE),
    "bot.review.history.History.previous": _LOOKUP,
    "bot.review.history.LastOfRevisions.previous": _LOOKUP,
    "rules.registry.needing_tree": "it looks the ids of rules up in a table",
    "bot.inbox.epochs.commit_of": "it matches two short texts that we composed: the number of an epoch and a commit id",
    "bot.inbox.http_pace.server_folder": "it reads a URL of the settings, which no stranger writes",
    "bot.review.formats.colour.*": "it puts a text between two codes, or reads the names of variables",
    "rules.source.rust.unsafe_memo.key_of": "it makes a tuple with the text",
    "rules.diff.origin.may_decide": "it searches the text once for each of a few words",
    "rules.registry.active_for": "it compares the ends of paths, and searches the added lines once for each word",
    "rules.analysis.prelude.Prelude.has": "it compares names",
    "rules.source.rust.docs.requirements": _THROUGH,
    "rules.lint.engine.run_rules": _THROUGH,
    "rules.lint.fixing.exact_fixes": "it checks the results of at most 20 fixes, each as fix_files does",
    "bot.debt.report.build_report": "it puts names, of which MAINTAINERS has few thousand, in order",
    "rules.check_rule.main": _OWN,
    "bot.debt.report.from_json": _OWN,
    "bot.mail.refusal.repeated_posting": "it compares the beginning",
    "bot.mail.refusal.refuse_repeat": "it puts a message-id, which is bounded, into a sentence",
    **dict.fromkeys(
        (
            "rules.analysis.bindings_view.declared_in_c",
            "rules.analysis.bindings_view.helper_line",
            "rules.analysis.view.SeriesView.report",
            "rules.bindings.new_names.is_known",
            "rules.bindings.new_names.is_met",
        ),
        "the text is that of a rule, or a name that is looked up",
    ),
    **dict.fromkeys(
        (
            "bot.mail.authority.reply_address",
            "bot.mail.authority.maintained_lists",
            "bot.mail.authority.token_names_series",
            "bot.review.consent.deciding_lists",
            "bot.review.consent.strictest",
            "bot.digest.phrases.about",
            "bot.digest.phrases.mails",
            "bot.review.render.text.count",
            "bot.review.recipients.no_owners",
            "bot.pipeline.draft.message_id",
            "bot.mail.reply.Identity.message_id",
            "bot.digest.markup.joined",
            "bot.inbox.http_client.user_agent",
            "bot.inbox.http_pace.Pace.*",
            "bot.inbox.source.open_source",
            "rules.lint.expectations.*",
            "rules.listing.listing",
            "rules.registry.by_id",
            "rules.analysis.maintainers.glob",
        ),
        _OWN,
    ),
    **dict.fromkeys(
        (
            "bot.mail.envelope.envelope_sender",
            "bot.mail.envelope.bounce_token",
            "bot.mail.envelope.is_authentic",
            "rules.diff.tree.blob_id",
        ),
        _HASH,
    ),
    **dict.fromkeys(
        (
            "bot.mail.landed.is_applied",
            "bot.mail.landed.AppliedSearch.search",
            "bot.mail.posting.Posting.nearest_reference",
            "bot.pipeline.analyse.NoBlobs.*",
            "bot.pipeline.pending.PendingMemory.*",
            "bot.pipeline.pending.PendingSource.*",
            "rules.diff.tree.Files.*",
            "rules.bindings.tree.NoTree.*",
            "rules.bindings.tree.FileTree.*",
        ),
        _LOOKUP,
    ),
    **dict.fromkeys(
        ("rules.bindings.index.Bindings.*", "rules.bindings.bindings_diff.Step.*", "rules.bindings.fact_source.*"),
        _LOOKUP,
    ),
    **dict.fromkeys(
        (
            "bot.inbox.git_archive.*",
            "bot.inbox.git_commits.*",
            "bot.inbox.git_range.*",
            "bot.inbox.tracked_thread.TrackedThread.*",
            "bot.review.formats.sarif_baseline.read_baseline",
            "bot.inbox.lore.LoreArchive.*",
            "bot.inbox.lore_git.Mirror.*",
        ),
        _GIT,
    ),
    **dict.fromkeys(
        (
            "bot.inbox.completion.ArchiveLookup.*",
            "bot.inbox.http_client.HttpClient.get",
            "bot.inbox.private.PrivateMailbox.*",
            "bot.inbox.remote.*",
            "bot.inbox.screened.ScreenedArchive.*",
            "bot.inbox.mailbox.Mbox.before",
            "bot.inbox.mailbox.Mbox.count",
            "bot.inbox.mailbox.StandardInput.count",
            "bot.inbox.maildir.Maildir.before",
            "bot.inbox.maildir.Maildir.count",
        ),
        _WHOLE,
    ),
    "bot.inbox.attestation.*": "dkim and patatt read the mail in a worker process with limits of its own",
    "bot.inbox.http_client.unpacked": "it stops at its limit; tests/bot/inbox/test_http_client.py",
    **dict.fromkeys(
        (
            "rules.analysis.bindings_view.module_is_gated",
            "rules.analysis.safety_sections.SafetySections.of",
            "rules.source.rust.source.RustSource.safety_sections",
            "rules.analysis.introduced.*",
            "rules.analysis.view.FileView.*",
            "rules.source.c.text.Conditions.follow",
            "rules.source.c.text.join_conditions",
            "rules.source.c.declaration.CSource.named",
            "rules.bindings.contract_users.find_contract_users",
            "rules.bindings.calls.is_const_pointer",
            "rules.bindings.calls.find_field_types",
            "rules.bindings.new_names.find_unbound_declaration",
            "rules.bindings.new_names.find_reason_for_helper",
            "rules.bindings.compare_types.is_behind_pointer",
            "rules.bindings.helper_facts.read_visible_constants",
            "rules.bindings.overlay.overlay_changes",
            "rules.bindings.change_location.*",
            "rules.diff.changed_lines.LinesInside.first",
            "rules.diff.changed_lines.ChangedLines.first_removed",
            "rules.diff.changed_lines.ChangedLines.nearest_condition",
            "rules.bindings.included_headers.*",
            "rules.bindings.unchanged_users.*",
            "rules.bindings.fact_source.is_c",
            "rules.bindings.rust_facts.is_rust_source",
            "rules.bindings.crate_api.*",
            "rules.bindings.api_uses.*",
            "rules.bindings.changed_items.*",
            "rules.bindings.other_definitions.OtherDefinitions.*",
            "rules.source.rust.path_uses.quote_line",
            "rules.source.rust.generics.*",
            "rules.source.rust.tokens.Tokens.find",
            "rules.source.rust.code_regions.*",
            "rules.source.rust.type_shapes.*",
            "rules.bindings.known_types.*",
            "rules.bindings.crate_paths.*",
            "rules.bindings.bindings_diff.is_kbuild",
            "rules.bindings.bindings_diff.BindingsDiff.may_be_in_macro",
            "rules.bindings.new_names.find_breaking_ways",
            "rules.analysis.bindings_view.added_helper",
            "rules.analysis.bindings_view.added_line",
            "rules.source.kbuild.condition.atom_pair",
            "rules.source.kbuild.condition.built_in_pair",
            "rules.bindings.tree_changes.affected_keys",
            "rules.bindings.changed_name.ChangedName.breakage",
            "rules.source.rust.path_uses.Scopes.imports",
            "rules.source.rust.path_uses.Scopes.imports_value",
        ),
        _THROUGH,
    ),
}


_KCONFIG: Final = 'config RUST\n\tbool "a"\nconfig A\n\tbool "a"\nconfig B\n\tbool\nconfig C\n\ttristate\n'


def _implications(text: str) -> list[object]:
    """Return what options say of others in a hostile Kconfig file."""
    tree = Bindings.of_files({"Kconfig": text.encode()}).kconfig
    questions = [(user, gate) for user in ("A", "A0", "B") for gate in ("B", "=C", "S0")]
    implied = [tree.implies(((user,),), ((gate,),)) for user, gate in questions]
    return [*implied, *(tree.can_be_on(((user,),), gate.removeprefix("=")) for user, gate in questions)]


def _crate(text: str) -> dict[str, bytes]:
    content = text.encode()
    return {"rust/kernel/lib.rs": content, "rust/kernel/a.rs": content, "Kconfig": b'config RUST\n\tbool "Rust"\n'}


def is_exempt(name: str) -> bool:
    """Return whether the function is not a reader, by its name or by that of its class or module with `.*`."""
    parents = (name.rsplit(".", count)[0] + ".*" for count in (1, 2))
    return name in EXEMPT or any(parent in EXEMPT for parent in parents)


def _main() -> None:
    measured = [growth for reader in READERS for growth in reader.growths()]
    names = {name for reader in READERS for name in reader.names}
    print(f"{len(names)} readers, {len(measured):,} hostile inputs")
    for ratio, what in islice(sorted(measured, reverse=True), 5):
        print(f"{FACTOR} times the input takes {ratio:.1f} times as long: {what}")


if __name__ == "__main__":
    _main()

# SPDX-License-Identifier: GPL-2.0-or-later
"""Synthetic postings, rules and findings, made from as little as a test cares about."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.mail.address import Address
from bot.mail.posting import Complete, Part, Posting, State
from bot.mail.reply import Identity
from rules.analysis.view import FileView, Position
from rules.diff.patch import FileChange, Hunk, Line, Patch, Series
from rules.finding import Anchor, Confidence, Diagnostic, Finding, Severity
from rules.lint.evidence import DocumentSection
from rules.lint.rule import Rule, Status

AUTHOR = Address("Ada Author", "ada@example.org")
LIST = Address("", "rust-for-linux@lists.example.org")
DATE = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def report_unsafe(file: FileView) -> Iterator[Diagnostic]:
    """Report each added line with `unsafe`."""
    for line in file.change.added_lines():
        if "unsafe" in line.text and line.after:
            yield file.report(Position(line.after, 5), "This is bad.", confidence=Confidence.HIGH)


@dataclass(frozen=True, slots=True)
class Maker:
    """Builds values; `code` are the lines that every patch adds to a file that it creates."""

    code: tuple[str, ...] = tuple(f"    line_{number}();" for number in range(1, 41))

    def rule(self, rule_id: str = "missing-safety-comment", **changes: object) -> Rule:
        values: dict[str, object] = {
            "id": rule_id,
            "summary": "Says something about the code",
            "severity": Severity.WARNING,
            "status": Status.STABLE,
            "doc": "Says something.\n\n## What it flags\nCode.",
            "evidence": (DocumentSection("Documentation/rust/coding-guidelines.rst", "Comments"),),
            "examples": (),
        }
        return Rule(**(values | changes))  # type: ignore[arg-type]  # the values are a field each

    def finding(
        self,
        line: int = 5,
        *,
        rule: str = "missing-safety-comment",
        patch: int = 1,
        path: str = "rust/kernel/led.rs",
        severity: Severity = Severity.WARNING,
        message: str = "This `unsafe` block has no SAFETY comment.",
        **changes: object,
    ) -> Finding:
        anchor = Anchor(patch, path, "post", line, 5, self.code[line - 1])
        values: dict[str, object] = {"confidence": Confidence.HIGH} | changes
        return Finding(rule=rule, severity=severity, anchor=anchor, message=message, **values)  # type: ignore[arg-type]

    def patch(
        self, index: int = 1, path: str = "rust/kernel/led.rs", subject: str = "rust: led: add a driver"
    ) -> Patch:
        lines = tuple(Line(text, None, number) for number, text in enumerate(self.code, 1))
        return Patch(index, subject, changes=(FileChange(None, path, (Hunk.of(0, 0, 1, len(lines), "", lines),)),))

    def posting(
        self,
        patches: Sequence[Patch] = (),
        *,
        revision: int = 1,
        cover: bool = False,
        author: Address = AUTHOR,
        cc: tuple[Address, ...] = (LIST,),
        state: State | None = None,
        subject: str = "",
    ) -> Posting:
        patches = tuple(patches) or (self.patch(),)
        indices = [0] * cover + [patch.index for patch in patches]
        subjects = {0: "rust: led"} | {patch.index: patch.subject for patch in patches}
        parts = tuple(
            Part(
                index,
                f"v{revision}.{index}@example.org",
                subject or f"[PATCH v{revision} {index}/{len(patches)}] {subjects[index]}",
                author,
                (LIST,),
                cc,
                DATE,
                None if index == indices[0] else f"v{revision}.{indices[0]}@example.org",
                () if index == indices[0] else (f"v{revision}.{indices[0]}@example.org",),
                "",
            )
            for index in indices
        )
        return Posting(
            parts[0].message_id,
            (LIST.address,),
            Series("rust: led", patches, revision),
            parts,
            author,
            DATE,
            len(patches),
            state or Complete(),
            "ada@example.org rust: led",
        )

    @property
    def identity(self) -> Identity:
        return Identity(Address("patchwarden", "patchwarden@bot.example.org"), "0.1.0", "owner@example.org")

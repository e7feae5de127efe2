# SPDX-License-Identifier: GPL-2.0-or-later
"""The evidence for a rule: a review, a document, a lint or an issue that asks for what the rule reports."""

import re
from dataclasses import dataclass

_MESSAGE_ID = re.compile(r"[^\s<>,:/@]++@[^\s<>,:/@]++\Z")
_DOCUMENT = re.compile(r"Documentation/(?:[\w.-]++/)*+[\w.-]+\.rst\Z")
_LINT = re.compile(r"(?:clippy|rustc|rustdoc)::[a-z][a-z0-9_]*\Z")
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+\Z")


class EvidenceError(ValueError):
    """A piece of evidence that does not have the form of its kind."""


@dataclass(frozen=True, slots=True)
class MessageId:
    """The message-id, without angle brackets, of a mail on a kernel list."""

    value: str

    def __post_init__(self) -> None:
        _require(_MESSAGE_ID.match(self.value), "a message-id", self.value)

    def __str__(self) -> str:
        return self.value

    @property
    def link(self) -> str:
        """The evidence in Markdown."""
        return f"<https://lore.kernel.org/r/{self.value}>"


@dataclass(frozen=True, slots=True)
class DocumentSection:
    """A section of the kernel's documentation; `path` is relative to the top of the kernel tree."""

    path: str
    section: str

    def __post_init__(self) -> None:
        _require(_DOCUMENT.match(self.path), "a document of the kernel", self.path)
        _require(self.section.strip(), "a section", self.section)

    def __str__(self) -> str:
        return f"{self.path}, {self.section}"

    @property
    def link(self) -> str:
        """The evidence in Markdown."""
        return str(self)


@dataclass(frozen=True, slots=True)
class LintName:
    """A lint of the Rust tools, with the tool: `clippy::undocumented_unsafe_blocks`."""

    name: str

    def __post_init__(self) -> None:
        _require(_LINT.match(self.name), "a lint's name with its tool", self.name)

    def __str__(self) -> str:
        return self.name

    @property
    def link(self) -> str:
        """The evidence in Markdown."""
        return str(self)


@dataclass(frozen=True, slots=True)
class IssueReference:
    """An issue on GitHub: `repository` is its owner and name."""

    repository: str
    number: int

    def __post_init__(self) -> None:
        _require(_REPOSITORY.match(self.repository), "a repository's owner and name", self.repository)
        _require(self.number > 0, "an issue's number", str(self.number))

    def __str__(self) -> str:
        return f"https://github.com/{self.repository}/issues/{self.number}"

    @property
    def link(self) -> str:
        """The evidence in Markdown."""
        return f"<{self}>"


RuleEvidence = MessageId | DocumentSection | LintName | IssueReference


def _require(valid: object, form: str, value: str) -> None:
    if not valid:
        raise EvidenceError(f"{value!r} is not {form}")

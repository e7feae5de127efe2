# SPDX-License-Identifier: GPL-2.0-or-later
"""The evidence for a rule: a review, a document, a lint or an issue that asks for what the rule reports."""

from rules.lazy import dataclass, re

_MESSAGE_ID = re.compile(r"[^\s<>,:/@]++@[^\s<>,:/@]++\Z")
_DOCUMENT = re.compile(r"Documentation/(?>[\w.-]++/)*+[\w.-]+\.rst\Z")
_LINT = re.compile(r"(?:clippy|rustc|rustdoc)::[a-z][a-z0-9_]*\Z")
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+\Z")


@dataclass(frozen=True, slots=True)
class MessageId:
    """The message-id, without angle brackets, of a mail on a kernel list."""

    value: str

    @property
    def is_valid(self) -> bool:
        """Whether it has the form of a message-id."""
        return _MESSAGE_ID.match(self.value) is not None

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

    @property
    def is_valid(self) -> bool:
        """Whether it has the path of a document and the title of a section."""
        return _DOCUMENT.match(self.path) is not None and bool(self.section.strip())

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

    @property
    def is_valid(self) -> bool:
        """Whether it has the name of a lint with its tool."""
        return _LINT.match(self.name) is not None

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

    @property
    def is_valid(self) -> bool:
        """Whether it has a repository's owner and name, and a number."""
        return _REPOSITORY.match(self.repository) is not None and self.number > 0

    def __str__(self) -> str:
        return f"https://github.com/{self.repository}/issues/{self.number}"

    @property
    def link(self) -> str:
        """The evidence in Markdown."""
        return f"<{self}>"


RuleEvidence = MessageId | DocumentSection | LintName | IssueReference

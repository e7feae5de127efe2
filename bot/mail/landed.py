# SPDX-License-Identifier: GPL-2.0-or-later
"""Decide which posted patches a commit applies: by its `Link:` trailers, its blobs or its patch-id. Pure.

A link alone proves little: commits also link to discussions and to other patches. So the title of the commit, or its
author and files, must be those of the linked patch.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Final

from bot.mail.posting import Posting
from bot.mail.target import target
from rules.diff.patch import FileChange, Patch
from rules.diff.patch_id import stable_patch_id
from rules.lazy import dataclass, re

MAX_MESSAGE: Final = 64 * 1024
"""Characters of a commit message that are read."""

MAX_LINKS: Final = 16
"""Links of a commit. A commit with more links applies none of them."""

_LINK: Final = re.compile(r"^link:[ \t]*+(https?://\S++)[ \t]*+$", re.IGNORECASE | re.MULTILINE)
_REVERT: Final = re.compile(r"^This reverts commit ([0-9a-f]{40})\b", re.MULTILINE)


class AppliedBy(StrEnum):
    """How it was decided that a commit applies a patch."""

    LINK = "Link trailer"
    BLOBS = "post-image blobs"
    PATCH_ID = "patch-id"


@dataclass(frozen=True, slots=True)
class LandedCommit:
    """A commit of a landing ref that is not a merge.

    `time` is that of the committer, in seconds since 1970. `authors` are the name and the address of its author, in
    lower case. `blobs` are the ids of the changed files after the commit, by path; "" for a deleted file. `reverts` are
    the commits that it reverts.
    """

    commit: str
    time: int
    title: str
    authors: frozenset[str]
    links: tuple[str, ...]
    blobs: dict[str, str]
    reverts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PendingPatch:
    """A patch of a posting, as far as a commit can be compared with it.

    `cover_id` is "" without a cover letter. `sent` is the Date of its mail, in seconds since 1970. `blobs` are the
    announced ids of the changed files after the patch, by path: "" for a deleted file, None if the patch does not
    announce the id. `patch_id` is that of git.
    """

    message_id: str
    posting_id: str
    cover_id: str
    topic: str
    revision: int
    sent: int | None
    title: str
    authors: frozenset[str]
    blobs: dict[str, str | None]
    patch_id: str


@dataclass(frozen=True, slots=True)
class AppliedPatch:
    """A patch, by the message-id of its mail, the commit that applies it, and how that was decided."""

    message_id: str
    posting_id: str
    commit: str
    by: AppliedBy


def read_links(message: str) -> tuple[str, ...]:
    """Return the message-ids that the `Link:` trailers of a commit message name, without those of footnotes."""
    ids = [message_id for match in _LINK.finditer(message) if (message_id := target(match[1]))]
    ids = list(dict.fromkeys(ids))
    return tuple(ids) if len(ids) <= MAX_LINKS else ()


def read_reverts(message: str) -> tuple[str, ...]:
    """Return the commits that a commit message says it reverts."""
    return tuple(dict.fromkeys(match[1] for match in _REVERT.finditer(message)))


def plain_title(text: str) -> str:
    """Return the first paragraph of a commit message, in lower case and with single blanks, for comparisons."""
    return " ".join(text.strip().partition("\n\n")[0].lower().split())


def patch_id(changes: Sequence[FileChange]) -> str:
    """Return the stable patch-id of a diff, "" if it shows no lines or git would compute it from unknown data."""
    return stable_patch_id(Patch(1, "", changes=tuple(changes))) if any(change.hunks for change in changes) else ""


def pending_patches(posting: Posting) -> Iterator[PendingPatch]:
    """Yield the patches of a posting that have a mail and a readable diff."""
    cover = posting.cover
    for patch in posting.series.patches:
        part = posting.part(patch.index)
        if part is None or not patch.changes:
            continue
        people = {part.author, posting.author}
        yield PendingPatch(
            message_id=part.message_id,
            posting_id=posting.message_id,
            cover_id="" if cover is None else cover.message_id,
            topic=posting.topic,
            revision=posting.series.revision,
            sent=None if part.date is None else int(part.date.timestamp()),
            title=plain_title(patch.subject),
            authors=frozenset(name for person in people for name in (person.key, person.name.lower()) if name),
            blobs=_announced_blobs(patch.changes),
            patch_id=patch_id(patch.changes),
        )


def is_applied(posting: Posting, applied_ids: Iterable[str]) -> bool:
    """Return whether each patch of a posting is among the applied patches, named by the message-ids of their mails."""
    parts = [posting.part(patch.index) for patch in posting.series.patches]
    return bool(parts) and {part.message_id if part is not None else "" for part in parts} <= set(applied_ids)


class AppliedSearch:
    """Find the patches that commits apply. Each patch is found once: give the commits from the newest to the oldest.

    A commit that a newer one reverts applies nothing.
    """

    def __init__(self, patches: Iterable[PendingPatch]) -> None:
        self._by_mail: dict[str, PendingPatch] = {}
        self._by_cover: dict[str, list[PendingPatch]] = defaultdict(list)
        # By a path and the id that the patch announces for it. The lengths of these ids, by path.
        self._by_blob: dict[tuple[str, str], list[PendingPatch]] = defaultdict(list)
        self._lengths: dict[str, set[int]] = defaultdict(set)
        # By all paths and the patch-id. By all paths, the mails whose patches were not found yet, and the first time.
        self._by_patch_id: dict[tuple[frozenset[str], str], list[PendingPatch]] = defaultdict(list)
        self._open_ids: dict[frozenset[str], set[str]] = defaultdict(set)
        self._first_sent: dict[frozenset[str], int] = {}
        for patch in patches:
            self._by_mail[patch.message_id] = patch
            if patch.cover_id:
                self._by_cover[patch.cover_id].append(patch)
            if patch.sent is not None:
                self._index_content(patch, patch.sent)
        self._applied_ids: set[str] = set()
        self.reverted: set[str] = set()

    def search(self, commit: LandedCommit, read_patch_id: Callable[[], str]) -> Iterator[AppliedPatch]:
        """Yield the patches that the commit applies. `read_patch_id` returns its patch-id."""
        self.reverted.update(commit.reverts)
        if commit.commit in self.reverted:
            return
        for patch in self._linked(commit):
            yield from self._record(patch, commit, AppliedBy.LINK)
        of_path = ((path, blob, self._lengths.get(path, ())) for path, blob in commit.blobs.items())
        announced = ((path, blob[:length]) for path, blob, lengths in of_path for length in lengths)
        for patch in (patch for key in announced for patch in self._by_blob.get(key, ())):
            if _is_earlier(patch, commit) and _has_blobs(commit, patch):
                yield from self._record(patch, commit, AppliedBy.BLOBS)
        paths = frozenset(commit.blobs)
        if self._open_ids.get(paths) and self._first_sent[paths] <= commit.time:
            for patch in self._by_patch_id.get((paths, read_patch_id()), ()):
                if _is_earlier(patch, commit):
                    yield from self._record(patch, commit, AppliedBy.PATCH_ID)

    def _index_content(self, patch: PendingPatch, sent: int) -> None:
        named = next(((path, blob) for path, blob in patch.blobs.items() if blob), None)
        if named is not None:
            self._by_blob[named].append(patch)
            self._lengths[named[0]].add(len(named[1]))
        if patch.patch_id:
            paths = frozenset(patch.blobs)
            self._by_patch_id[paths, patch.patch_id].append(patch)
            self._open_ids[paths].add(patch.message_id)
            self._first_sent[paths] = min(sent, self._first_sent.get(paths, sent))

    def _record(self, patch: PendingPatch, commit: LandedCommit, by: AppliedBy) -> Iterator[AppliedPatch]:
        if patch.message_id not in self._applied_ids:
            self._applied_ids.add(patch.message_id)
            self._open_ids[frozenset(patch.blobs)].discard(patch.message_id)
            yield AppliedPatch(patch.message_id, patch.posting_id, commit.commit, by)

    def _linked(self, commit: LandedCommit) -> Iterator[PendingPatch]:
        """Yield the patches that the links of the commit name, of each series those of the highest revision only.

        A link to a cover letter names the patch of the series that has the title of the commit.
        """
        by_topic: dict[str, list[PendingPatch]] = defaultdict(list)
        for message_id in commit.links:
            patch = self._by_mail.get(message_id)
            if patch is not None and _is_same_change(patch, commit):
                by_topic[patch.topic].append(patch)
            else:
                candidates = [patch for patch in self._by_cover.get(message_id, ()) if _has_title(patch, commit)]
                if len(candidates) == 1:
                    by_topic[candidates[0].topic].append(candidates[0])
        for patches in by_topic.values():
            newest = max(patch.revision for patch in patches)
            yield from (patch for patch in patches if patch.revision == newest)


def _is_earlier(patch: PendingPatch, commit: LandedCommit) -> bool:
    """Return whether the patch is not newer than the commit: an older commit may have the content that it restores."""
    return patch.sent is not None and patch.sent <= commit.time


def _has_title(patch: PendingPatch, commit: LandedCommit) -> bool:
    return patch.title == commit.title and not patch.blobs.keys().isdisjoint(commit.blobs)


def _is_same_change(patch: PendingPatch, commit: LandedCommit) -> bool:
    """Return whether a commit that links to the patch may be that patch, maybe with another title or more files."""
    same_author = not patch.authors.isdisjoint(commit.authors)
    return _has_title(patch, commit) or (same_author and patch.blobs.keys() == commit.blobs.keys())


def _has_blobs(commit: LandedCommit, patch: PendingPatch) -> bool:
    """Return whether the commit gives all files of the patch the content that the patch announces."""
    if not any(patch.blobs.values()):
        return False
    for path, blob in patch.blobs.items():
        actual = commit.blobs.get(path)
        if blob is None or actual is None or bool(blob) != bool(actual) or not actual.startswith(blob):
            return False
    return True


def _announced_blobs(changes: Sequence[FileChange]) -> dict[str, str | None]:
    blobs: dict[str, str | None] = {}
    for change in changes:
        if change.before is not None and not change.copied:
            blobs.setdefault(change.before, "")
        if change.after is not None:
            blobs[change.after] = change.blob_after if change.hunks else None
    return blobs

# SPDX-License-Identifier: GPL-2.0-or-later
"""An example in a rule's file becomes a series and the findings it must give, no more and no fewer.

Right of the bar `|` stands a diff, left of it what the rule has to find on that line:

        | diff drivers/led.rs (new)
        | +fn on(led: &Led) {
      ! | +    unsafe { bindings::led_on(led.0) };
        | +}

The margin. `!` expects one finding on this line, `!!` two. After it may stand, in any order, the severity (`note`,
`nit`, `warning`, `bug`), the confidence (`low`, `medium`, `high`), and `mended` where a later patch of the example
removes the cause. What is not named is not compared, but for `mended`. On a `-` line the finding stands in the
pre-image, on every other line of a diff in the post-image, on a line of a log in the log.

The diff. Counts and line numbers are worked out by the loader:

    diff PATH (new)         a new file              diff PATH (deleted)     a deleted one
    diff PATH (whole)       the hunk shows the whole file, and its pre-image stands in the base kernel
    diff PATH               hunks of a file; where its pre-image is known from `tree`, `(whole)` or an earlier patch,
                            they are looked up in it, else they stand somewhere in an unknown file
    diff OLD => NEW         a rename; `(whole)` may follow
    @@ 20 @@ HEADING        a hunk that starts at line 20 of the pre-image; number and heading may be left out: `@@`
    \\ No newline            the line above has no line ending

Lines of a hunk start with `+`, `-` or a space; an empty one is an empty context line.

More than one patch. `patch SUBJECT` starts the next patch; the lines up to its first `diff` are its log, trailers
last. Without it everything is one patch. `tree PATH` starts a file of the base kernel: every line up to the next
keyword is a line of that file, after one space.
"""

import re
from dataclasses import dataclass, field

from rules.bindings.tree import FileTree, Tree
from rules.diff.log import split_log
from rules.diff.patch import FileChange, Hunk, Line, Patch, Series
from rules.diff.tree import blob_id
from rules.lint.expectations import Expected, Mark, read_margin
from rules.lint.rule import Example

_DIFF = re.compile(r"diff (?:(?P<old>\S+) => )?(?P<path>\S+)(?P<flags>(?: \((?:new|deleted|whole)\))*)$")
_HUNK = re.compile(r"@@(?: (?P<start>\d+) @@)?(?: (?P<heading>.*))?$")
_SOMEWHERE = 101


@dataclass(frozen=True, slots=True)
class Loaded:
    """An example, read: give `series` and `tree` to the engine, `expected` and the findings to `differences`."""

    series: Series
    tree: Tree
    expected: tuple[Expected, ...]


class MalformedExampleError(ValueError):
    """An example that does not follow the notation: a mistake of the rule's author, with the line in it."""


def load(example: Example) -> Loaded:
    """Read an example; MalformedExampleError names the line that does not fit."""
    reader = _Reader(example.name)
    for number, text in enumerate(example.text.split("\n"), 1):
        if not text.strip():
            continue
        margin, bar, body = text.partition("|")
        if not bar:
            raise MalformedExampleError(f"{example.name}, line {number}: no | in it")
        try:
            reader.take(read_margin(margin.strip()), body.removeprefix(" "))
        except ValueError as error:
            raise MalformedExampleError(f"{example.name}, line {number}: {error}") from error
    return reader.finish()


@dataclass(slots=True)
class _File:
    """A file change under construction; a hunk is its start, its heading and its lines with their marks."""

    before: str | None
    after: str | None
    whole: bool
    hunks: list[tuple[int | None, str, list[tuple[Mark | None, str]]]] = field(default_factory=list)
    bare: set[str] = field(default_factory=set)


class _Reader:
    """Takes the lines of an example one by one and knows what they belong to."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.base: dict[str, list[str]] = {}
        self.state: dict[str, list[str]] = {}
        self.patches: list[Patch] = []
        self.expected: list[Expected] = []
        self.subject: str | None = None
        self.log: list[str] = []
        self.files: list[_File] = []
        self.tree_file: list[str] | None = None

    @property
    def index(self) -> int:
        return len(self.patches) + 1

    def take(self, mark: Mark | None, body: str) -> None:
        if body.startswith("tree "):
            self.tree_file = self.base[body[5:].strip()] = []
        elif body.startswith("patch "):
            self._close_patch()
            self.subject = body[6:]
            self._expect(mark, "", "", 0)
        elif body.startswith("diff "):
            self._open_file(body)
        elif self.tree_file is not None:
            self.tree_file.append(body.removeprefix(" "))
        elif self.files:
            self._take_hunk_line(mark, body)
        elif self.subject is not None:
            if body or self.log:
                self.log.append(body)
                self._expect(mark, "", "", len(self.log))
        else:
            raise ValueError("neither patch, tree nor diff before this line")

    def finish(self) -> Loaded:
        self._close_patch()
        series = Series(self.patches[0].subject, tuple(self.patches)) if self.patches else Series("", ())
        files = {path: _joined(lines) for path, lines in self.base.items()}
        return Loaded(series, FileTree(files), tuple(self.expected))

    def _open_file(self, body: str) -> None:
        match = _DIFF.match(body)
        if not match:
            raise ValueError(f"not a diff line: {body}")
        flags, path, old = match["flags"], match["path"], match["old"]
        self.tree_file = None
        before = None if "(new)" in flags else old or path
        self.files.append(_File(before, None if "(deleted)" in flags else path, "(whole)" in flags))

    def _take_hunk_line(self, mark: Mark | None, body: str) -> None:
        file = self.files[-1]
        if match := _HUNK.match(body):
            file.hunks.append((int(match["start"]) if match["start"] else None, match["heading"] or "", []))
            return
        if body.startswith("\\"):
            file.bare.update({"+": "+", "-": "-"}.get(file.hunks[-1][2][-1][1][0], "+-"))
            return
        if body and body[0] not in "+- ":
            raise ValueError(f"a line of a hunk starts with +, - or a space: {body}")
        if not file.hunks:
            file.hunks.append((None, "", []))
        file.hunks[-1][2].append((mark, body or " "))

    def _close_patch(self) -> None:
        self.tree_file = None
        if self.subject is None and not self.files:
            return
        log, trailers = split_log("\n".join(self.log))
        changes = tuple(self._change(file) for file in self.files)
        self.patches.append(Patch(self.index, self.subject or "rust: example", log, trailers, "", changes))
        self.subject, self.log, self.files = None, [], []

    def _change(self, file: _File) -> FileChange:
        known = self._pre_image(file)
        blob = None
        if file.before is not None and known is not None and not file.bare:
            blob = blob_id(_joined(known))
        hunks: list[Hunk] = []
        shift = 0
        result = list(known) if known is not None else None
        for number, (start, heading, lines) in enumerate(file.hunks):
            pre = [body[1:] for _, body in lines if body[0] != "+"]
            post = [body[1:] for _, body in lines if body[0] != "-"]
            if start is None:
                start = _locate(known, pre) if known is not None else _SOMEWHERE * (number + 1)  # noqa: PLW2901 filled in
            after_start = start + shift + bool(post and not pre) - bool(pre and not post)
            hunks.append(self._hunk(file, lines, start, after_start, heading))
            if result is not None:
                at = start + shift - 1 if pre else start + shift
                result[at : at + len(pre)] = post
            shift += len(post) - len(pre)
        if file.before is not None:
            self.state.pop(file.before, None)
        if file.after is not None and result is not None:
            self.state[file.after] = result
        return FileChange(
            file.before,
            file.after,
            tuple(hunks),
            blob_before=blob,
            ends_without_newline_before="-" in file.bare,
            ends_without_newline_after="+" in file.bare,
        )

    def _pre_image(self, file: _File) -> list[str] | None:
        """The lines before the patch, where the example says what they are."""
        if file.before is None:
            return []
        known = self.state.get(file.before, self.base.get(file.before))
        if known is None and (file.whole or file.after is None):
            self.base[file.before] = [body[1:] for _, _, lines in file.hunks for _, body in lines if body[0] != "+"]
            return self.base[file.before]
        return known

    def _hunk(
        self, file: _File, lines: list[tuple[Mark | None, str]], before_start: int, after_start: int, heading: str
    ) -> Hunk:
        built: list[Line] = []
        before, after = before_start, after_start
        for mark, body in lines:
            marker = body[0]
            built.append(Line(body[1:], None if marker == "+" else before, None if marker == "-" else after))
            side, number = ("pre", before) if marker == "-" else ("post", after)
            self._expect(mark, file.after or file.before or "", side, number)
            before += marker != "+"
            after += marker != "-"
        before_count, after_count = before - before_start, after - after_start
        return Hunk(before_start, before_count, after_start, after_count, heading, tuple(built))

    def _expect(self, mark: Mark | None, path: str, side: str, line: int) -> None:
        if mark is not None:
            self.expected.append(
                Expected(self.index, path, side, line, mark.count, mark.severity, mark.confidence, mark.mended)
            )


def _joined(lines: list[str]) -> bytes:
    return "".join(line + "\n" for line in lines).encode("utf-8", "surrogateescape")


def _locate(known: list[str], pre: list[str]) -> int:
    """The line, from 1, at which the hunk's pre-image stands, exactly once, in the file."""
    if not pre:
        return len(known)
    places = [at for at in range(len(known) - len(pre) + 1) if known[at : at + len(pre)] == pre]
    if len(places) != 1:
        raise MalformedExampleError(f"a hunk fits {len(places)} places of its file; number it: @@ LINE @@")
    return places[0] + 1

# SPDX-License-Identifier: GPL-2.0-or-later
"""Parse an example in a rule's file into a series and the exact findings that it must give.

A diff is on the right of the bar `|`. The expected findings are on the left, in the margin:

        | diff drivers/led.rs (new)
        | +fn on(led: &Led) {
      ! | +    unsafe { bindings::led_on(led.0) };
        | +}

The margin: `!` expects one finding on this line, `!!` two. The severity (`note`, `nit`, `warning`, `bug`), the
confidence (`low`, `medium`, `high`) and `fixed` may follow in any order. `fixed` says that a later patch of the
example fixes the finding. A severity or confidence that is not given is not compared; `fixed` is always compared. The
finding on a `-` line is in the pre-image, on other lines of a diff in the post-image, on a line of a log in the log.

The diff: the loader computes counts and line numbers.

    diff PATH (new)         a new file              diff PATH (deleted)     a deleted file
    diff PATH (whole)       the hunk shows the whole file, and the base kernel contains its pre-image
    diff PATH               hunks of a file; their places are searched in its pre-image, if that is known from `tree`,
                            `(whole)` or an earlier patch, otherwise they are at some place of an unknown file
    diff OLD => NEW         a rename; `(whole)` may follow
    @@ 20 @@ HEADING        a hunk that starts at line 20 of the pre-image; number and heading are optional: `@@`
    \\ No newline            the line above has no line ending

Lines of a hunk start with `+`, `-` or a space. An empty line is an empty context line.

Several patches: `patch SUBJECT` starts the next patch. The lines up to its first `diff` are its log, with the trailers
at the end. Without `patch`, everything is one patch. `tree PATH` starts a file of the base kernel: every line up to the
next keyword is a line of that file, after one space.

Other pending series: `pending SUBJECT` at the end starts one. Its diffs apply to the same base kernel.
"""

from rules.bindings.tree import FileTree, Tree
from rules.diff.log import split_log
from rules.diff.patch import FileChange, Hunk, Patch, Series
from rules.diff.tree import blob_id
from rules.lazy import dataclass, field, re, replace
from rules.lint.expectations import Expected, Mark, read_margin
from rules.lint.rule import Example

_DIFF = re.compile(r"diff (?:(?P<old>\S+) => )?(?P<path>\S+)(?P<flags>(?: \((?:new|deleted|whole)\))*)$")
_HUNK = re.compile(r"@@(?: (?P<start>\d+) @@)?(?: (?P<heading>.*))?$")
_UNKNOWN_LINE = 101


@dataclass(frozen=True, slots=True)
class LoadedExample:
    """A parsed example. The engine takes `series` and `tree`; `differences` takes `expected` and the findings.

    `pending` are the other pending series.
    """

    series: Series
    tree: Tree
    expected: tuple[Expected, ...]
    pending: tuple[Series, ...] = ()


class MalformedExampleError(ValueError):
    """An example that does not follow the notation. The text names the line."""


def load(example: Example) -> LoadedExample:
    """Parse an example. Raises MalformedExampleError, which names the line."""
    reader = _Reader(example.name)
    pending: list[_Reader] = []
    for number, text in enumerate(example.text.split("\n"), 1):
        if not text.strip():
            continue
        margin, bar, body = text.partition("|")
        if not bar:
            raise MalformedExampleError(f"{example.name}, line {number}: the line has no `|`")
        body = body.removeprefix(" ")
        if body.startswith("pending "):
            pending.append(_Reader(example.name, reader.base))
            body = body.replace("pending ", "patch ", 1)
        try:
            (pending[-1] if pending else reader).take(read_margin(margin.strip()), body)
        except ValueError as error:
            raise MalformedExampleError(f"{example.name}, line {number}: {error}") from error
    return replace(reader.finish(), pending=tuple(other.finish().series for other in pending))


@dataclass(slots=True)
class _File:
    """A file change under construction. A hunk is its start, its heading, and its lines with their marks.

    `without_newline` has the sides, `-` and `+`, whose last line has no line ending.
    """

    before: str | None
    after: str | None
    whole: bool
    hunks: list[tuple[int | None, str, list[tuple[Mark | None, str]]]] = field(default_factory=list)
    without_newline: set[str] = field(default_factory=set)


class _Reader:
    """Reads the lines of an example, and knows the patch, file and hunk that a line belongs to."""

    def __init__(self, name: str, base: dict[str, list[str]] | None = None) -> None:
        self.name = name
        self.base: dict[str, list[str]] = {} if base is None else base
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
            raise ValueError("no `patch`, `tree` or `diff` above this line")

    def finish(self) -> LoadedExample:
        self._close_patch()
        series = Series(self.patches[0].subject, tuple(self.patches)) if self.patches else Series("", ())
        files = {path: _joined(lines) for path, lines in self.base.items()}
        return LoadedExample(series, FileTree(files), tuple(self.expected))

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
            file.without_newline.update({"+": "+", "-": "-"}.get(file.hunks[-1][2][-1][1][0], "+-"))
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
        if file.before is not None and known is not None and not file.without_newline:
            blob = blob_id(_joined(known))
        hunks: list[Hunk] = []
        shift = 0
        result = list(known) if known is not None else None
        for number, (start, heading, lines) in enumerate(file.hunks):
            pre = [body[1:] for _, body in lines if body[0] != "+"]
            post = [body[1:] for _, body in lines if body[0] != "-"]
            if start is None:
                start = _locate(known, pre) if known is not None else _UNKNOWN_LINE * (number + 1)  # noqa: PLW2901
            after_start = start + shift + bool(post and not pre) - bool(pre and not post)
            hunks.append(self._hunk(file, lines, start, after_start, heading))
            if result is not None:
                index = start + shift - 1 if pre else start + shift
                result[index : index + len(pre)] = post
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
            ends_without_newline_before="-" in file.without_newline,
            ends_without_newline_after="+" in file.without_newline,
        )

    def _pre_image(self, file: _File) -> list[str] | None:
        """Return the lines before the patch, or None if the example does not show them."""
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
        before, after = before_start, after_start
        for mark, body in lines:
            marker = body[0]
            side, number = ("pre", before) if marker == "-" else ("post", after)
            self._expect(mark, file.after or file.before or "", side, number)
            before += marker != "+"
            after += marker != "-"
        before_count, after_count = before - before_start, after - after_start
        text = "".join(f"{body}\n" for _, body in lines)
        return Hunk(before_start, before_count, after_start, after_count, heading, text)

    def _expect(self, mark: Mark | None, path: str, side: str, line: int) -> None:
        if mark is not None:
            self.expected.append(
                Expected(self.index, path, side, line, mark.count, mark.severity, mark.confidence, mark.fixed)
            )


def _joined(lines: list[str]) -> bytes:
    return "".join(line + "\n" for line in lines).encode("utf-8", "surrogateescape")


def _locate(known: list[str], pre: list[str]) -> int:
    """Return the line, from 1, of the only place of the hunk's pre-image in the file."""
    if not pre:
        return len(known)
    places = [index for index in range(len(known) - len(pre) + 1) if known[index : index + len(pre)] == pre]
    if len(places) != 1:
        raise MalformedExampleError(f"a hunk matches {len(places)} places of its file; add its line: @@ LINE @@")
    return places[0] + 1

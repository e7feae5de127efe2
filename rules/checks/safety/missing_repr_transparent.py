# SPDX-License-Identifier: GPL-2.0-or-later
"""A comment calls a type transparent, but the type has no `#[repr(transparent)]`.

## What it flags

An added comment in the code that calls a struct of the same file `repr(transparent)` or a transparent wrapper, if the
struct has no `repr` at all.

## Why

Without the attribute the layout of a Rust struct is not defined, even if it has a single field. A cast between the
wrapper and the wrapped type is then undefined behaviour, and the comment that justifies the cast is wrong.

## How to fix

Add `#[repr(transparent)]` to the struct, or do not cast.

## What it does not flag

Conditions such as "if `T` is transparent", structs with any `repr`, structs of other files, in macros, or that the
hunks do not show, and statements in documentation.
"""

from collections.abc import Iterator

from rules.analysis.view import FileView
from rules.finding import Diagnostic, Evidence, Severity
from rules.lazy import re
from rules.lint.evidence import MessageId
from rules.lint.rule import Example, Rule, Status, Trigger
from rules.source.rust.comments import CommentBlock
from rules.source.rust.source import RustSource

_CLAIM = re.compile(
    r"(?<![Ii]f )(?<![Oo]nce )(?<![Ww]hen )(?<![Uu]ntil )(?<![Uu]nless )(?<!hether )"  # a condition claims nothing
    r"(?:\[?`(?P<quoted>[^`]+)`\]?|(?<![\w`$#])(?P<plain>Self|[A-Z]\w+))"
    r" (?:type )?(?:is|being) (?:a |an )?"
    r"(?:`?#?\[?repr\(transparent\)?|transparent(?=\W*\Z|[.,;:)]| (?:wrapper|newtype|over|around|and|so)\b))"
)
_NAME = re.compile(r"(?:(?P<module>\w+)::)?(?P<name>[A-Z]\w*)(?:<.*>)?\Z")
_ATTRIBUTE = r"#\[(?:[^\[\]]|\[[^\[\]]{0,200}\]){0,400}\]\s*"
_STRUCT_START = re.compile(r"#\[|pub|struct")  # a search for the whole expression would try it everywhere
_STRUCT = re.compile(
    rf"(?P<attributes>(?:{_ATTRIBUTE}){{0,12}})(?P<item>\b(?:pub(?:\s*\([^)]{{0,80}}\))?\s+)?struct\s+(?P<name>\w+))"
)


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each struct that a comment calls transparent, and that has no `repr`."""
    structs: dict[str, int] | None = None
    reported: set[str] = set()
    may_add_struct = file.adds("struct", "pub")
    for source in file.sources_with(b"ransparent"):
        if not _may_claim(source.text):
            continue
        for comment in source.comment_blocks_with("transparent"):
            if source.text.find("transparent", comment.start, comment.end) < 0:  # most have no such word
                continue
            is_new = any(number in file.new_lines for number, _ in comment.lines)
            if not is_new and not may_add_struct:
                continue
            name = _claimed_name(file, source, comment)
            if name is None or name in reported:
                continue
            structs = _plain_structs(file) if structs is None else structs
            line = structs.get(name)
            if line is None:
                continue
            if is_new or line in file.new_lines:
                reported.add(name)
                message = (
                    f"A comment calls `{name}` transparent, but it has no `#[repr(transparent)]`. Without it, "
                    f"nothing guarantees that its layout is that of its field, as a cast assumes."
                )
                quoted = tuple(source.line_text(number).strip() for number, _ in comment.lines)
                evidence = (Evidence(f"{file.path}:{comment.first_line}", quoted),)
                place = line if line in file.new_lines else comment.first_line
                yield file.report(place, message, evidence=evidence, lines=(line, comment.first_line))


def _may_claim(text: str) -> bool:
    """Return whether a comment may have the word `transparent`. Most texts have it in attributes only."""
    return "/*" in text or any("transparent" in line and "//" in line for line in text.split("\n"))


def _claimed_name(file: FileView, source: RustSource, comment: CommentBlock) -> str | None:
    """Return the name of the type that the comment calls transparent, None if there is none of this file."""
    words = " ".join([text for _, text in comment.lines])
    claim = _CLAIM.search(words)
    match = _NAME.match(claim["quoted"] or claim["plain"]) if claim else None
    if match is None:
        return None
    if match["name"] == "Self":
        return source.structure.self_type(comment.start)
    if match["module"] and match["module"] not in file.path.removesuffix(".rs").split("/")[-2:]:
        return None
    return match["name"]


def _plain_structs(file: FileView) -> dict[str, int]:
    """Return the lines of the structs without any `repr`, by name. A name that occurs twice is left out."""
    plain: dict[str, int] = {}
    seen: set[str] = set()
    for source in file.post_rust:
        for match in _find_structs(source.code):
            is_cut = not file.confidence.rank > 1 and source.line(match.start()) == source.first_line
            if match["name"] in seen or "repr" in match["attributes"] or is_cut:
                plain.pop(match["name"], None)
            else:
                plain[match["name"]] = source.line(match.start("item"))
            seen.add(match["name"])
    return plain


def _find_structs(code: str) -> Iterator[re.Match[str]]:
    end = 0
    for start in _STRUCT_START.finditer(code):
        if start.start() >= end and (match := _STRUCT.match(code, start.start())) is not None:
            yield match
            end = match.end()


EXAMPLES = (
    Example(
        "a comment without the attribute",
        """
          | diff rust/kernel/led.rs (new)
          | +/// A light.
          | +#[pin_data]
        ! | +pub struct Led(Opaque<bindings::led>);
          | +impl Led {
          | +    fn from_raw<'a>(ptr: *mut bindings::led) -> &'a Self {
          | +        // SAFETY: `ptr` is valid, and `Self` is
          | +        // `repr(transparent)`.
          | +        unsafe { &*ptr.cast() }
          | +    }
          | +}
        """,
    ),
    Example(
        "the struct existed before",
        """
          | diff rust/kernel/led.rs (whole)
          |  pub struct Led<T>(Opaque<bindings::led>, PhantomData<T>);
          |  fn from_raw(ptr: *mut bindings::led) {
        ! | +    // CAST: `Led<T>` is a transparent wrapper of `bindings::led`.
          | +    let led = ptr.cast::<Led>();
          |  }
        """,
    ),
    Example(
        "a later patch that adds the attribute",
        """
          | patch rust: led: cast the pointer
          | diff rust/kernel/led.rs (whole)
          |  pub struct Led<T>(Opaque<bindings::led>, PhantomData<T>);
          |  fn from_raw(ptr: *mut bindings::led) {
  ! fixed | +    // CAST: `Led<T>` is a transparent wrapper of `bindings::led`.
          | +    let led = ptr.cast::<Led>();
          |  }
          | patch rust: led: make it transparent
          | diff rust/kernel/led.rs
          | +#[repr(transparent)]
          |  pub struct Led<T>(Opaque<bindings::led>, PhantomData<T>);
          |  fn from_raw(ptr: *mut bindings::led) {
        """,
    ),
    Example(
        "with the attribute, in another file, or with another layout",
        """
          | diff rust/kernel/led.rs (new)
          | +#[repr(transparent)]
          | +#[derive(Clone)]
          | +pub(crate) struct Led(Opaque<bindings::led>);
          | +#[repr(C)]
          | +struct Name(u8);
          | +/// `Doc` is transparent.
          | +struct Doc(u8);
          | +fn f() {
          | +    // SAFETY: `Led` is transparent, `Name` is `repr(transparent)`.
          | +    unsafe { f() };
          | +    // SAFETY: `Name` is `repr(transparent)`.
          | +    unsafe { f() };
          | +    // TODO: Once `Doc` is `repr(transparent)`, cast it. Nothing shows where `Doc` is transparent to light.
          | +    f();
          | +    // SAFETY: `usb::Doc` is a transparent wrapper; `Doc` being seen, it is not transparent.
          | +    unsafe { f() };
          | +}
        """,
    ),
)

RULE = Rule(
    id="missing-repr-transparent",
    summary="A struct that a comment calls transparent has no `#[repr(transparent)]`",
    severity=Severity.BUG,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(MessageId("CAPFo5VLC3QT3r2CYw8K7Nf7p7xhWJ0+PPTHYN=8a8QQeGiYfOg@mail.gmail.com"),),
    examples=EXAMPLES,
    check_file=check,
    trigger=Trigger(adds=("ransparent", "struct "), mentions=("ransparent",)),
)

# SPDX-License-Identifier: GPL-2.0-or-later
"""An unsafe block contains safe code, or an `if` converts a result as `to_result` does.

## What it flags

Three forms that a patch adds:

- a block whose whole content, apart from safe `let`s at its beginning, is `to_result(..)`, `drop(..)`, `Some(..)`,
  `Ok(..)`, `Err(..)` or `!f(..)`;
- a block that begins with a `let` with a safe value: names, fields, literals, casts, references, and calls such as
  `.len()`, `.as_ptr()` and `ptr::null()`;
- `let ret = unsafe { f(x) };` with `if ret < 0 { return Err(Error::from_errno(ret)); }` as the only use of `ret`, or
  with an `if` and `else` whose values are `Err(Error::from_errno(ret))` and `Ok(())`.

## Why

An unsafe block should contain the unsafe operation and nothing else. Then it is clear what the `SAFETY:` comment
justifies, and no other unsafe code can get into the block unnoticed.

## How to fix

Move the safe code out: `to_result(unsafe { f(x) })?`.

## What it does not flag

- Other blocks with more than one expression, macros and doctests.
- A `let` that reads a variable of C, or a field of a field, which may belong to a union.
- An `if` whose result is used or named later, or whose function does not end in the hunks.
- Code that the patch only moves or edits.
"""

from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache

from rules.analysis.introduced import Occurrence, introduced, occurrence
from rules.analysis.view import FileView
from rules.finding import Diagnostic, Severity
from rules.lazy import re
from rules.lint.evidence import MessageId
from rules.lint.rule import Example, Rule, Status, Trigger
from rules.source.rust.source import RustSource
from rules.source.rust.tokens import find_words

_MAX_HEAD = 200  # characters before an unsafe block that are searched for its `let`
_LET = re.compile(r"\s*let\s+(?:mut\s+)?\w+\s*(?::[^=;]*)?=(?P<value>[^;{}]*);")
_SAFE_PART = re.compile(
    r"\bas\s+\*(?:mut|const)\b|"
    r"\b(?:len|as_ptr|as_mut_ptr|as_char_ptr|null|null_mut|size_of|align_of|cast)(?:::<[\w\s:]*>)?\(\s*\)"
)
_MAY_BE_UNSAFE = re.compile(r"[(\[*!]|\bunsafe\b|\b[A-Z][A-Z0-9_]+\b|__bindgen|\.\s*+\w++\s*+\.\s*+\w")
_C_VARIABLE = re.compile(r"[\s&]*+(?:(?:kernel|crate)\s*+::\s*+)?bindings\s*+::\s*+[a-z_]")
_NAME = re.compile(r"(?<![\w'])\w++")  # not that of a lifetime
_UNSAFE_LET = re.compile(r"\blet\s++(?P<name>\w++)\s*+(?::[^=;]{0,60}+)?=\s*+unsafe\s*+\Z")
_ERROR = r"Err\(\s*+(?:\w+\s*+::\s*+)*from_errno\(\s*+(?P=name)\s*+\)\s*+\)\s*+"
_ELSE = r"\}\s*+else\s*+\{\s*+"
_OK = r"Ok\(\(\)\)\s*+"
_CONDITION = re.compile(
    r"if(?<=\bif)\s++(?P<name>\w+)\s*+(?:<|!=)\s*+0\s*+\{\s*+return\s++" + _ERROR + r"(?:;\s*+)?\}(?!\s*+else\b)"
)
_CHOICE = re.compile(
    r"if(?<=\bif)\s++(?P<name>\w+)\s*+(?:"
    + (r"(?:<|!=)\s*+0\s*+\{\s*+" + _ERROR + _ELSE + _OK + r"\}")
    + (r"|(?:==|>=)\s*+0\s*+\{\s*+" + _OK + _ELSE + _ERROR + r"\}")
    + r")"
)
_OF_ZERO = "== 0: "  # before the key of a condition that compares with zero only: a positive result is an error to it
_WRAPPER = re.compile(
    r"(?:(?:kernel|crate|core|error|mem)\s*::\s*)*(?P<name>to_result|drop|Some|Ok|Err)\s*(?=\()|(?P<not>!)\s*\w"
)
_START = r"(?:let\b|/|!|(?>(?:kernel|crate|core|error|mem)\s*+::\s*+)*+(?:to_result|drop|Some|Ok|Err)\s*+\()"
_MAY_BE_SAFE = re.compile(_START)  # safe code, or a comment before it
_MAY_HAVE_SAFE = re.compile(r"unsafe\s*+(?:/|\{\s*+" + _START + ")")


def check(file: FileView) -> Iterator[Diagnostic]:
    """Report each added block that contains safe code, and each added condition that `to_result` can replace."""
    for block in introduced(file, "unsafe", _blocks):
        message = f"`{block.key}` is safe. Please move it out of the unsafe block."
        yield file.report(block, message, confidence=block.confidence, scope=block.scope)
    if file.adds("from_errno"):
        for condition in introduced(file, "from_errno", _conditions):
            call = condition.key.removeprefix(_OF_ZERO)
            if call == condition.key:
                message = f"`{call}` does the same as this `if`."
            else:
                message = f"`{call}` does the same as this `if`, if the C function never returns a positive number."
            yield file.report(condition, message, confidence=condition.confidence)


def _blocks(source: RustSource) -> Iterator[Occurrence]:
    for site in source.unsafe_code_where(lambda part: _MAY_HAVE_SAFE.search(part.text) is not None).sites:
        if site.kind == "block" and site.setting == "code" and (name := _safe_code(site.body)):
            yield Occurrence(name, site.line, site.column, site.scope, site.confidence)


@lru_cache(512)  # the blocks of a file are read again in each patch that changes it
def _safe_code(body: str) -> str | None:
    """Return the name of the safe code in a block for a message, None if there is none."""
    body = body.strip()
    if not _MAY_BE_SAFE.match(body):
        return None
    text = RustSource(body).code.strip()
    rest = text
    while "let" in rest and (let := _LET.match(rest)) and _is_safe(let["value"]):
        rest = rest[let.end() :]
    if name := _wrapper(rest.removesuffix(";").strip()):
        return name
    return "let" if rest and rest != text else None


def _is_safe(value: str) -> bool:
    """Return whether nothing in a value looks unsafe. To read a variable of C or a field of a union is unsafe."""
    return not _C_VARIABLE.match(value) and not _MAY_BE_UNSAFE.search(_SAFE_PART.sub("", value))


def _conditions(source: RustSource) -> Iterator[Occurrence]:
    """Yield the conditions that only turn a negative result into an error, with what can replace them as their key."""
    found = (match for form in (_CONDITION, _CHOICE) for match in form.finditer(source.code))
    conditions = [match for match in found if _follows_unsafe_let(source, match)]
    offsets: dict[str, list[int]] = {match["name"]: [] for match in conditions}
    for offset in find_words(source.text, offsets.keys()):  # also in strings, such as "{ret}"
        name = _NAME.match(source.text, offset)
        if name is not None and name[0] in offsets:
            offsets[name[0]].append(offset)
    for match in conditions:
        function = source.structure.function(match.start())
        end = None if function is None else function[1]
        if end is not None:
            uses = offsets[match["name"]]
            if bisect_left(uses, match.end()) == bisect_left(uses, end):
                sign = "?" if "return" in match[0] else ""
                kind = _OF_ZERO if "!=" in match[0] or "==" in match[0] else ""
                yield occurrence(f"{kind}to_result(unsafe {{ .. }}){sign}", source, match.start())


def _follows_unsafe_let(source: RustSource, condition: re.Match[str]) -> bool:
    """Return whether the statement above the condition gives its name the value of an unsafe block."""
    code = source.code
    before = _last_before(code, condition.start())
    before = _last_before(code, before) if code[before : before + 1] == ";" else before
    opening = source.structure.opening(before)
    let = None if opening is None else _UNSAFE_LET.search(code, max(0, opening - _MAX_HEAD), opening)
    return let is not None and let["name"] == condition["name"]


def _last_before(code: str, offset: int) -> int:
    """Return the offset of the last character before an offset that is not a blank, -1 if there is none."""
    while offset > 0 and code[offset - 1].isspace():
        offset -= 1
    return offset - 1


def _wrapper(text: str) -> str | None:
    """Return the safe call if it is the whole text, otherwise None."""
    match = _WRAPPER.match(text)
    if match is None:
        return None
    if match["not"]:
        return "!" if re.match(r"!\s*[\w:]+\s*\(", text) and _is_one_call(text) else None
    return f"{match['name']}(..)" if _is_one_call(text) else None


def _is_one_call(text: str) -> bool:
    """Return whether the first parenthesis of the text closes at the end of the text, before any `?`."""
    source = RustSource(text.rstrip("? \n"))
    opening = source.code.find("(")
    closing = source.structure.closing(opening)
    return closing is not None and closing == len(source.code) - 1


EXAMPLES = (
    Example(
        "safe statements before the unsafe statement",
        """
          | diff rust/kernel/led.rs (new)
          | +fn on(led: &Led) -> Result {
          | +    // SAFETY: `led` is valid.
        ! | +    unsafe {
          | +        let raw = led.raw as *mut u8;
          | +        let len = led.name.len();
          | +        bindings::led_name(raw, len)
          | +    };
          | +    // SAFETY: `led` is valid.
        ! | +    unsafe {
          | +        let raw = led.raw;
          | +        to_result(bindings::led_on(raw))
          | +    }
          | +}
        """,
    ),
    Example(
        "a condition that only converts the result",
        """
          | diff rust/kernel/led.rs (new)
          | +fn on(led: &Led) -> Result {
          | +    // SAFETY: `led` is valid.
          | +    let ret = unsafe { bindings::led_on(led.raw) };
        ! | +    if ret < 0 {
          | +        return Err(Error::from_errno(ret));
          | +    }
          | +    Ok(())
          | +}
          | +
          | +fn off(led: &Led) -> Result {
          | +    // SAFETY: `led` is valid.
          | +    let ret: kernel::ffi::c_int = unsafe { bindings::led_off(led.raw) };
        ! | +    if ret != 0 {
          | +        return Err(Error::from_errno(ret));
          | +    }
          | +    Ok(())
          | +}
        """,
    ),
    Example(
        "a choice that only converts the result",
        """
          | diff rust/kernel/led.rs (new)
          | +fn on(led: &Led) -> Result {
          | +    // SAFETY: `led` is valid.
          | +    let ret = unsafe { bindings::led_on(led.raw) };
        ! | +    if ret != 0 {
          | +        Err(Error::from_errno(ret))
          | +    } else {
          | +        Ok(())
          | +    }
          | +}
          | +
          | +fn off(led: &Led) -> Result {
          | +    // SAFETY: `led` is valid.
          | +    let ret = unsafe { bindings::led_off(led.raw) };
        ! | +    if ret == 0 {
          | +        Ok(())
          | +    } else {
          | +        Err(kernel::error::Error::from_errno(ret))
          | +    }
          | +}
          | +
          | +fn level(led: &Led) -> Result<u32> {
          | +    // SAFETY: `led` is valid.
          | +    let ret = unsafe { bindings::led_level(led.raw) };
          | +    if ret < 0 {
          | +        Err(Error::from_errno(ret))
          | +    } else {
          | +        Ok(ret)
          | +    }
          | +}
        """,
    ),
    Example(
        "safe calls around the unsafe call",
        """
          | diff rust/kernel/led.rs (new)
          | +fn on(led: *mut u8) -> Result {
          | +    // SAFETY: `led` is valid.
        ! | +    unsafe { to_result(bindings::led_on(led)) }?;
          | +    // SAFETY: `led` is valid.
        ! | +    let busy = unsafe { !bindings::led_idle(led) };
          | +    // SAFETY: `led` is valid.
        ! | +    unsafe {
          | +        Ok(bindings::led_level(
          | +            led
          | +        ))
          | +    }
          | +}
        """,
    ),
    Example(
        "only the unsafe operation, or more than a call",
        """
          | diff rust/kernel/led.rs (new)
          | +fn on(led: *mut u8) -> Result {
          | +    // SAFETY: `led` is valid.
          | +    to_result(unsafe { bindings::led_on(led) })?;
          | +    // SAFETY: `led` is valid.
          | +    let x = unsafe { Some(*led).map(|x| bindings::led_of(x)) };
          | +    // SAFETY: `led` is valid.
          | +    unsafe {
          | +        let ret = bindings::led_on(led);
          | +        to_result(ret)
          | +    }
          | +    // SAFETY: `led` is valid.
          | +    let ret = unsafe { bindings::led_level(led) };
          | +    if ret < 0 {
          | +        return Err(Error::from_errno(ret));
          | +    }
          | +    level(ret);
          | +}
          | +
          | +fn off(led: *mut u8) -> Result {
          | +    // SAFETY: `led` is valid.
          | +    let ret = unsafe { bindings::led_off(led) };
          | +    if ret < 0 {
          | +        return Err(Error::from_errno(ret));
          | +    }
          | +    pr_debug!("off: {ret}");
          | +    Ok(())
          | +}
          | +
          | +fn is_off(led: *mut u8) -> bool {
          | +    // SAFETY: `led` is valid.
          | +    let y = unsafe { !*led };
          | +}
        """,
    ),
    Example(
        "variables of C, fields that may belong to a union, and casts to C types",
        """
          | diff rust/kernel/led.rs (new)
          | +fn on(led: &Led) -> u32 {
          | +    // SAFETY: `led` is valid.
          | +    unsafe {
          | +        let now = kernel::bindings::jiffies;
          | +        bindings::led_on(led.raw, now)
          | +    }
          | +    // SAFETY: The light has one color.
          | +    unsafe {
          | +        let color = led.state.color;
          | +        bindings::led_color(led.raw, color)
          | +    }
          | +    // SAFETY: `led` is valid.
        ! | +    unsafe {
          | +        let raw = led as *mut bindings::led;
          | +        bindings::led_get(raw)
          | +    }
          | +}
        """,
    ),
    Example(
        "existing code, only edited",
        """
          | diff rust/kernel/led.rs
          |  fn on(led: *mut u8) -> Result {
          |      // SAFETY: `led` is valid.
          | -    unsafe { to_result(bindings::led_on(led as _)) }
          | +    unsafe { to_result(bindings::led_on(led.cast())) }
          |  }
        """,
    ),
)

RULE = Rule(
    id="safe-wrapper-in-unsafe",
    summary="Safe code inside an unsafe block that could be outside of the block",
    severity=Severity.NIT,
    status=Status.STABLE,
    doc=__doc__ or "",
    evidence=(
        MessageId("CAJ-ks9kwVz4sPdmqfTLVK-Z2C7WmXHpBhbe5_ozWBZnwxJ8HpA@mail.gmail.com"),
        MessageId("Z6SlRZouQ-nPH2EP@pollux"),
        MessageId("20240717221133.459589-1-benno.lossin@proton.me"),
    ),
    examples=EXAMPLES,
    check_file=check,
    trigger=Trigger(adds=("unsafe",)),
    tier=2,
)

# SPDX-License-Identifier: GPL-2.0-or-later
"""Subjects of patch mails in the form that git format-patch writes, whatever tool or person wrote them."""

from functools import lru_cache
from typing import Final

from rules.lazy import re

MAX_SUBJECT: Final = 400
"""Characters of a subject that are read."""

_MAX_TAG: Final = 120
_MAX_TAG_WORDS: Final = 8
_USUAL: Final = re.compile(
    r"\[(?:(?!(?:patch|rfc)[-/])[a-z]++(?>-[a-z]++)*+|v\d++|\d++/\d++)(?> (?:[a-z]++|v\d++|\d++/\d++))*+\] "
    r"(?!v?\d|part |re-?send|re-?post|(?:version|rev|revision|take)[ .#:_-]{0,2}\d)[^\[\](){}]*(?<!\d)",
    re.IGNORECASE | re.ASCII,
)
# Most subjects with a revision, or with parentheses in a title. It does not begin or end in what may belong to a tag.
_PLAIN: Final = re.compile(
    r"\[(?:rfc )?patch(?: (?!patch|rfc)[a-z]{1,20}(?:-[a-z]{1,20}){0,2})?(?: (?-i:v)[1-9]\d{0,3})?"
    r"(?: \d{1,4}/\d{1,4})?\] (?!patch|part |rfc|re|v|take)[a-z](?: ?[!-Z\\^-z|~])*(?<![\d)])",
    re.IGNORECASE | re.ASCII,
)
_CLOSING: Final = {"[": "]", "(": ")", "{": "}", "<": ">"}
_SEPARATORS = re.compile(r"[,;|:]")
_REVISION: Final = r"(?:v|ver|version|rev|revision|take)[ .#:_-]{0,2}(\d{1,5})"
_REVISION_WORD = re.compile(rf"(?<![\w./]){_REVISION}(?![\w/]|\.\d)", re.IGNORECASE)
_COUNT_WORDS = re.compile(
    r"(?<![\w./])(?:#|no\.? ?|part )?(\d{1,4})(?: ?[/\\|] ?|[ _-]?(?:out[ _-]?)?of[ _-]?)#?(\d{1,4})(?![\w/]|\.\d)",
    re.IGNORECASE,
)
_JOINED = re.compile(r"(?<![a-z])(patch|rfc|resend)[-_./]?(?=v?\d|#|patch|rfc|resend)", re.IGNORECASE)
_JOINED_REVISION = re.compile(r"(?<![\w.])(v\d{1,5})[-_](?=\d{1,4} ?[/\\] ?\d)", re.IGNORECASE)
_MAY_BEGIN_TAG = re.compile(r"[\[,;|: ]*+(?:patch|part|rfc|re-?send|re-?post|v|rev|take|[#\d])", re.IGNORECASE)
_MARKER = re.compile(r"patch(?:es)?|rfc|re-?send|re-?post|v\d{1,5}|\d{1,4}/\d{1,4}", re.IGNORECASE)
_COUNTER = re.compile(r"\d{1,4}/\d{1,4}")
_PATCH = re.compile(r"patch", re.IGNORECASE)
_STATED = re.compile(r"v\d{1,5}(?:\.\d{1,4})?", re.IGNORECASE)
# As Chinese and Japanese keyboards write brackets and ASCII, other slashes, and characters without a width.
_WIDE: Final = {code: code - 0xFF01 + ord("!") for code in range(0xFF01, 0xFF5F)} | str.maketrans(
    "\u3010\u3011\u3014\u3015\u2044\u2215\u00a0\u3000",
    "[][]//  ",
    "\u200b\u200c\u200d\ufeff",
)
_BRACKETS: Final = dict.fromkeys(map(ord, "[](){}<>"), " ")
_BRACKET_AT_END = re.compile(r"(?<![ ,])[ ,]*+[(\[{]([^()\[\]{}]{1,40})[)\]}]\Z")
_REVISION_AT_END = re.compile(rf"(?:,| -) ?({_REVISION})\Z", re.IGNORECASE)
_RESEND = re.compile(r"re-?(?:send|post)", re.IGNORECASE)
_AT_END: Final = _STATED, _COUNTER, _RESEND
_WORD = re.compile(r"\w+")
_EARLIER_TITLE = re.compile(r"[(\[] ?(?:was|formerly|previously)[: ].*")
_REPEATED = re.compile(r"v\d{1,4}|rese(?:nd|nt)|repost(?:ed)?|rebased?|updated")
_VERSIONS: Final = frozenset(["v", "ver", "version", "rev", "revision", "take", "try", "round", "attempt"])
_ORDINAL = re.compile(r"\d{1,3}(?:nd|rd|th)|second|third|fourth|fifth|new|v\d{1,4}")


@lru_cache(4096)
def usual_subject(subject: str) -> str:
    """Return the subject with its tags, counter and revision in one bracket: `[PATCH net v2 1/2] title`.

    Tags may be separated by commas, a counter may read `1 of 2`, a bracket may be lost, of another shape or missing,
    and a counter and revision may stand after the title. A subject without any of that is returned as it is. At the
    end of a title, a counter needs a bracket before it, and a revision a bracket, comma or dash. Without it they belong
    to the title: "cgroup v2".
    """
    subject = subject[:MAX_SUBJECT]
    if _is_plain(subject) or _USUAL.fullmatch(subject) or _PLAIN.fullmatch(subject):
        return subject
    plain = subject if subject.isascii() else subject.translate(_WIDE)
    tags, title = _split(" ".join(plain.split()).lstrip("] "))
    words = list(dict.fromkeys(word for tag in tags for word in _words_of_tag(tag)))
    if not words:
        return subject
    for end in (_BRACKET_AT_END, _BRACKET_AT_END, _REVISION_AT_END):
        words, title = _move_from_end(end, words, title)
    return f"[{' '.join(words)}] {title}".rstrip()


def _is_plain(subject: str) -> bool:
    """Return whether a subject is what `_USUAL` describes, and has letters and a counter alone in its tag."""
    tag, bracket, title = subject.partition("] ")
    return (
        bool(bracket)
        and tag.startswith("[")
        and tag.isascii()
        and all(map(_is_tag_word, tag[1:].split(" ")))
        and _BRACKETS.keys().isdisjoint(map(ord, title))
        and not (title[:1].isdigit() or title[-1:].isdigit())
        and not title.lower().startswith(("v", "re", "take", "part "))
    )


def _is_tag_word(word: str) -> bool:
    number, _, expected = word.partition("/")
    return word.isalpha() or (number.isdecimal() and expected.isdecimal())


def count_and_title(subject: str) -> tuple[int, str]:
    """Return how many patches the subject of a part announces, and its title; 0 for other subjects and replies."""
    tag, _, title = usual_subject(subject).partition("]")
    if not tag.startswith("["):
        return 0, ""
    counters = (word for word in tag.removeprefix("[").split() if _COUNTER.fullmatch(word))
    return int(next(counters, "0/0").partition("/")[2]), title.strip()


def _move_from_end(end: re.Pattern[str], words: list[str], title: str) -> tuple[list[str], str]:
    """Return the words of the tag with the counter, revision and `RESEND` that the title ends in, and the rest of it.

    What the tag has already belongs to the title.
    """
    found = end.search(title)
    more = _words_of_tag(found[1]) if found is not None and found.start() else []
    kinds = [next((kind for kind in _AT_END if kind.fullmatch(word)), None) for word in more]
    if found is None or not more or not all(kind and not any(map(kind.fullmatch, words)) for kind in kinds):
        return words, title
    return words + more, title[: found.start()]


def _split(subject: str) -> tuple[list[str], str]:
    """Return the insides of the brackets that a subject begins with, also of incomplete ones, and the title."""
    tags: list[str] = []
    title = subject
    while len(tags) < _MAX_TAG_WORDS:
        bracket = _bracket(title) or _half_bracket(title, is_tagged=bool(tags))
        if bracket is None:
            break
        tags.append(bracket[0])
        title = bracket[1]
    return tags, title


def _bracket(text: str) -> tuple[str, str] | None:
    """Return the inside of the bracket that the text begins with, and what follows."""
    closing = _CLOSING.get(text[:1], "")
    end = text.find(closing, 1, _MAX_TAG) if closing else -1
    inside = text[1:end].replace("[", " ")
    if end < 0 or (closing != "]" and not _has_marker(inside)) or not inside.strip():
        return None
    return inside, text[end + 1 :].lstrip(" ]:")


def _half_bracket(text: str, *, is_tagged: bool) -> tuple[str, str] | None:
    """Return the tag that the text begins with though a bracket of it is lost, and what follows.

    Without any bracket the tag must name a patch, unless one stood before, and a counter, colon or bracket must end it.
    """
    opened = text[:1] == "["
    end = text.find("]", 0, _MAX_TAG)
    head = text[int(opened) : end]
    if end > 0 and "[" not in head and ":" not in head and not opened and _has_marker(head):
        return (head, text[end + 1 :].lstrip()) if len(head.split()) <= _MAX_TAG_WORDS else None
    if not _MAY_BEGIN_TAG.match(text):
        return None
    words = text[int(opened) :].split()
    taken, length = "", 0
    for count in range(1, min(len(words), _MAX_TAG_WORDS) + 1):
        candidate = " ".join(words[:count]).translate(_BRACKETS)
        if all(_MARKER.fullmatch(word) for word in _words_of_tag(candidate)) and _words_of_tag(candidate):
            taken, length = candidate, count
    if not taken:
        return None
    tag_words = _words_of_tag(taken)
    names_patch = is_tagged or any(_PATCH.match(word) for word in tag_words)
    is_ended = opened or words[length - 1].endswith((":", "]")) or any(map(_COUNTER.fullmatch, tag_words))
    if not names_patch or not is_ended:
        return None
    return taken, " ".join(words[length:])


def _words_of_tag(tag: str) -> list[str]:
    """Return the words of a tag, each counter and revision as one."""
    text = _JOINED_REVISION.sub(r"\1 ", _JOINED.sub(r"\1 ", _JOINED.sub(r"\1 ", tag)))
    text = _COUNT_WORDS.sub(lambda match: f" {match[1]}/{match[2]} ", text)
    text = _REVISION_WORD.sub(lambda match: f" v{int(match[1])} ", text)
    return _SEPARATORS.sub(" ", text).translate(_BRACKETS).split()


def _has_marker(text: str) -> bool:
    words = _words_of_tag(text)
    is_marked = any(_PATCH.match(word) or _COUNTER.fullmatch(word) for word in words)
    return is_marked or (bool(words) and all(_STATED.fullmatch(word) for word in words))


def title_words(title: str) -> str:
    """Return the words of a title in lower case, without its revision and `(was: the title of an earlier one)`."""
    words = _WORD.findall(_EARLIER_TITLE.sub("", title.lower()))
    while len(words) > 1 and (count := _revision_words(words[-2], words[-1])):
        del words[-count:]
    if len(words) > 1 and _REPEATED.fullmatch(words[0]):
        del words[0]
    return " ".join(words)


def _revision_words(before: str, last: str) -> int:
    """Return how many of the last two words of a title name a revision: `v2`, `version 2`, `2nd try`."""
    if _REPEATED.fullmatch(last):
        return 1
    has_number = last.isdecimal() and (before in _VERSIONS or _REPEATED.fullmatch(before) is not None)
    return 2 if has_number or (last in _VERSIONS and _ORDINAL.fullmatch(before) is not None) else 0

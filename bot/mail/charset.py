# SPDX-License-Identifier: GPL-2.0-or-later
"""Charsets of mails: the declared one if it is known and true, else UTF-8, else Latin-1. Never raises."""

from typing import Final

# Only plain tables: codecs that transform or raise (undefined, idna, utf-7, hex, zlib) are unsafe for mail.
_WIDER: Final = {
    "us-ascii": "ascii",
    "utf8": "utf-8",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "shift_jis": "cp932",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "iso-8859-8-i": "iso-8859-8",
    "windows-874": "cp874",
}
_KNOWN: Final = frozenset(
    [
        *("ascii", "utf-8", "gb18030", "big5", "cp949", "cp932", "cp1252", "cp874"),
        *("euc-jp", "iso-2022-jp", "koi8-r", "koi8-u"),
        *(f"iso-8859-{number}" for number in range(2, 17) if number != 12),
        *(f"windows-{number}" for number in range(1250, 1259)),
    ]
)


def decode(data: bytes, charset: str) -> str:
    """Decode the bytes. If the charset is unknown or wrong, UTF-8 is tried, then Latin-1.

    In text declared as UTF-8 with few errors, the invalid bytes become U+FFFD.
    """
    if data.isascii() and not charset.startswith("iso-2022"):
        return data.decode("ascii")
    name = charset.lower()
    name = _WIDER.get(name, name)
    for codec in (name, "utf-8") if name in _KNOWN else ("utf-8",):
        try:
            return data.decode(codec)
        except UnicodeDecodeError:
            continue
    return data.decode("utf-8", "replace") if name == "utf-8" and _mostly_utf8(data) else data.decode("latin-1")


def _mostly_utf8(data: bytes) -> bool:
    wrong = data.decode("utf-8", "replace").count("\ufffd")
    high = sum(len(run) for run in data.translate(None, bytes(range(128))).split())
    return wrong * 2 < high

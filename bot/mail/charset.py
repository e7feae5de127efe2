# SPDX-License-Identifier: GPL-2.0-or-later
"""Charsets of mails: the declared one if it is known and true, else UTF-8, else Latin-1. Never raises."""

from typing import Final

# Only plain tables: transforming or raising codecs (undefined, idna, utf-7, hex, zlib) never see a stranger's bytes.
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
    """The text of the bytes. A charset that is unknown or lies gives way to UTF-8, and that to Latin-1.

    Bytes declared as UTF-8 that are nearly so keep what is right; the wrong ones become U+FFFD.
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

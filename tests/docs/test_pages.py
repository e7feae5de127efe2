# SPDX-License-Identifier: GPL-2.0-or-later
"""README and docs: the review mail is real, links lead somewhere, settings exist, and every page is in the index."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(path for path in (*ROOT.glob("*.md"), *DOCS.rglob("*.md")))
_LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"^```.*?^```|^    .*?$|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def links(text: str) -> list[str]:
    """Return the targets in this repository, without their anchors."""
    targets = (target.partition("#")[0] for target in _LINK.findall(_CODE.sub("", text)))
    return [target for target in targets if target and "://" not in target]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page: Path) -> None:
    assert [target for target in links(page.read_text("utf-8")) if not (page.parent / target).exists()] == []


def test_a_link_is_seen() -> None:
    assert links("See [here](a/b.md#c), [there](https://example.org) and `[x](y)`.") == ["a/b.md"]


def test_every_page_is_in_the_index() -> None:
    linked = {(DOCS / target).resolve() for target in links((DOCS / "README.md").read_text("utf-8"))}
    pages = {page for page in PAGES if page.is_relative_to(DOCS) and page.parent.name != "adr"}

    assert pages - linked - {DOCS / "README.md"} == set()


def documented_settings() -> set[tuple[str, str]]:
    """Return table and name of each setting in the reference, and each table with the name ""."""
    reference = (DOCS / "reference" / "settings.md").read_text("utf-8")
    parts = re.split(r"^## \[+([a-z_.]+).*\]$", reference, flags=re.MULTILINE)
    tables = [(table.strip("."), rows) for table, rows in zip(parts[1::2], parts[2::2], strict=True)]
    names = {(table, name) for table, rows in tables for name in ("", *re.findall(r"^\| `(\w+)`", rows, re.MULTILINE))}
    return names | {(table, name) for table, _, name in (table.partition(".") for table, _ in tables)}


def mentioned_settings(text: str) -> list[tuple[str, str]]:
    """Return table and name of each setting in a text, and the tables alone with the name ""."""
    mentions = re.findall(r"`\[([a-z]+)\]\s(\w+)", text)
    mentions += [(table, name) for name, table in re.findall(r"`(\w+)` (?:in|of) `\[([a-z]+)\]`", text)]
    mentions += [(table, "") for table in re.findall(r"`\[([a-z]+)\]`", text)]
    for block in re.findall(r"^```toml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        for table, settings in tomllib.loads(block).items():
            if isinstance(settings, dict):
                values = settings.values() if table in {"lists", "people"} else [settings]
                mentions += [(table, name) for value in values for name in value]
    return mentions


_NO_SETTINGS = {"CHANGELOG.md", "use-an-editor.md"}
"""The history, and settings of editors."""


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if page.name not in _NO_SETTINGS and page.parent.name != "adr"],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_settings_have_the_names_of_the_reference(page: Path) -> None:
    known = documented_settings() | {("address", "")}  # what replaces addresses in reasons

    assert [mention for mention in mentioned_settings(page.read_text("utf-8")) if mention not in known] == []


def test_the_review_mail_of_the_readme_is_what_make_run_writes(tmp_path: Path) -> None:
    recipe = re.search(
        r"^run:.*\n\t@?\$\(BIN\)/patchwarden (run --once)", (ROOT / "Makefile").read_text(), re.MULTILINE
    )
    assert recipe
    command = [sys.executable, "-m", "bot", *recipe[1].split()]
    subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}, check=True)
    mails = [path.read_text("utf-8") for path in (tmp_path / "var" / "outbox").glob("*.eml")]

    blocks = re.findall(r"^```\n(.*?)^```$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)

    assert [block for block in blocks if block.startswith("From: ")] == [
        mail for mail in mails if "Subject: Re: [PATCH 0/3] rust: add abstractions for valves" in mail
    ]


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 165


def test_history_is_in_the_changelog_alone() -> None:
    past = re.compile(r"\b(?:used to|formerly|previously|older version|earlier version)\b", re.IGNORECASE)
    generated = {"mail-texts.md", "rules.md"}
    pages = [page for page in PAGES if page.name not in {"CHANGELOG.md", *generated} and page.parent.name != "adr"]

    assert [(page.name, match[0]) for page in pages for match in past.finditer(page.read_text("utf-8"))] == []

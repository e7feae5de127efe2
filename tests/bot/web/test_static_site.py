# SPDX-License-Identifier: GPL-2.0-or-later
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.web.rule_site import write_rule_site
from bot.web.site import Site, file_name, safe_name
from bot.web.static_site import StaticSiteError, static_site
from rules.registry import RULES
from tests.bot.web.sites import find_problems, find_violations, read_files

SITE = Site((("/", "Series"),))


@pytest.fixture(scope="module")
def rule_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rules") / "site"
    write_rule_site(folder, "0.1.0")
    return folder


def test_every_rule_has_a_page_with_its_documentation(rule_site: Path) -> None:
    for rule in RULES:
        text = (rule_site / "rules" / f"{rule.id}.html").read_text("utf-8")
        for heading in ("What it flags", "Why", "How to fix", "What it does not flag", "Evidence", "Examples"):
            assert f"<h2>{heading}</h2>" in text
        assert "Newest findings" not in text
        assert f'href="rules/{rule.id}.html"' in (rule_site / "index.html").read_text("utf-8")


def test_every_link_of_the_rules_leads_to_a_page(rule_site: Path) -> None:
    assert list(find_problems(rule_site)) == []


def test_the_rules_give_the_same_bytes_again(rule_site: Path, tmp_path: Path) -> None:
    write_rule_site(tmp_path / "a", "0.1.0")
    write_rule_site(tmp_path / "a", "0.1.0")

    assert read_files(tmp_path / "a") == read_files(rule_site)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_the_pages_of_rules_fit_and_are_accessible(rule_site: Path, browser: Any, axe: str) -> None:
    longest = max((rule_site / "rules").iterdir(), key=lambda path: path.stat().st_size)
    files = [rule_site / "index.html", rule_site / "rules" / "missing-safety-comment.html", longest]

    assert find_violations(browser, axe, files) == []


def test_a_page_without_a_server_has_its_style(rule_site: Path, browser: Any) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto((rule_site / "rules" / "missing-safety-comment.html").as_uri())

    assert page.locator("header.bar").bounding_box()["x"] == 0
    page.get_by_role("link", name="patchwarden").click()
    assert page.url == (rule_site / "index.html").as_uri()
    page.close()


def test_the_program_writes_a_site_and_explains_a_wrong_folder(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bot.web.rule_site"]
    done = subprocess.run([*command, tmp_path / "site"], capture_output=True, text=True, check=True)
    refused = subprocess.run([*command, tmp_path], capture_output=True, text=True, check=False)

    assert done.stdout == f"{tmp_path}/site/index.html\n"
    assert (refused.returncode, "not an earlier site of rules" in refused.stderr) == (2, True)


def _write(folder: Path, kind: str = "report") -> None:
    with static_site(folder, kind, SITE, "0") as site:
        site.write("/", "error.html", status=1, title="a", text=kind)


def test_only_an_earlier_site_of_the_same_kind_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes").write_text("mine")
    _write(tmp_path / "site")
    (tmp_path / "site" / "stale.html").touch()
    (tmp_path / "link").symlink_to("site")
    _write(tmp_path / "empty")
    _write(tmp_path / "link")
    _write(tmp_path / "new" / "site")

    assert sorted(read_files(tmp_path / "site")) == [
        ".patchwarden-site",
        "index.html",
        "static/icon.svg",
        "static/style.css",
    ]
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "empty" / "index.html").is_file()
    for name, kind in (("file", "report"), ("other", "report"), ("site", "rules")):
        with pytest.raises(StaticSiteError, match=name):
            _write(tmp_path / name, kind)
    assert read_files(tmp_path / "other") == {"notes": b"mine"}
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_an_interrupted_site_leaves_the_earlier_one(tmp_path: Path) -> None:
    def interrupt(folder: Path) -> None:
        with static_site(folder, "report", SITE, "0") as site:
            site.write("/", "error.html", status=1, title="new", text="")
            raise KeyboardInterrupt

    _write(tmp_path / "site")
    before = read_files(tmp_path)
    for name in ("site", "other"):
        with pytest.raises(KeyboardInterrupt):
            interrupt(tmp_path / name)

    assert read_files(tmp_path) == before


def test_a_folder_that_was_filled_meanwhile_is_kept(tmp_path: Path) -> None:
    def write() -> None:
        with static_site(tmp_path / "site", "report", SITE, "0"):
            (tmp_path / "site").mkdir()
            (tmp_path / "site" / "notes").write_text("mine")

    with pytest.raises(StaticSiteError, match="not empty"):
        write()

    assert read_files(tmp_path) == {"site/notes": b"mine"}


def test_a_folder_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StaticSiteError, match="cannot be written"):
        _write(tmp_path / "file" / "site")


@given(st.lists(st.text(max_size=150), unique=True, max_size=20))
def test_names_are_safe_and_different(texts: list[str]) -> None:
    names = [safe_name(text) for text in texts]

    assert len({name.lower() for name in names}) == len(texts)
    for name in names:
        assert len(name) <= 100
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789@._~-")
        assert not name.startswith((".", "-"))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("v2.0@example.org", "v2.0@example.org"),
        ("A@x", "a@x~"),
        ("a@x", "a@x"),
        ("../../etc/passwd@x", "etc-passwd@x~"),
        ("", "~"),
        ("a/b@x", "a-b@x~"),
        ("a-b@x", "a-b@x"),
        ("a" * 300, "a" * 60 + "~"),
    ],
)
def test_names_are_readable(text: str, name: str) -> None:
    assert safe_name(text).startswith(name)
    assert safe_name(text) == name or "~" in safe_name(text)


@pytest.mark.parametrize(
    ("page", "path", "link"),
    [
        ("/", "/rules/x", "rules/x.html"),
        ("/rules/x", "/", "../index.html"),
        ("/rules/x", "/static/style.css", "../static/style.css"),
        ("/rules", "/rules/x", "rules/x.html"),
    ],
)
def test_links_are_relative(page: str, path: str, link: str) -> None:
    assert SITE.link(page, path) == link
    assert file_name(page).count("/") == link.count("../")

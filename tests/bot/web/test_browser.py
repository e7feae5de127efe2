# SPDX-License-Identifier: GPL-2.0-or-later
"""Every page in a real browser, at the widths of a phone and of a screen, in light and dark mode."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.mail.address import Address
from bot.review.model import Review, ReviewFinding
from bot.store.repository import Repository
from bot.store.web import SqliteWebStore
from bot.web.app import create_operator_app
from tests.bot.review.factories import Maker
from tests.bot.web.conftest import NOW, Clock, fill_debt, save
from tests.bot.web.servers import running

pytest.importorskip("playwright.sync_api")
PAGES = (
    "/",
    "/series/v2.0@example.org",
    "/commands/v2.0@example.org",
    "/rules",
    "/rules/missing-safety-comment",
    "/queue",
    "/bindings",
    "/debt",
    "/stats",
    "/outbox",
    "/failed",
    "/quarantine",
    "/jobs",
    "/nothing",
)
HOSTILE = (
    "<script>document.title='hit'</script>",
    '"><img src=x onerror="document.title=\'hit\'">',
    "\u202egnp.exe\u202c\u200b",
    "\U0001f980 " * 20,
    "a" * 300,
)


@pytest.fixture(scope="module")
def address(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path = Path(shutil.copy(filled, tmp_path_factory.mktemp("browser") / "d.db"))
    fill_debt(path)
    make = Maker()
    with Repository(path) as store:
        for number, text in enumerate(HOSTILE):
            posting = make.posting(author=Address(text, "ada@example.org"), revision=number + 10)
            posting = replace(posting, topic=f"hostile {number}", series=replace(posting.series, subject=text))
            finding = replace(make.finding(5, path=f"rust/{text}.rs"), message=f"`{text}` is wrong: {text}")
            save(store, [posting])
            store.save_review(Review(posting, (ReviewFinding(finding, withheld=text),)), None, NOW)
    with running(create_operator_app(SqliteWebStore(path), Clock(), "0", lambda: True)) as base:
        yield base


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1600])
def test_pages_fit_and_are_accessible(address: str, browser: Any, axe: str, width: int, scheme: str) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True, java_script_enabled=True
    )
    page = context.new_page()
    problems = []
    for path in (*PAGES, *(f"/series/v{number + 10}.1@example.org" for number in range(len(HOSTILE)))):
        page.goto(address + path)
        page.evaluate(axe)
        violations = page.evaluate("axe.run()")["violations"]
        problems += [(path, violation["id"], violation["nodes"][0]["html"][:200]) for violation in violations]
        if page.evaluate("document.documentElement.scrollWidth") > width:
            problems.append((path, "wider than the screen", ""))
    context.close()

    assert problems == []


def test_hostile_text_is_shown_unmodified_and_runs_nothing(address: str, browser: Any) -> None:
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for number, text in enumerate(HOSTILE):
        page.goto(f"{address}/series/v{number + 10}.1@example.org")

        assert page.locator("h1").text_content().strip() == " ".join(text.split())
        assert "hit" not in page.title() or "script" in page.title() or "onerror" in page.title()
    page.close()

    assert {url for url in asked if not url.startswith((f"{address}/series/", f"{address}/static/"))} == set()


def test_pages_work_by_keyboard_and_without_scripts(address: str, browser: Any) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/#main")

    page.locator("#q").fill("led")
    page.keyboard.press("Enter")
    page.locator("ol.items a").first.click()
    page.locator("article.finding .mono a").first.click()
    fingerprint = page.url.partition("#")[2]
    assert page.locator(f"article[id='{fingerprint}']").is_visible()
    context.close()

# SPDX-License-Identifier: GPL-2.0-or-later
import pytest

from bot.app.links import build_links
from bot.settings.conversion import Problem, read_table
from bot.settings.tables import Settings
from bot.settings.web import WebSettings


@pytest.mark.parametrize("url", ["", "https://pages.example.org", "https://pages.example.org/", "http://[::1]:8080"])
def test_public_addresses_are_accepted(url: str) -> None:
    problems: list[Problem] = []
    settings = read_table(WebSettings, {"url": url}, problems)

    assert problems == []
    assert settings == WebSettings(url=url)


@pytest.mark.parametrize(
    "url",
    [
        *(
            "http://pages.example.org",
            "ftp://pages.example.org",
            "pages.example.org",
            "https://",
            "https://a?b",
            "https://a#b",
        ),
        *(
            "https://user@a.example.org",
            "https://a.example.org:x",
            "https://[",
            "https://a.example.org/ b",
            "https://\u00e9",
        ),
        *(
            "https://a.example.org/\n",
            "https://a.example.org/<b>",
            f"https://a.example.org/{'x' * 200}",
            "javascript:x",
        ),
    ],
)
@pytest.mark.parametrize("name", ["url", "site"])
def test_other_addresses_are_refused(name: str, url: str) -> None:
    problems: list[Problem] = []

    assert read_table(WebSettings, {name: url}, problems) is None
    assert [(name,)] == [path for path, _ in problems]


def test_links_have_no_two_slashes() -> None:
    settings = Settings(web=WebSettings(url="https://pages.example.org/", site="https://rules.example.org/"))

    assert "https://pages.example.org/rules/new" == build_links(settings).rule("new")

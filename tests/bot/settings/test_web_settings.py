# SPDX-License-Identifier: GPL-2.0-or-later
import pytest
from pydantic import ValidationError

from bot.app.links import build_links
from bot.settings.tables import Settings
from bot.settings.web import WebSettings


@pytest.mark.parametrize("url", ["", "https://pages.example.org", "https://pages.example.org/", "http://[::1]:8080"])
def test_public_addresses_are_accepted(url: str) -> None:
    assert url == WebSettings(url=url).url


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
    with pytest.raises(ValidationError):
        WebSettings.model_validate({name: url})


def test_links_have_no_two_slashes() -> None:
    settings = Settings(web=WebSettings(url="https://pages.example.org/", site="https://rules.example.org/"))

    assert "https://pages.example.org/rules/new" == build_links(settings).rule("new")

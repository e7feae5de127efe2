# SPDX-License-Identifier: GPL-2.0-or-later
import pytest

from bot.mail.links import Links, finding_path, series_path


def test_a_finding_has_one_address() -> None:
    links = Links("https://pages.example.org", "https://rules.example.org")

    assert "https://pages.example.org/series/1@example.org" == links.series("1@example.org")
    assert "https://pages.example.org/series/1@example.org#abc" == links.finding("1@example.org", "abc")
    assert links.finding("1@example.org", "abc").endswith(finding_path("1@example.org", "abc"))
    assert "https://pages.example.org/rules/new" == links.rule("new")
    assert "https://pages.example.org/commands/a%2Fb@example.org" == links.commands("a/b@example.org")


def test_without_pages_only_rules_have_an_address() -> None:
    site = Links(site="https://rules.example.org")

    assert ("", "", "", "https://rules.example.org/rules/new.html") == (
        site.series("1@a"),
        site.finding("1@a", "f"),
        site.commands("1@a"),
        site.rule("new"),
    )
    assert "" == Links().rule("new")


@pytest.mark.parametrize(
    ("message_id", "path"),
    [
        ("a/b?c#d@example.org", "/series/a%2Fb%3Fc%23d@example.org"),
        ("a b\r\nSubject: x@example.org", "/series/a%20b%0D%0ASubject%3A%20x@example.org"),
        ('"><script>@example.org', "/series/%22%3E%3Cscript%3E@example.org"),
        ("\udcffa\N{LATIN SMALL LETTER E WITH ACUTE}@example.org", "/series/%3Fa%C3%A9@example.org"),
    ],
)
def test_message_ids_are_percent_encoded(message_id: str, path: str) -> None:
    assert path == series_path(message_id)

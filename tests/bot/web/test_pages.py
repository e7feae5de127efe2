# SPDX-License-Identifier: GPL-2.0-or-later
import json
import re
from collections import Counter
from dataclasses import replace
from html import unescape
from importlib import resources
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from starlette.testclient import TestClient

from bot.mail.address import Address
from bot.ports.mails import ParsedMail
from bot.ports.raw_mail import Batch
from bot.ports.web import WebStoreError
from bot.review.model import Review, ReviewFinding
from bot.review.render.text import visible
from bot.store.repository import Repository
from bot.store.web import SqliteWebStore
from bot.web.app import create_app
from rules.registry import RULES
from tests.bot.review.factories import Maker
from tests.bot.web.conftest import NOW, Clock, Get, save
from tests.fakes.mails import mail, raw
from tests.fakes.stored import opened

SERIES = "/series/v2.0@example.org"
PAGES = (
    *("/", "/?q=led&list=rust-for-linux@lists.example.org&state=reviewed&severity=nit&author=ada", SERIES),
    *(f"{SERIES}.txt", f"{SERIES}.mbox", "/rules", "/rules/missing-safety-comment", "/queue", "/bindings"),
    *("/bindings/kmalloc", "/debt", "/stats", "/healthz", "/atom", "/api/series", f"/api{SERIES}", "/api/rules"),
    *("/api/rules/missing-safety-comment", "/api/queue", "/api/bindings", "/api/bindings/kmalloc", "/api/stats"),
    *("/api/patchset?id=v2.0@example.org", "/static/style.css", "/static/icon.svg"),
)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_there_with_its_headers(client: TestClient, page: str) -> None:
    answer = client.get(page)

    assert answer.status_code == 200
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'; img-src 'self'")
    assert (answer.headers["x-content-type-options"], answer.headers["referrer-policy"]) == ("nosniff", "no-referrer")
    assert client.get(page, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    assert client.head(page).content == b""


@pytest.mark.parametrize("page", PAGES)
def test_no_page_shows_an_address_of_a_person_or_of_bounces(get: Get, page: str) -> None:
    text = get(page)

    assert not re.findall(r"secret-[a-z]+@|bounces\+|Ada Author &lt;|ada@", text)


@pytest.mark.parametrize("page", [page for page in PAGES if "api" not in page and "." not in page.rpartition("/")[2]])
def test_no_page_has_scripts_styles_or_foreign_parts(get: Get, page: str) -> None:
    text = get(page)

    assert not re.findall(r"<script|<style|style=|javascript:| on[a-z]+=|src=", text)
    links = re.findall(r'href="([a-z]+:[^"]*)', text)
    assert all(link.startswith(("https://", "http://testserver/")) for link in links)


def test_a_series_is_found_by_any_part_and_by_our_mail(get: Get) -> None:
    for message_id in ("v2.0@example.org", "v2.1@example.org", "our@bot.example.org"):
        assert "v2 by" in get(f"/series/{message_id}")


def test_a_search_for_a_message_id_leads_to_the_series(client: TestClient) -> None:
    for text in ("v1.1@example.org", "<v1.1@example.org>", "https://lore.kernel.org/all/v1.1@example.org/"):
        answer = client.get("/", params={"q": text}, follow_redirects=False)

        assert (answer.status_code, answer.headers["location"]) == (303, "/series/v1.0@example.org")


def test_a_search_for_a_reply_leads_to_the_series_before_it(path: Path, client: TestClient) -> None:
    with Repository(path) as store:
        store.ingest(Batch("l", "0", "replies", (raw(mail("reply@x", to="v1.0@example.org"), 90),)))
        (stored,) = store.unparsed(9)
        store.index([ParsedMail(stored.id, "reply@x", ("v1.0@example.org",), "d")], [])
    answer = client.get("/", params={"q": "reply@x"}, follow_redirects=False)

    assert (answer.status_code, answer.headers["location"]) == (303, "/series/v2.0@example.org")
    assert "No series has this mail in its thread" in client.get("/", params={"q": "other@x"}).text


def test_each_finding_has_its_hunk_and_its_address(get: Get, make: Maker) -> None:
    text, finding = get(SERIES), make.finding(12, rule="missing-safety-section")

    article = re.search(rf'<article[^>]*id="{finding.fingerprint}".*?</article>', text, re.DOTALL)
    assert article is not None
    assert "    line_12();" in article[0]
    assert "<code>f</code> has no section." in article[0]


def test_a_finding_says_how_to_fix_it(get: Get) -> None:
    text = get(SERIES)

    assert text.count("<summary>How to fix</summary>") == text.count("<article")
    assert "Add a comment that starts with <code>// SAFETY:</code>" in text


def test_a_withheld_finding_says_why(get: Get) -> None:
    assert "Not mailed: <bdi>muted (series)</bdi>." in get(SERIES)


def test_the_mail_is_shown_as_it_was_sent(get: Get) -> None:
    assert "From here on it is wrong." in get(SERIES)
    assert "\n>From here on it is wrong." in get(f"{SERIES}.mbox")


def test_what_people_replied_and_the_trees_are_shown(get: Get) -> None:
    text = get(SERIES)

    for part in ("it is fine", "linus v7.3, because the series names it", "1 block added", "our mail written (review)"):
        assert part in text


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("", 2),
        ("?q=LED", 2),
        ("?q=nothing", 0),
        ("?list=rust-for-linux@lists.example.org", 2),
        ("?list=other@lists.example.org", 0),
        ("?state=reviewed", 2),
        ("?state=waiting", 0),
        ("?severity=bug", 1),
        ("?severity=warning", 2),
        ("?author=ADA", 2),
        ("?author=ada@example.org", 2),
        ("?author=bela@example.org", 0),
        ("?author=ada@example.org&list=rust-for-linux@lists.example.org", 2),
        ("?author=ada@example.org&list=other@lists.example.org", 0),
        ("?author=bela@example.org&list=rust-for-linux@lists.example.org", 0),
    ],
)
def test_lists_are_filtered(get: Get, query: str, number: int) -> None:
    assert len(json.loads(get(f"/api/series{query}"))["series"]) == number


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("?rule=missing-safety-section", 1),
        ("?rule=missing-safety-section&list=rust-for-linux@lists.example.org&for=ada@example.org", 1),
        ("?rule=missing-safety-section&list=other@lists.example.org", 0),
        ("?rule=missing-safety-section&for=bela@example.org", 0),
    ],
)
def test_a_feed_has_what_all_its_parameters_name(get: Get, query: str, number: int) -> None:
    assert len(ET.fromstring(get(f"/atom{query}")).findall("{http://www.w3.org/2005/Atom}entry")) == number


def test_a_feed_for_a_name_is_refused(client: TestClient) -> None:
    answer = client.get("/atom?for=Ada")

    assert answer.status_code == 400
    assert "must be an address" in answer.text


@pytest.mark.parametrize("query", ["?state=x", "?severity=x", "?before=x"])
def test_a_wrong_parameter_is_explained(client: TestClient, query: str) -> None:
    assert client.get(f"/{query}").status_code == client.get(f"/api/series{query}").status_code == 400


def test_a_list_is_paged_without_gaps(path: Path, client: TestClient, make: Maker) -> None:
    with Repository(path) as store:
        for number in range(3, 120):
            save(store, [make.posting(revision=number)])
    ids: list[str] = []
    address = "/api/series?list=rust-for-linux@lists.example.org"
    while address:
        page = client.get(address).json()
        ids += [series["message_id"] for series in page["series"]]
        address = f"/api/series{page['next']}" if page["next"] else ""

    assert len(ids) == len(set(ids)) == 119


@pytest.mark.parametrize(
    "page",
    [
        "/series/unknown@example.org",
        "/rules/x",
        "/nothing",
        "/series/",
        "/static/x",
        "/api/patchset?id=unknown@example.org",
    ],
)
def test_what_does_not_exist_is_not_found(client: TestClient, page: str) -> None:
    assert client.get(page).status_code == 404


@pytest.mark.parametrize(
    ("address", "page"),
    [
        ("/series/v2.0@example.org/", "/series/v2.0@example.org"),
        ("/series/%3Cv2.0@example.org%3E?a=b", "/series/v2.0@example.org?a=b"),
        ("/api/series/v2.0@example.org/", "/api/series/v2.0@example.org"),
        ("/commands/v2.0@example.org/", "/commands/v2.0@example.org"),
        ("/rules/", "/rules"),
        ("/bindings/", "/bindings"),
        ("//evil.example.org/", "/evil.example.org"),
        ("/%3C//evil.example.org", "/evil.example.org"),
        ("/%5Cevil.example.org%3F/", "/%5Cevil.example.org%3F"),
    ],
)
def test_an_address_with_a_slash_or_angle_brackets_is_corrected(client: TestClient, address: str, page: str) -> None:
    answer = client.get(f"http://testserver{address}", follow_redirects=False)

    assert (308, page) == (answer.status_code, answer.headers["location"])


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_nothing_can_be_written(client: TestClient, method: str) -> None:
    answer = client.request(method, "/")

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_large_requests_are_refused(client: TestClient) -> None:
    assert client.get("/?q=" + "a" * 5_000).status_code == 414
    assert client.get("/", headers={"X-A": "a" * 20_000}).status_code == 431
    assert client.request("GET", "/", content=b"body").status_code == 413


def test_the_connection_of_a_page_cannot_write(path: Path) -> None:
    with pytest.raises(WebStoreError, match=r"read-?only"), SqliteWebStore(path).snapshot() as snapshot:
        snapshot._connection.execute("DELETE FROM finding")


def test_an_error_reveals_nothing(path: Path, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("secret internals")

    monkeypatch.setattr("bot.store.web.WebSnapshot.series_page", fail)
    answer = client.get("/")

    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.sqlite
def test_a_database_that_cannot_be_read_is_explained(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"no database, but a text of some length" * 50)
    for name in ("x.db", "missing.db"):
        answer = TestClient(create_app(SqliteWebStore(tmp_path / name), Clock(), "", "0")).get("/healthz")

        assert answer.status_code == 503
        assert "patchwarden run" in answer.text


def test_an_empty_database_says_what_to_do(tmp_path: Path) -> None:
    Repository(tmp_path / "d.db").close()
    client = TestClient(create_app(SqliteWebStore(tmp_path / "d.db"), Clock(), "", "0"))

    assert "patchwarden run --once" in client.get("/").text
    for page in ("/rules", "/queue", "/bindings", "/debt", "/stats", "/healthz", "/atom"):
        assert client.get(page).status_code == 200


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }} {% raw %}",
    "&lt;b&gt; &amp; ' \" `",
    "\u202eevil\u202c \u200b\u2066x",
    "]]> --> <!-- <![CDATA[",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_text_everywhere(tmp_path: Path, make: Maker, text: str) -> None:
    path = tmp_path / "d.db"
    odd_id = "<a\"'&?#%x>@example.org"
    posting = make.posting(
        [make.patch(subject=text, path=f"rust/{text}.rs")], author=Address(text, "ada@example.org"), subject=text
    )
    posting = replace(
        posting,
        message_id=odd_id,
        series=replace(posting.series, subject=text),
        parts=tuple(replace(part, message_id=odd_id) for part in posting.parts),
    )
    finding = make.finding(5, path=f"rust/{text}.rs", message=f"`{text}` is wrong.")
    with Repository(path) as store:
        save(store, [posting])
        store.save_review(Review(posting, (ReviewFinding(finding, withheld=text),)), None, NOW)
    client = TestClient(create_app(SqliteWebStore(path), Clock(), "", "0"))
    record = client.get("/api/series").json()["series"][0]
    for page in ("/", record["path"], "/rules/missing-safety-comment", "/atom", "/queue"):
        answer = client.get(page)

        assert answer.status_code == 200
        if page == "/atom":
            assert visible(text) in "".join(ET.fromstring(answer.text).itertext())
        elif page != "/queue":
            assert text in unescape(re.sub(r"<[^>]*>", "", answer.text))
        assert "<script" not in answer.text
        assert "<img" not in answer.text
    assert record["subject"] == text


def test_every_rule_has_a_page(get: Get) -> None:
    for rule in RULES:
        text = get(f"/rules/{rule.id}")
        for heading in ("What it flags", "Why", "How to fix", "What it does not flag", "Evidence", "Newest findings"):
            assert heading in text


def test_the_page_of_a_rule_has_its_findings_by_series(path: Path, get: Get) -> None:
    with opened(path) as connection:
        connection.execute(
            "INSERT INTO finding_count VALUES ('missing-safety-comment', '2026-03', 'new', 'notes are not mailed', 4)"
        )
    page = get("/rules/missing-safety-comment")
    newest = page[page.index("<h2>Newest findings</h2>") :]

    assert re.findall(r'<p><a href="([^"]*)">', newest) == ["/series/v2.0@example.org", "/series/v1.0@example.org"]
    places = re.findall(r'<li><a class="mono" href="[^"]*"><bdi>([^<]*)</bdi>', newest)
    log, line = "commit message of patch 1", "rust/kernel/led.rs"
    assert [f"{line}:9", log, f"{line}:5", f"{line}:9"] == places
    assert "Reported 3, withheld 5, resolved in the next revision 1, disputed 1 of 3 (33.3 %)" in page
    assert page.index("Reported 3") < page.index("What it flags")
    assert "Some findings of this rule are only notes" in page


def test_the_rules_for_authors_are_marked(get: Get) -> None:
    assert 'href="/rules/result-unit"' in get("/rules")
    assert 5 < get("/rules").count("<td>stable, for authors</td>") < len(RULES)
    assert "stable, for authors before they post, runs only with --rule</span>" in get("/rules/comment-period")


def test_the_figures_of_a_rule_count_each_outcome(get: Get) -> None:
    figures = json.loads(get("/api/rules/missing-safety-comment"))["figures"]

    assert (figures["reported"], figures["resolved"], figures["disputed"]) == (3, 1, 1)
    assert json.loads(get("/api/stats"))["withheld"] == {"muted (series)": 1}


def test_a_slow_query_ends(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.store.web._SECONDS", 0.05)
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
    with (
        pytest.raises(WebStoreError, match=r"interrupted|statement timeout"),
        SqliteWebStore(path).snapshot() as snapshot,
    ):
        snapshot._connection.execute(endless).fetchone()


@pytest.mark.sqlite
def test_an_older_database_is_explained(path: Path) -> None:
    with opened(path) as connection:
        connection.execute("DROP INDEX ix_posting_newest")

    answer = TestClient(create_app(SqliteWebStore(path), Clock(), "", "0")).get("/")
    assert (answer.status_code, "start the service once" in answer.text) == (503, True)


def test_no_two_regions_of_a_page_have_the_same_name() -> None:
    """A screen reader lists them by their names."""
    for template in (resources.files("bot.web") / "templates").iterdir():
        text = template.read_text()
        names = re.findall(r'm\.scroll\("([^"]*)"\)|<h2 id="[^"]*">([^<{]*)</h2>', text)
        counts = Counter(scroll or heading for scroll, heading in names)
        assert [name for name, number in counts.items() if name and number > 1] == [], template.name

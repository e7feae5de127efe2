# SPDX-License-Identifier: GPL-2.0-or-later
"""What waits, by list, subsystem and person; and what pending series do at the boundary of C and Rust."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from starlette.testclient import TestClient

from bot.mail.address import Address
from bot.ports.kernel_tree import KernelTreeFacts
from bot.ports.pending import FoundCollision, PendingUpdate
from bot.review.model import Review, ReviewFinding
from bot.review.pending import pending_posting
from bot.service.projection import ProjectionJob
from bot.store.repository import Repository
from bot.store.web import SqliteWebStore
from bot.web.app import create_app
from rules.analysis.maintainers import SubsystemMatch
from rules.bindings.pending_facts import PendingFact, PendingFacts, PendingKind
from rules.bindings.used_places import UsedPlace
from rules.finding import Anchor
from tests.bot.review.factories import Maker
from tests.bot.web.conftest import NOW, Clock, Get, save

OLD = datetime(1970, 1, 1, tzinfo=UTC)
PCI, RUST = "PCI SUBSYSTEM [RUST]", "RUST"
PLACES = (
    UsedPlace("kmalloc", "rust/kernel/alloc.rs", 3, "bindings", "bindings::kmalloc(1)"),
    UsedPlace("kmalloc", "rust/helpers/slab.c", 9, "helper", "void *rust_helper_kmalloc(size_t)"),
    UsedPlace("device.parent", "rust/kernel/device.rs", 7, "field", "(*raw).parent"),
)


def _pending(
    store: Repository,
    make: Maker,
    name: str,
    days: float,
    subsystems: Sequence[str] = (),
    facts: Sequence[tuple[PendingKind, str]] = (),
) -> FoundCollision:
    """Store a reviewed, pending series of an author of that name; return it as what another one collides with."""
    sent = NOW - timedelta(days=days)
    posting = make.posting(author=Address(name, f"{name}@example.org"), revision=1)
    parts = tuple(replace(part, message_id=f"{name}@x", date=sent) for part in posting.parts)
    posting = replace(posting, message_id=f"{name}@x", parts=parts, topic=name, date=sent)
    save(store, [posting])
    place = Anchor(1, "rust/kernel/led.rs", "post", 1, 1, "")
    pending = pending_posting(posting, PendingFacts(tuple(PendingFact(*fact, place) for fact in facts)), sent)
    review = Review(posting, (ReviewFinding(make.finding(5)),), **_concerned(subsystems))
    store.save_review(review, None, NOW, PendingUpdate(pending, OLD))
    return FoundCollision(pending, *(facts[0] if facts else (PendingKind.C_USE, "")))


def _concerned(names: Sequence[str]) -> dict[str, Any]:
    """Return the fields of a review for these subsystems. A single one is noted without its reason, as in the past."""
    matches = [SubsystemMatch(name, f"F: {name.lower()[:4]}/", f"{name.lower()[:4]}/<a>.rs") for name in names[1:]]
    if matches:
        matches.insert(0, SubsystemMatch(names[0], "N: ^pci", "lib/pci.rs"))
    return {"subsystems": tuple(names), "matches": tuple(matches)}


@pytest.fixture
def client(tmp_path: Path, make: Maker) -> TestClient:
    people = (("maya@example.org", PCI), ("otto@example.org", RUST), ("otto@example.org", PCI))
    with Repository(tmp_path / "d.db") as store:
        store.save_kernel_tree(KernelTreeFacts("v7.3", "c0ffee" * 6, PLACES, people), NOW)
        _pending(store, make, "ann", 1, [PCI, RUST], [(PendingKind.C_CHANGE, "kmalloc")])
        user = _pending(store, make, "ben", 10, [RUST], [(PendingKind.C_USE, "kmalloc")])
        _pending(store, make, "carl", 30, [], [(PendingKind.C_CHANGE, "kfree")])
        third = _pending(store, make, "dora", 2, [RUST], [(PendingKind.C_CHANGE, "kmalloc")])
        update = PendingUpdate(third.other, OLD, (user,))
        store.save_review(Review(make.posting(revision=9), ()), None, NOW, update)
    return TestClient(create_app(SqliteWebStore(tmp_path / "d.db"), Clock(), "", "0"))


def _authors(get: Get, address: str) -> list[str]:
    return [series["author"] for series in json.loads(get(address))["queue"]]


@pytest.mark.parametrize(
    ("address", "authors"),
    [
        ("/api/queue", ["ann", "dora", "ben", "carl"]),
        ("/api/queue/PCI%20SUBSYSTEM%20%5BRUST%5D", ["ann"]),
        ("/api/queue/RUST", ["ann", "dora", "ben"]),
        ("/api/queue?for=Maya@Example.org", ["ann"]),
        ("/api/queue?for=otto@example.org", ["ann", "dora", "ben"]),
        ("/api/queue?for=carl@example.org", ["carl"]),
        ("/api/queue?for=nobody@example.org", []),
        ("/api/queue?list=rust-for-linux@lists.example.org", ["ann", "dora", "ben", "carl"]),
    ],
)
def test_the_queue_has_what_waits_for_a_subsystem_or_person(get: Get, address: str, authors: list[str]) -> None:
    assert _authors(get, address) == authors


@pytest.mark.parametrize(
    ("address", "reasons"),
    [
        ("/queue/RUST", ["F: rust/ matches rust/&lt;a&gt;.rs"]),
        ("/queue/PCI%20SUBSYSTEM%20%5BRUST%5D", ["N: ^pci matches lib/pci.rs"]),
        ("/queue?for=maya@example.org", ["PCI SUBSYSTEM [RUST]: N: ^pci matches lib/pci.rs"]),
        (
            "/queue?for=otto@example.org",
            ["PCI SUBSYSTEM [RUST]: N: ^pci matches lib/pci.rs", "RUST: F: rust/ matches rust/&lt;a&gt;.rs"],
        ),
        ("/queue?for=carl@example.org", ["by this author"]),
        ("/queue", []),
    ],
)
def test_a_queue_says_why_it_has_a_series(get: Get, address: str, reasons: list[str]) -> None:
    divs = re.findall(r'<div class="meta">(?!<bdi>[A-Z]\w+</bdi>, v)(.*?)</div>', get(address))
    shown = [re.sub(r"<[^>]*>", "", div) for div in divs]

    assert [text for text in shown if "matches" in text or "by this" in text] == reasons


def test_the_json_says_why_a_series_concerns_a_subsystem(get: Get) -> None:
    reasons = [
        {"name": PCI, "pattern": "N: ^pci", "path": "lib/pci.rs"},
        {"name": RUST, "pattern": "F: rust/", "path": "rust/<a>.rs"},
    ]
    entries = {entry["author"]: entry["subsystems"] for entry in json.loads(get("/api/queue"))["queue"]}

    assert entries["ann"] == json.loads(get("/api/series/ann@x"))["subsystems"] == reasons
    assert entries["ben"] == [{"name": RUST, "pattern": "", "path": ""}]
    assert entries["carl"] == []


def test_series_are_new_waiting_or_quiet(get: Get) -> None:
    groups = {series["author"]: series["group"] for series in json.loads(get("/api/queue"))["queue"]}

    assert (groups["ann"], groups["ben"]) == ("new", "waiting")
    assert "New: sent in the last 7 days" in get("/queue/RUST")


def _text(page: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", "", page).split())


def test_part_of_a_name_leads_to_the_subsystems(client: TestClient, get: Get) -> None:
    answer = client.get("/queue", params={"subsystem": "pci"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/queue/PCI%20SUBSYSTEM%20%5BRUST%5D")
    for text in ("rust", "u"):
        page = get(f"/queue?subsystem={text}")
        assert re.findall(r'<a href="/queue/[^"]*"><bdi>([^<]*)</bdi></a> <span class="soft">(\d+)', page) == [
            (RUST, "3"),
            (PCI, "1"),
        ]
        assert '<ol class="items">' not in page
    assert "No reviewed series concerns a subsystem with" in get("/queue?subsystem=xyz")
    assert client.get("/queue/xyz").status_code == client.get("/api/queue/xyz").status_code == 404


def test_a_subsystem_without_a_waiting_series_is_named_apart(tmp_path: Path, get: Get) -> None:
    with Repository(tmp_path / "d.db") as store:
        store.forget_pending(["ann@x"])
    page = get("/queue?subsystem=r")

    assert [name for name in (RUST, PCI) if f"<bdi>{name}</bdi>" in page.partition("<details")[0]] == [RUST]
    assert "1 subsystem without a waiting series" in page


def test_an_empty_queue_names_its_limit_and_leads_to_older_series(client: TestClient, get: Get) -> None:
    page = get("/queue?list=other@lists.example.org")
    assert "No series of the last 60 days waits on this list." in page
    assert '<a href="/?list=other%40lists.example.org">' in page
    page = get("/queue?for=nobody@example.org")
    assert '<a href="/?author=nobody%40example.org">Show older series of this author</a>' in page


def test_a_name_is_not_taken_for_an_address(get: Get) -> None:
    page = get("/queue?for=Maya+Doe")

    assert "is not an address" in page
    assert '<a href="/?author=Maya%20Doe">' in page
    assert "MAINTAINERS of the newest kernel does not name" not in page


def test_a_queue_is_paged_without_gaps(tmp_path: Path, client: TestClient, make: Maker) -> None:
    with Repository(tmp_path / "d.db") as store:
        for number in range(120):
            _pending(store, make, f"n{number}", 3 + number / 10, [RUST])
    for start in ("/api/queue/RUST", "/api/queue?for=otto@example.org"):
        ids: list[str] = []
        address = start
        while address:
            page = client.get(address).json()
            ids += [series["message_id"] for series in page["queue"]]
            address = f"{start.partition('?')[0]}{page['next']}" if page["next"] else ""

        assert len(ids) == len(set(ids)) == 123


def test_no_page_lists_the_people_of_subsystems(get: Get) -> None:
    """MAINTAINERS is matched with what a visitor types. Its addresses, and those of recipients, are on no page."""
    queues = ("/queue", "/queue/RUST", "/queue?for=ann@example.org", "/api/queue/RUST")
    for page in (*queues, "/series/ann@x", "/bindings"):
        assert not {name for name in ("maya@", "otto@") if name in get(page)}


def test_the_boundary_lists_uses_changes_and_collisions(get: Get) -> None:
    page = json.loads(get("/api/bindings"))

    assert page["tree"]["name"] == "v7.3"
    assert [(name["name"], name["places"], name["changing"], name["using"]) for name in page["names"]] == [
        ("device.parent", 1, 0, 0),
        ("kfree", 0, 1, 0),
        ("kmalloc", 2, 2, 1),
    ]
    assert [name["name"] for name in page["changing"]] == ["kmalloc"]
    assert [(pair["message_id"], pair["other_id"], pair["name"]) for pair in page["collisions"]] == [
        ("dora@x", "ben@x", "kmalloc")
    ]
    assert [name["name"] for name in json.loads(get("/api/bindings?q=kf"))["names"]] == ["kfree"]
    assert "Changed now" in get("/bindings")


@pytest.mark.parametrize(
    ("earlier", "address"),
    [("/border?q=kmalloc", "/bindings?q=kmalloc"), ("/border/struct%3F/x", "/bindings/struct%3F%2Fx")],
)
def test_the_earlier_address_of_the_bindings_leads_to_them(client: TestClient, earlier: str, address: str) -> None:
    answer = client.get(earlier, follow_redirects=False)

    assert (answer.status_code, answer.headers["location"]) == (308, address)


def _names(get: Get, address: str) -> list[str]:
    return re.findall(r'<a href="/bindings/[^"]*"><bdi>([^<]*)', get(address).partition('<h2 id="names">')[2])


def test_the_boundary_begins_with_the_most_used_names(get: Get) -> None:
    assert _names(get, "/bindings") == ["kmalloc", "device.parent"]
    assert "Most-used names" in get("/bindings")
    assert _names(get, "/bindings?after=") == ["device.parent", "kfree", "kmalloc"]


@pytest.mark.parametrize("text", ["kmalloc", "kmalloc()", "bindings::kmalloc", "kmal"])
def test_a_c_name_is_found_as_people_write_it(get: Get, text: str) -> None:
    assert _names(get, f"/bindings?q={text}") == ["kmalloc"]
    assert _names(get, "/bindings?q=struct+device") == ["device.parent"]


def test_a_name_that_rust_does_not_use_is_explained(get: Get) -> None:
    text = _text(get("/bindings?q=vfs_read"))

    assert "Names that begin with \u201cvfs_read\u201d" in text
    assert "Rust code in v7.3 uses no C name that begins like this" in text


def test_a_name_has_its_places_its_series_and_its_collisions(get: Get) -> None:
    page = json.loads(get("/api/bindings/kmalloc"))

    assert page["uses"] == 2
    assert [(place["path"], place["line"], place["form"]) for place in page["places"]] == [
        ("rust/helpers/slab.c", 9, "helper"),
        ("rust/kernel/alloc.rs", 3, "bindings"),
    ]
    assert [(series["author"], series["kind"]) for series in page["series"]] == [
        ("ann", "c-change"),
        ("dora", "c-change"),
        ("ben", "c-use"),
    ]
    assert len(page["collisions"]) == 1
    text = get("/bindings/kmalloc")
    for part in ("rust/kernel/alloc.rs:3", "Pending series that change its C declaration", "Collides with", "v7.3"):
        assert part in text


def test_uses_of_c_are_shown_after_a_rebuild(tmp_path: Path, get: Get) -> None:
    """The service reads the kernel anew only in its next round."""
    before = _text(get("/bindings"))
    with Repository(tmp_path / "d.db") as store:
        assert ProjectionJob(store, Event()).rebuild() == 0
        assert store.kernel_tree_commit() == ""

    assert "in v7.3 (c0ffeec0ffee)" in before
    assert _text(get("/bindings")) == before.replace(" (c0ffeec0ffee)", "")


def test_a_collision_with_a_series_that_is_not_pending_is_not_listed(tmp_path: Path, get: Get) -> None:
    with Repository(tmp_path / "d.db") as store:
        store.forget_pending(["ben@x"])

    assert json.loads(get("/api/bindings"))["collisions"] == []


def test_a_series_names_its_subsystems_and_the_c_names_that_it_changes(get: Get) -> None:
    text = get("/series/ann@x")

    assert '<a href="/queue/PCI%20SUBSYSTEM%20%5BRUST%5D">' in text
    assert "F: rust/ matches rust/&lt;a&gt;.rs" in _text(text)
    assert '<a class="mono" href="/bindings/kmalloc">' in text


@pytest.mark.parametrize(("person", "number"), [("maya@example.org", 1), ("otto@example.org", 3), ("x@example.org", 0)])
def test_a_feed_of_a_person_has_the_series_of_their_subsystems(get: Get, person: str, number: int) -> None:
    for rule in ("", "&rule=missing-safety-comment"):
        assert get(f"/atom?for={person}{rule}").count("<entry>") == number

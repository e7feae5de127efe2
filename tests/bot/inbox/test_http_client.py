# SPDX-License-Identifier: GPL-2.0-or-later
import gzip
import zlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from bot.inbox.error import InboxError
from bot.inbox.http_client import Agent, HttpClient, Limits, unpacked, user_agent
from bot.inbox.http_pace import NOW, Pace
from tests.fakes.origin import Answer, FakeClock, Origin

URL = "https://lore.example.org/rust/manifest.js.gz"
LIMIT = 10_000
Reply = Callable[[httpx.Request], httpx.Response]


def client(tmp_path: Path, clock: FakeClock, reply: Reply) -> HttpClient:
    pace = Pace(tmp_path / "pace.json", clock)
    return HttpClient(Agent("patchwarden/1+x", "op@example.org"), pace, clock, transport=httpx.MockTransport(reply))


def answering(status: int = 200, content: bytes = b"", **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: httpx.Response(status, stream=httpx.ByteStream(content), headers=named)


def test_the_user_agent_names_program_version_and_installation() -> None:
    assert user_agent("a1b2").startswith("patchwarden/")
    assert user_agent("a1b2").endswith("+a1b2")


def test_requests_say_who_asks_and_accept_nothing_compressed_on_the_way(tmp_path: Path, clock: FakeClock) -> None:
    seen: list[httpx.Request] = []

    def reply(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, stream=httpx.ByteStream(b"data"))

    client(tmp_path, clock, reply).get(URL, "list", LIMIT)

    (request,) = seen
    assert {name: request.headers[name] for name in ("user-agent", "from", "accept-encoding")} == {
        "user-agent": "patchwarden/1+x",
        "from": "op@example.org",
        "accept-encoding": "identity",
    }


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"data", id="plain"),
        pytest.param(gzip.compress(b"data"), id="once"),
        pytest.param(gzip.compress(gzip.compress(b"data")), id="twice"),
        pytest.param(gzip.compress(b"da") + gzip.compress(b"ta"), id="two members"),
    ],
)
def test_gzip_is_undone_whoever_did_it(tmp_path: Path, clock: FakeClock, content: bytes) -> None:
    assert client(tmp_path, clock, answering(content=content)).get(URL, "list", LIMIT) == b"data"


def test_not_there_is_an_answer(tmp_path: Path, clock: FakeClock) -> None:
    assert client(tmp_path, clock, answering(404)).get(URL, "list", LIMIT) is None


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        pytest.param(answering(500), "answered 500", id="broken"),
        pytest.param(answering(302, location="https://elsewhere.example.org/"), "answered 302", id="redirect"),
        pytest.param(
            answering(content=b"<!DOCTYPE html><title>Making sure you're not a bot!"), "web page", id="challenge"
        ),
        pytest.param(
            answering(content=b"\n <html>", content_type="application/gzip"), "web page", id="page in disguise"
        ),
        pytest.param(answering(content=gzip.compress(b"<html>")), "web page", id="compressed page"),
        pytest.param(answering(content=b"x", content_type="text/html; charset=utf-8"), "web page", id="labelled page"),
        pytest.param(answering(content=gzip.compress(b"data" * 99)[:-9]), "gzip", id="truncated"),
        pytest.param(answering(content=b"\x1f\x8bnonsense"), "gzip", id="no gzip behind the magic"),
        pytest.param(answering(content=b"x" * (LIMIT + 1)), "more than", id="too long"),
        pytest.param(answering(content=gzip.compress(b"\0" * 50_000_000)), "more than", id="gzip bomb"),
    ],
)
def test_whatever_is_not_the_resource_is_an_error_that_names_the_url(
    tmp_path: Path, clock: FakeClock, reply: Reply, why: str
) -> None:
    with pytest.raises(InboxError, match=f"{URL}.*{why}"):
        client(tmp_path, clock, reply).get(URL, "list", LIMIT)

    assert Pace(tmp_path / "pace.json", clock).claim("list", NOW) == timedelta(minutes=2)


@pytest.mark.parametrize(
    ("status", "value", "wait"),
    [
        (429, "600", timedelta(minutes=10)),
        (503, "Sun, 01 Mar 2026 12:30:00 GMT", timedelta(minutes=30)),
        (503, "soon", timedelta(minutes=2)),
        (429, "-5", timedelta(minutes=2)),
        (429, "Sun, 01 Mar 2020 12:30:00 GMT", timedelta(minutes=2)),
        (503, f"Sun, 01 Mar {10**20} 12:30:00 GMT", timedelta(minutes=2)),
        (503, f"Sun, 01 Mar 2026 12:30:00 +{10**20}", timedelta(minutes=2)),
    ],
)
def test_too_many_requests_hold_back_the_whole_origin(
    tmp_path: Path, clock: FakeClock, status: int, value: str, wait: timedelta
) -> None:
    with pytest.raises(InboxError, match=str(status)):
        client(tmp_path, clock, answering(status, retry_after=value)).get(URL, "list", LIMIT)

    assert Pace(tmp_path / "pace.json", clock).claim("another list", NOW) == wait


def test_a_bomb_costs_no_more_than_its_limit() -> None:
    bomb = zlib.compressobj(9, zlib.DEFLATED, 31)
    content = b"".join(bomb.compress(b"\0" * 1_000_000) for _ in range(200)) + bomb.flush()

    with pytest.raises(ValueError, match="more than 1000 bytes"):
        unpacked(content, 1000)


def test_a_server_that_hangs_is_left(tmp_path: Path, clock: FakeClock, origin: Origin) -> None:
    origin.faults["manifest"] = [Answer(hang=3)]
    pace = Pace(tmp_path / "pace.json", clock)
    impatient = HttpClient(Agent("x"), pace, clock, Limits(silence=0.5))

    with pytest.raises(InboxError, match="ReadTimeout"):
        impatient.get(f"{origin.url}/rust/manifest.js.gz", "list", LIMIT)


def test_nobody_there_is_an_error_that_names_the_url(tmp_path: Path, clock: FakeClock) -> None:
    alone = HttpClient(Agent("x"), Pace(tmp_path / "pace.json", clock), clock)

    with pytest.raises(InboxError, match=r"http://127\.0\.0\.1:9/x: ConnectError"):
        alone.get("http://127.0.0.1:9/x", "list", LIMIT)

# SPDX-License-Identifier: GPL-2.0-or-later
"""Times and memory of the web pages: `python -m tests.bench.web FOLDER [POSTINGS]` makes a database once, and measures.

The database has three findings for each posting. A real server in a process of its own answers over loopback; the
times are those of the server's process, so other load on the machine does not count.
"""

import json
import random
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from bot.debt.counts import Counts
from bot.debt.report import Ref, as_json, build_report
from bot.mail.posting import Posting
from bot.mail.posting_codec import encode_posting
from bot.review.model import Basis, FindingState, Review, ReviewFinding
from bot.store.codec import encode
from bot.store.debt import debt_path
from bot.store.repository import Repository
from rules.finding import Severity
from rules.registry import RULES
from tests.bot.review.factories import Maker

_POSTINGS: Final = 100_000
_DAYS: Final = 730
_ROUNDS: Final = 60
_PORT: Final = 8931
_OPERATOR_PORT: Final = 8932
_OPERATOR: Final = f"http://127.0.0.1:{_OPERATOR_PORT}"
_BATCH: Final = 5_000
_PENDING_DAYS: Final = 60
_LISTS: Final = [f"list-{number}@lists.example.org" for number in range(40)]
_SUBSYSTEMS: Final = [f"SUBSYSTEM {number}" for number in range(1_500)]
_PLACES: Final = 4_000  # uses of C in Rust
_NAMES: Final = 30_000
_WORDS: Final = ("rust", "drm", "driver", "fix", "remove", "pci", "net", "block", "clk", "gpu", "alloc", "sync", "page")
_SEVERITIES: Final = (*[Severity.NIT] * 4, *[Severity.WARNING] * 5, Severity.BUG)
_WITHHELD: Final = (None, "its rule is in preview", "severity is only nit", "disputed: it is fine")
_TABLES: Final = {
    "thread": "id, changed, assembled",
    "mail": "id, content_hash, source, origin, arrived, block, start, length, state, reason",
    "message": "message_id, thread_id, mail_id, digest, disputed",
    "posting": "message_id, thread_id, topic, revision, sent, arrived, state, detail, value, verdict, reason, "
    "projection, subject, author, author_name, patches, expected, reviewed, severity, findings, reported",
    "review": "posting_id, reviewed, posting, value",
    "posting_list": "list, sent, posting_id",
    "posting_part": "message_id, posting_id",
    "posting_subsystem": "subsystem, sent, posting_id, pattern, path",
    "finding": "posting_id, position, reviewed, rule, severity, confidence, patch, path, line, state, withheld, "
    "fingerprint, message",
    "pending": "message_id, topic, sent, value",
    "pending_fact": "kind, name, message_id",
    "collision": "topic, other_topic, message_id, other_id, kind, name, found",
    "outgoing": "message_id, posting_id, kind, envelope_from, envelope_to, content, mode, lists, author, state, "
    "reason, destination, attempts, due, created, changed",
    "disposition": 'topic, fingerprint, "by", rule, kind, reason, message_id, given',
}


def main() -> None:
    """Make the database if it does not exist, and print a line for each page."""
    folder = Path(sys.argv[1])
    path = folder / "var/patchwarden.db"
    number = int(sys.argv[2]) if len(sys.argv) > 2 else _POSTINGS
    if not path.exists():
        make_database(path, number)
    print(f"{path}: {path.stat().st_size / 1e6:,.0f} MB")
    measure(folder, number)


def make_database(path: Path, number: int) -> None:
    """Write a database with that number of postings, and three findings for each."""
    Repository(path).close()
    chosen, templates = random.Random(7), list(_templates())
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous=OFF")
    for first in range(0, number, _BATCH):
        rows: dict[str, list[tuple[Any, ...]]] = {table: [] for table in _TABLES}
        for index in range(first, min(first + _BATCH, number)):
            _add_rows(rows, index, number, chosen.choice(templates), chosen)
        with connection:
            for table, columns in _TABLES.items():
                marks = ", ".join("?" for _ in columns.split(","))
                connection.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows[table])
    with connection:
        _add_tree(connection, chosen)
        connection.execute(
            "INSERT INTO finding_count SELECT rule, substr(reviewed, 1, 7), state, withheld, count(*) "
            "FROM finding GROUP BY 1, 2, 3, 4"
        )
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _add_tree(connection: sqlite3.Connection, chosen: random.Random) -> None:
    """Add the facts of a kernel tree: uses of C, and the people of subsystems; one person has a hundred of them."""
    places = {(f"name_{chosen.randrange(_NAMES)}", f"rust/f{n % 300}.rs", n, "bindings", "x") for n in range(_PLACES)}
    places |= {("name_77", f"rust/f{n}.rs", n, "bindings", "x") for n in range(300)}
    people = {(f"m{number % 900}@example.org", name) for number, name in enumerate(_SUBSYSTEMS)}
    people |= {("busy@example.org", name) for name in _SUBSYSTEMS[:100]}
    connection.execute("INSERT INTO kernel_tree VALUES (1, 'v7.3', 'c0ffee', ?)", (_stored(datetime.now(UTC)),))
    connection.executemany("INSERT INTO used_place VALUES (?, ?, ?, ?, ?)", places)
    connection.executemany("INSERT INTO subsystem_person VALUES (?, ?)", people)


_Template = tuple[Posting, bytes, Sequence[ReviewFinding]]


def _templates() -> Iterator[_Template]:
    """Yield postings, their encoded reviews, and the findings."""
    make, chosen = Maker(), random.Random(11)
    for _ in range(200):
        posting = make.posting([make.patch(number) for number in (1, 2)], cover=True)
        findings = tuple(
            ReviewFinding(
                make.finding(
                    chosen.randrange(1, 40), rule=chosen.choice(RULES).id, severity=chosen.choice(_SEVERITIES)
                ),
                FindingState.NEW,
                chosen.choice(_WITHHELD),
            )
            for _ in range(3)
        )
        review = Review(posting, findings, unsafe_delta="1 block added", basis=Basis(base="linus v7.3"))
        yield posting, encode(review, exclude=frozenset({"posting"})), findings


def _add_rows(
    rows: dict[str, list[tuple[Any, ...]]], index: int, number: int, template: _Template, chosen: random.Random
) -> None:
    newest = datetime.now(UTC) - timedelta(hours=1)
    sent = newest - timedelta(days=_DAYS) * (number - 1 - index) / number
    message_id, topic = f"{index}.0@example.org", f"a{index % 9_000}@example.org s{index // 3}"
    at, reviewed = _stored(sent), _stored(sent + timedelta(minutes=9))
    subject = f"{' '.join(chosen.sample(_WORDS, 4))} {index}"
    author = f"a{index % 9_000}@example.org"
    posting, review, findings = template
    ids = [message_id, f"{index}.p-1", f"{index}.p-2"]
    parts = tuple(replace(part, message_id=part_id) for part, part_id in zip(posting.parts, ids, strict=True))
    value = encode_posting(replace(posting, message_id=message_id, parts=parts))
    highest = max((entry.finding.severity for entry in findings), key=lambda severity: severity.rank)
    reported = sum(entry.withheld is None for entry in findings)
    rows["thread"].append((index + 1, 1, 1))
    for mail, part_id in enumerate(ids, index * 3 + 1):
        rows["mail"].append((mail, str(mail), "l", "o", at, 0, 0, 0, "read", ""))
        rows["message"].append((part_id, index + 1, mail, "d", 0))
        rows["posting_part"].append((part_id, message_id))
    rows["posting"].append(
        (
            *(message_id, index + 1, topic, index % 3 + 1, at, at, "complete", "", value, "reviewed", "", 1),
            *(subject, author, f"Author {index % 9_000}", 2, 2, reviewed, highest.value, 3, reported),
        )
    )
    rows["review"].append((message_id, reviewed, b"", review))
    # Few subsystems have most series, and each series concerns some.
    subsystems = {_SUBSYSTEMS[int(chosen.random() ** 3 * len(_SUBSYSTEMS))] for _ in range(3)}
    rows["posting_subsystem"] += [
        (name, at, message_id, "F: drivers/group/", "drivers/group/driver.rs") for name in subsystems
    ]
    rows["posting_list"] += [(name, at, message_id) for name in chosen.sample(_LISTS, 2)]
    for position, entry in enumerate(findings):
        finding = entry.finding
        rows["finding"].append(
            (
                *(message_id, position, reviewed, finding.rule, finding.severity.value, "high", 1, finding.path),
                *(finding.anchor.line, "new", entry.withheld or "", finding.fingerprint, finding.message),
            )
        )
    if sent > newest - timedelta(days=_PENDING_DAYS):
        rows["pending"].append((message_id, topic, at, b""))
        kinds = ("c-change", "c-use", "rewrite", "item-use")
        facts = {(chosen.choice(kinds), f"name_{chosen.randrange(_NAMES)}") for _ in range(30)}
        rows["pending_fact"] += [(kind, name, message_id) for kind, name in facts]
    if index % 50 == 0:
        rows["collision"].append((topic, f"{topic} x", message_id, message_id, "c-change", "name_7", at))
        rows["disposition"].append((topic, "f" * 16, author, RULES[0].id, "not-applicable", "fine", message_id, at))
    if index % 2 == 0:
        content = b"Subject: Re: x\n\n" + b"text\n" * 200
        rows["outgoing"].append(
            (
                *(
                    f"o{index}@example.org",
                    message_id,
                    "review",
                    "b",
                    "r@example.org",
                    content,
                    "list",
                    _LISTS[0],
                    author,
                ),
                *("sent", "", "", 1, at, at, at),
            )
        )


def _publish_debt(database: Path) -> None:
    """Publish the counts of two refs; v7.3 has about a hundred subsystems with Rust code."""
    chosen = random.Random(13)
    refs = (Ref("v6.12", "1" * 40), Ref("v7.3", "2" * 40))
    sums = [{name: Counts(*(chosen.randrange(900) for _ in range(8))) for name in _SUBSYSTEMS[:200]} for _ in refs]
    debt_path(database).write_text(as_json(build_report("linux.git", refs, sums)))


def _stored(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S.%f}"


def _pages(number: int) -> dict[str, list[str]]:
    """Return the addresses of each kind of page that are measured."""
    chosen = random.Random(3)
    ids = [f"{chosen.randrange(number)}.0@example.org" for _ in range(_ROUNDS)]
    rules = [chosen.choice(RULES).id for _ in range(_ROUNDS)]
    with urllib.request.urlopen(f"http://127.0.0.1:{_PORT}/api/series", timeout=60) as answer:
        following = json.load(answer)["next"]
    same = {
        "/": "/",
        "/ older": f"/{following}",
        "/ by list": f"/?list={quote(_LISTS[3])}&severity=bug",
        "/ by author": "/?author=a77@example.org",
        "/ by name": "/?author=Author+77",
        "/ text": "/?q=gpu",
        "/ text of nothing": "/?q=xyzzy",
        "/ state of nothing": "/?state=quarantined",
        "/rules": "/rules",
        "/queue": "/queue",
        "/queue by list": f"/queue?list={quote(_LISTS[3])}",
        "/queue/SUBSYSTEM": f"/queue/{quote(_SUBSYSTEMS[0])}",
        "/queue?for": "/queue?for=m7@example.org",
        "/queue?for (busy)": "/queue?for=busy@example.org",
        "/queue?subsystem": "/queue?subsystem=system",
        "/bindings": "/bindings",
        "/bindings?q": "/bindings?q=name_77",
        "/bindings/NAME": "/bindings/name_77",
        "/debt": "/debt",
        "/debt?q": "/debt?q=system+1",
        "/stats": "/stats",
        "/healthz": "/healthz",
        "/atom": "/atom",
        "/atom by list": f"/atom?list={quote(_LISTS[3])}",
        "/atom by person": "/atom?for=busy@example.org",
        "/api/series": "/api/series",
        "/api/rules": "/api/rules",
        "/api/queue": "/api/queue",
        "/api/bindings": "/api/bindings",
        "/api/bindings/NAME": "/api/bindings/name_77",
        "/api/debt": "/api/debt",
        "/api/stats": "/api/stats",
        "/api/openapi.json": "/api/openapi.json",
    }
    pages = {name: [address] * _ROUNDS for name, address in same.items()}
    pages |= {name: [_OPERATOR + name] * _ROUNDS for name in ("/outbox", "/failed", "/quarantine", "/jobs", "/metrics")}
    pages["/series/ID"] = [f"/series/{name}" for name in ids]
    pages["/series/ID.txt"] = [f"/series/{name}.txt" for name in ids]
    pages["/api/series/ID"] = [f"/api/series/{name}" for name in ids]
    pages["/api/patchset"] = [f"/api/patchset?id={name}" for name in ids]
    pages["/rules/ID"] = [f"/rules/{rule}" for rule in rules]
    pages["/api/rules/ID"] = [f"/api/rules/{rule}" for rule in rules]
    pages["/atom by rule"] = [f"/atom?rule={rule}" for rule in rules]
    return pages


def measure(folder: Path, number: int) -> None:
    """Print the median and the 95th percentile of the server's processor time for each page, and its memory."""
    program = Path(sys.executable).with_name("patchwarden")
    (folder / "patchwarden.toml").write_text('database = "var/patchwarden.db"\n')
    Repository(folder / "var/patchwarden.db").close()  # an earlier version may have made it
    _publish_debt(folder / "var/patchwarden.db")
    ports = ["--port", str(_PORT), "--operator-port", str(_OPERATOR_PORT)]
    server = subprocess.Popen(
        [program, "--config", folder / "patchwarden.toml", "web", *ports], stderr=subprocess.DEVNULL
    )
    try:
        _wait(server)
        print(f"{'page':24}{'p50 ms':>9}{'p95 ms':>9}{'kB':>7}")
        for name, addresses in _pages(number).items():
            times, size = [], 0
            for address in addresses[:3]:
                _fetch(address)
            for address in addresses:
                before = _processor_seconds(server.pid)
                size = _fetch(address)
                times.append((_processor_seconds(server.pid) - before) * 1000)
            times.sort()
            print(f"{name:24}{times[len(times) // 2]:9.1f}{times[len(times) * 95 // 100]:9.1f}{size / 1000:7.1f}")
        status = Path(f"/proc/{server.pid}/status").read_text().splitlines()
        print(*(line for line in status if line.startswith(("VmHWM", "RssAnon"))), sep="\n")
    finally:
        server.terminate()
        server.wait()


def _wait(server: subprocess.Popen[bytes]) -> None:
    while True:
        try:
            _fetch("/healthz")
        except OSError:
            assert server.poll() is None, "the server ended"
            time.sleep(0.2)
        else:
            return


def _fetch(address: str) -> int:
    url = address if address.startswith(_OPERATOR) else f"http://127.0.0.1:{_PORT}{address}"
    with urllib.request.urlopen(url, timeout=60) as answer:
        return len(answer.read())


def _processor_seconds(process: int) -> float:
    """Return the time that all threads of the process ran, in nanoseconds' resolution."""
    tasks = Path(f"/proc/{process}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: GPL-2.0-or-later
"""Addresses of lists are compared with MAINTAINERS and with the lists that brought mails, where those are known."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.app.lists import known_lists
from bot.ports.mails import ParsedMail
from bot.ports.raw_mail import Batch, Provenance
from bot.settings.load import load
from bot.store.repository import Repository
from tests.bot.kernel.repositories import commit, repository
from tests.fakes.mails import git_archive, mail, patch, raw

Call = Callable[..., tuple[int, str, str]]
MAINTAINERS = """\
LED DRIVERS
M:	Ada Author <ada@example.org>
L:	linux-leds-devel@lists.example.org (moderated for non-subscribers)
F:	drivers/leds/

FAN DRIVERS
L:	fan-users@lists.example.org
F:	drivers/fan/
"""
WRONG = "linux-leds-devle@lists.example.org"
SAID = f"{WRONG} looks misspelt; did you mean linux-leds-devel@lists.example.org?"


@pytest.fixture
def kernel(tmp_path: Path) -> str:
    """The settings of a kernel whose MAINTAINERS names two lists."""
    commit(repository(tmp_path / "linux.git"), {"MAINTAINERS": MAINTAINERS}, 1)
    return f"[kernel]\nrepositories = [{{ path = '{tmp_path}/linux.git' }}]\n"


def _seen(store: Repository, source: str, **mails: int) -> None:
    """Store so many mails of a source that came through the list of that name."""
    lists = [name for name, number in mails.items() for _ in range(number)]
    ids = [f"{source}.{number}@example.org" for number in range(len(lists))]
    store.ingest(Batch(source, "0", "1", tuple(raw(mail(message_id), number) for number, message_id in enumerate(ids))))
    index = [
        ParsedMail(stored.id, message_id, (), "d", (f"{name}@lists.example.org",), Provenance.FOLLOWED)
        for stored, message_id, name in zip(store.unparsed(999), ids, lists, strict=True)
    ]
    store.index(index, [])


@pytest.mark.parametrize(
    ("table", "key"),
    [
        (f'[lists."{WRONG}"]\n', f'lists."{WRONG}"'),
        (
            f'[people."a@example.org"]\nconsent = "https://x.example.org/1"\nlists = ["{WRONG}"]\n',
            'people."a@example.org".lists',
        ),
    ],
)
def test_a_list_that_maintainers_spells_otherwise_is_an_error_at_each_start_and_in_doctor(
    patchwarden: Call, kernel: str, table: str, key: str
) -> None:
    Path("patchwarden.toml").write_text(kernel + table)
    expected = (2, "", f"opening var/patchwarden.db\npatchwarden: settings: {key}: {SAID}\n")

    assert patchwarden("run", "--once") == expected
    assert patchwarden("deliver", "--once") == expected
    assert load().kernel.repositories  # reading the settings opens no repository
    status, out, _ = patchwarden("doctor")
    assert (status, f"wrong list address: {key}: {SAID}\n      fix: " in out) == (2, True)


@pytest.mark.parametrize(
    "address",
    [
        "linux-leds-devel@lists.example.org",
        "FAN-users@lists.example.org",
        "linux-leds-devel@lists.corp.example",
        "rust@lists.example.org",
        "leds@example.org",
    ],
)
def test_a_known_list_and_a_list_of_the_operator_s_own_are_no_error(
    patchwarden: Call, kernel: str, address: str
) -> None:
    Path("patchwarden.toml").write_text(f'{kernel}[lists."{address}"]\n')

    status, out, _ = patchwarden("doctor")

    is_known = address.lower() in {"linux-leds-devel@lists.example.org", "fan-users@lists.example.org"}
    assert status == 0
    assert (
        "ok    list addresses: 1 compared with 2 lists of MAINTAINERS and 0 of the archives"
        f"{'' if is_known else f'; in neither: {address}'}\n" in out
    )


def test_doctor_names_a_kernel_that_cannot_be_read(patchwarden: Call) -> None:
    Path("patchwarden.toml").write_text(
        "[kernel]\nrepositories = [{ path = 'absent.git' }]\n[lists.'a@lists.example.org']\n"
    )

    status, out, _ = patchwarden("doctor")

    assert status == 2
    assert "wrong kernel: " in out
    assert "absent.git" in out


def test_a_list_is_compared_with_the_list_of_a_followed_archive(patchwarden: Call, tmp_path: Path) -> None:
    mails = [
        patch(f"{number}@example.org").replace(b"Subject:", b"List-Id: <led-devel.lists.example.org>\nSubject:", 1)
        for number in range(20)
    ]
    git_archive(tmp_path / "list.git", mails)
    Path("patchwarden.toml").write_text("archives = ['list.git']\n[lists.'led-devl@lists.example.org']\n")
    assert patchwarden("run", "--once")[0] == 0

    status, _, err = patchwarden("run", "--once")

    assert status == 2
    assert "led-devl@lists.example.org looks misspelt; did you mean led-devel@lists.example.org?" in err


def test_a_list_that_brought_a_mail_is_known_but_only_the_list_of_an_archive_is_compared_with(tmp_path: Path) -> None:
    with Repository(tmp_path / "patchwarden.db") as store:
        _seen(store, "a", mainlist=41, sidelist=38, forgedlist=1)
        _seen(store, "b", fewlist=19)
        known = known_lists(frozenset(), store)

    assert known.meant("mainlits@lists.example.org") == "mainlist@lists.example.org"
    for name in ("sidelist", "forgedlist", "fewlist"):
        assert f"{name}@lists.example.org" in known.all
        assert known.meant(f"{name}s@lists.example.org") == ""


def test_a_sender_cannot_make_the_operator_s_list_look_misspelt(tmp_path: Path) -> None:
    with Repository(tmp_path / "patchwarden.db") as store:
        _seen(store, "a", mainlist=30, ledwomen=25)
        known = known_lists(frozenset(), store)

    assert known.meant("led-women@lists.example.org") == ""


def test_the_list_of_a_recheck_is_compared(patchwarden: Call, kernel: str, tmp_path: Path) -> None:
    Path("patchwarden.toml").write_text(kernel)
    archive = git_archive(tmp_path / "list.git", [patch("1@example.org")])
    patchwarden("recheck", "1@example.org", "--archive", str(archive))

    status, _, err = patchwarden("recheck", "--list", WRONG)

    assert (status, "looks misspelt" in err) == (2, True)
    assert patchwarden("recheck", "--list", "rust-for-linux@lists.example.org")[0] == 0

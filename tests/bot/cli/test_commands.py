# SPDX-License-Identifier: GPL-2.0-or-later
import json
import os
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from bot.__main__ import COMMANDS, load_command
from bot.cli.command import Command, paragraphs
from bot.cli.parser import Parser
from bot.mail.state import MailState
from bot.store.dialect import Plain, open_reading
from bot.store.repository import Repository
from bot.store.secret import secret_path
from tests.bot.cli.conftest import Call
from tests.fakes.mails import git_archive, patch

SUBCOMMANDS = (
    ("outbox", "list"),
    ("outbox", "show"),
    ("quarantine", "list"),
    ("quarantine", "show"),
    ("quarantine", "release"),
    ("tree", "sync"),
    ("tree", "used-by"),
    ("tree", "show"),
)


@pytest.fixture
def filled(patchwarden: Call, archive: Path) -> str:
    """Ran once; the id of the mail that it made."""
    patchwarden("run", "--once", "--archive", str(archive))
    (path,) = Path("var/outbox").iterdir()
    return path.stem


@pytest.mark.parametrize("command", [*COMMANDS, *(f"{group} {subcommand}" for group, subcommand in SUBCOMMANDS)])
def test_help_has_an_example_and_the_exit_statuses(patchwarden: Call, command: str) -> None:
    status, out, _ = patchwarden(*command.split(), "--help")

    assert status == 0
    if "COMMAND [ARGS]" not in out:  # a group of commands
        assert "Example" in out
        assert "Exit status" in out


def test_help_is_printed_in_a_terminal_of_any_width(patchwarden: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    widths = {}
    for columns in (1, 20, 50, 80, 100, 500):
        monkeypatch.setenv("COLUMNS", str(columns))
        status, out, _ = patchwarden("check", "--help")
        assert status == 0
        options = out[out.index("\nOptions:") :].splitlines()
        widths[columns] = max(len(line) for line in options if line.startswith(" " * 10))

    assert widths[1] == widths[20] == widths[50] <= 50 < widths[80] <= 80 < widths[100] == widths[500] <= 100


def test_doctor_prints_each_problem_of_the_settings_on_its_own_line(patchwarden: Call) -> None:
    Path("bad.toml").write_text('[review]\nseverty = "nit"\nworkers = 1\n')

    status, out, _ = patchwarden("--config", "bad.toml", "doctor")

    assert status == 2
    assert out.splitlines()[:3] == [
        "wrong settings: settings bad.toml:3: review.workers: must be at least 2",
        "      settings bad.toml:2: review.severty: no such setting; did you mean 'severity'?",
        "      fix: correct this, or name another file; `patchwarden init FILE` writes one that explains every setting",
    ]


def test_one_mail_is_not_counted_as_mails(patchwarden: Call, tmp_path: Path) -> None:
    archive = git_archive(tmp_path / "one.git", [patch("1@example.org")])

    assert "1 series and 1 mail, 0 of them unreadable" in patchwarden("run", "--once", "--archive", str(archive))[1]
    assert ", 1 mail, 1 series\n" in patchwarden("doctor")[1]


def test_help_names_both_forms_of_a_switch_and_the_kind_of_a_value(patchwarden: Call) -> None:
    _, out, _ = patchwarden("run", "--help")

    assert "--deliver, --no-deliver" in out
    assert "--archive PATH" in out


def test_help_names_every_command(patchwarden: Call) -> None:
    status, out, _ = patchwarden("--help")

    assert status == 0
    for command in COMMANDS:
        assert f" {command} " in out


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_has_the_first_paragraph_of_each_help(name: str) -> None:
    assert COMMANDS[name] == next(paragraphs(load_command(name).help))[1]


@pytest.mark.parametrize(
    "arguments",
    [("frobnicate",), ("run", "--frobnicate"), ("outbox", "show"), ("outbox", "frobnicate"), ("stop", "a", "b")],
)
def test_bad_usage_is_status_2(patchwarden: Call, arguments: tuple[str, ...]) -> None:
    assert patchwarden(*arguments)[0] == 2


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("chek",), "no such command: 'chek'; did you mean 'check'?"),
        (("outbox", "lst"), "no such command: 'lst'; did you mean 'list'?"),
        (("--confg", "x", "run"), "no such option: --confg; did you mean '--config'?"),
        (("run", "--onc"), "no such option: --onc; did you mean '--once'?"),
        (("rules", "--format", "jsn"), "argument --format: 'jsn' is not one of text, json; did you mean 'json'?"),
        (("check", "--fail-on", "x", "y"), "argument --fail-on: 'x' is not one of note, nit, warning, bug"),
        (("audit", "--jobs", "-1", "x"), "argument --jobs: -1 is less than 0"),
        (("audit", "--jobs", "x", "y"), "argument --jobs: 'x' is not a number"),
        (("outbox", "show"), "the following arguments are required: ID"),
        (("debt",), "the following arguments are required: REPO[@REF]"),
        (("rules", "raw-bindings"), "ID: unknown rule 'raw-bindings'; `patchwarden rules` lists all rules"),
        (("check",), "TARGET: name a file, a folder, - for standard input, --git or --staged"),
    ],
)
def test_bad_usage_is_explained(patchwarden: Call, arguments: tuple[str, ...], expected: str) -> None:
    status, _, err = patchwarden(*arguments)

    assert (status, err.split("\n")[-2]) == (2, f"patchwarden: {expected}")


@pytest.mark.parametrize("arguments", [("a", "--rule", "x"), ("--rule", "x", "a"), ("--rule=x", "--", "a")])
def test_options_and_arguments_come_in_any_order(patchwarden: Call, arguments: tuple[str, ...]) -> None:
    assert "unknown rule 'x'" in patchwarden("check", *arguments)[2]


@pytest.mark.parametrize("arguments", [(), ("mute",)])
def test_without_a_command_the_help_is_shown(patchwarden: Call, arguments: tuple[str, ...]) -> None:
    status, _, err = patchwarden(*arguments)

    assert (status, "COMMAND [ARGS]..." in err) == (2, True)


def test_version(patchwarden: Call) -> None:
    status, out, _ = patchwarden("--version")

    assert (status, out.split()[0]) == (0, "patchwarden")


def test_wrong_settings_are_one_line_and_status_2(patchwarden: Call) -> None:
    Path("patchwarden.toml").write_text("databas = 'x'\n")

    assert patchwarden("outbox", "list") == (
        2,
        "",
        "patchwarden: settings patchwarden.toml:1: databas: no such setting; did you mean 'database'?\n",
    )


@pytest.mark.parametrize("arguments", [(), ("--",)])
def test_init_writes_what_doctor_accepts(patchwarden: Call, arguments: tuple[str, ...]) -> None:
    assert patchwarden("init", *arguments)[0] == 0
    assert Path("patchwarden.toml").exists()

    status, out, _ = patchwarden("doctor")

    assert (status, "wrong" in out) == (0, False)


def test_init_leaves_a_file_alone(patchwarden: Call) -> None:
    Path("patchwarden.toml").write_text("mine")
    status, _, err = patchwarden("init")

    assert (status, Path("patchwarden.toml").read_text()) == (2, "mine")
    assert "already exists" in err


def test_init_says_what_it_cannot_write(patchwarden: Call) -> None:
    status, _, err = patchwarden("init", "absent/folder/s.toml")

    assert (status, err) == (2, "patchwarden: cannot write absent/folder/s.toml: No such file or directory\n")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("databas = 'x'\n", "wrong settings: settings patchwarden.toml:1"),
        ("archives = ['absent.git']\n", "wrong archive: "),
        (
            "database = 'patchwarden.toml'\n",
            "wrong database: database {}/patchwarden.toml: it is not a SQLite database",
        ),
        ("[outbox]\ndirectory = 'patchwarden.toml'\n", "wrong outbox: "),
        ("[sending]\nstop_file = 'patchwarden.toml'\n", "wrong sending: stopped by {}/patchwarden.toml"),
        ("[sending]\ntransport = 'sendmail'\nsendmail = ['./absent']\n", "wrong sending: ./absent does not exist"),
        (
            "[sending]\ntransport = 'smtp'\nhost = 'mail.example.org'\nuser = 'bot'\n",
            "wrong sending: {}/var/password cannot be read",
        ),
    ],
)
def test_doctor_says_what_is_wrong_and_how_to_fix_it(
    patchwarden: Call, settings: str, expected: str, tmp_path: Path
) -> None:
    Path("patchwarden.toml").write_text(settings)
    status, out, _ = patchwarden("doctor")

    assert status == 2
    assert expected.replace("{}", str(tmp_path)) in out
    assert "      fix: " in out


def test_doctor_prints_where_paths_start(patchwarden: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert f"ok    data directory: {tmp_path}; relative paths start here\n" in patchwarden("doctor")[1]

    (tmp_path / "service").mkdir()
    (tmp_path / "service" / "s.toml").write_text("")
    out = patchwarden("--config", "service/s.toml", "doctor")[1]
    assert f"ok    settings: {tmp_path}/service/s.toml\n" in out
    assert f"ok    data directory: {tmp_path}/service; relative paths start here\n" in out

    monkeypatch.setenv("PATCHWARDEN_DATA_DIR", "data")
    assert f"ok    data directory: {tmp_path}/data; relative paths start here\n" in patchwarden("doctor")[1]


def test_doctor_notices_a_variable_that_is_no_setting(patchwarden: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHWARDEN_DATABAS", "x")
    status, out, _ = patchwarden("doctor")

    assert (status, "environment: PATCHWARDEN_DATABAS is not a setting" in out) == (2, True)
    assert patchwarden("outbox", "list")[0] == 2


def test_doctor_reports_an_old_name_of_a_setting(patchwarden: Call) -> None:
    Path("patchwarden.toml").write_text("[sending]\nseries_cap = 2\n")
    status, out, _ = patchwarden("doctor")

    warning = "patchwarden.toml:2: sending.series_cap is deprecated; write sending.max_mails_per_series"
    assert (status, f"ok    settings: settings {warning}\n" in out) == (0, True)


def test_doctor_reports_the_data_of_another_user(
    patchwarden: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> bool:
        if "var" in path.parts[-2:]:
            raise PermissionError(13, "Permission denied", str(path))
        return os.path.lexists(path)

    monkeypatch.setattr(Path, "exists", refuse)
    status, out, _ = patchwarden("doctor")

    assert (status, "permission denied; run the command as the user of the service\n" in out) == (2, True)
    assert f"wrong files: {tmp_path}/var/outbox: permission denied\n      fix: run the command as the user" in out
    assert "ok    git: " in out


@pytest.mark.sqlite
def test_doctor_finds_damage_that_no_statement_meets(patchwarden: Call, filled: str, tmp_path: Path) -> None:
    database = tmp_path / "var" / "patchwarden.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
        (page_size,) = connection.execute("PRAGMA page_size").fetchone()
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'disposition'").fetchone()
    assert patchwarden("doctor")[0] == 0
    with database.open("r+b") as file:
        file.seek((root - 1) * page_size)
        file.write(b"\xff" * page_size)
    status, out, _ = patchwarden("doctor")

    assert status == 2
    assert f"wrong database: {database} is damaged: " in out
    assert "      fix: stop the service, then restore a backup with `patchwarden restore --force BACKUP`\n" in out


@pytest.mark.sqlite
def test_the_search_for_damage_takes_limited_time(
    patchwarden: Call, filled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def open_interrupted(path: Path, server: str) -> Plain:
        connection = open_reading(path, server)
        assert isinstance(connection, sqlite3.Connection)
        connection.set_progress_handler(lambda: True, 1)
        return connection

    monkeypatch.setattr("bot.store.damage.open_reading", open_interrupted)
    status, out, _ = patchwarden("doctor")

    assert (status, "ok    database: no damage was found in 5 s; `sqlite3 " in out) == (0, True)


def test_doctor_reports_a_full_disk(patchwarden: Call, archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    patchwarden("run", "--once", "--archive", str(archive))
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=3_400_000))
    status, out, _ = patchwarden("doctor")

    assert (status, "wrong disk: 3 MB are free at " in out) == (2, True)


def test_doctor_reports_a_database_that_cannot_be_written(
    patchwarden: Call, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("patchwarden.toml").write_text("")
    patchwarden("run", "--once", "--archive", str(archive))
    monkeypatch.setattr("os.access", lambda path, *_, **__: Path(path).name != "patchwarden.db")
    status, out, _ = patchwarden("doctor")

    expected = (
        f"wrong database: {tmp_path}/var/patchwarden.db cannot be written\n      fix: let the user of the service"
    )
    assert (status, expected in out) == (2, True)


def test_doctor_says_what_an_empty_mailbox_needs(patchwarden: Call, tmp_path: Path) -> None:
    Path("patchwarden.toml").write_text("[commands]\nmailbox = 'mail'\n")
    Path("mail").mkdir()
    before = patchwarden("doctor")[1]
    Path("mail/new").mkdir()

    assert "a Maildir without a mail needs a folder new\n" in before
    assert f"ok    mailbox: {tmp_path}/mail, 0 mails\n" in patchwarden("doctor")[1]


def test_settings_that_cannot_be_read_say_who_must_read_them(
    patchwarden: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, *_: object) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    Path("patchwarden.toml").write_text("")
    monkeypatch.setattr(Path, "read_text", refuse)

    expected = "settings patchwarden.toml: Permission denied; let the user of the service read it"
    assert expected in patchwarden("outbox", "list")[2]


def test_doctor_does_not_take_a_locked_database_for_a_lost_secret(
    patchwarden: Call, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("patchwarden.toml").write_text(
        "[sending]\ntransport = 'maildir'\n[lists.'rust@lists.example.org']\nmode = 'moderate'\n"
    )
    patchwarden("run", "--once", "--archive", str(archive))
    with Repository(Path("var/patchwarden.db")) as store:
        store.secret(datetime.now(UTC))
    monkeypatch.setattr("bot.store.dialect.BUSY_MS", 100)
    with closing(sqlite3.connect("var/patchwarden.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE").close()
        status, out, _ = patchwarden("doctor")

    assert status == 2
    assert "another program has locked it; stop that program or try again" in out
    assert "wrong database: " in out
    assert "wrong secret" not in out


def test_doctor_says_that_a_mailbox_alone_takes_the_place_of_the_sample(patchwarden: Call) -> None:
    Path("patchwarden.toml").write_text("[commands]\nmailbox = 'replies'\n")

    assert "ok    archives: none in the settings; only `mailbox` of [commands] is read\n" in patchwarden("doctor")[1]


def test_explain_says_what_to_do_about_an_unknown_mail(patchwarden: Call, archive: Path) -> None:
    patchwarden("run", "--once", "--archive", str(archive))
    status, _, err = patchwarden("explain", "absent@example.org")

    assert (status, "check the id, and with `patchwarden doctor` whether its list is followed" in err) == (2, True)


def test_doctor_misses_git(patchwarden: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    status, out, _ = patchwarden("doctor")

    assert (status, "wrong git: not found" in out) == (2, True)


def test_the_outbox_lists_what_was_written(patchwarden: Call, filled: str) -> None:
    status, out, _ = patchwarden("outbox", "list")

    assert status == 0
    assert filled[:8] in out
    assert "filed" in out
    assert "c@x" in out


def test_the_outbox_lists_by_state(patchwarden: Call, filled: str) -> None:
    assert patchwarden("outbox", "list", "--state", "held")[1] == "No mail is held.\n"


def test_the_outbox_as_records(patchwarden: Call, filled: str) -> None:
    record = json.loads(patchwarden("outbox", "list", "--format", "json")[1])

    assert [] == record["notices"]
    (mail,) = record["mails"]
    assert ("filed", "review") == (mail["state"], mail["kind"])
    assert mail["id"].startswith(f"{filled}@")
    assert "ada@example.org" in mail["recipients"]


def test_an_outbox_that_is_stopped_says_so_in_its_records(patchwarden: Call, filled: str) -> None:
    patchwarden("stop", "a rule is wrong")

    (notice,) = json.loads(patchwarden("outbox", "list", "--state", "held", "--format", "json")[1])["notices"]

    assert "a rule is wrong; run `patchwarden stop --lift`" in notice


def test_an_empty_outbox_says_so(patchwarden: Call) -> None:
    assert patchwarden("outbox", "list")[:2] == (
        0,
        "No mail: var/patchwarden.db does not exist yet; `patchwarden run` creates it.\n",
    )
    assert {"notices": [], "mails": []} == json.loads(patchwarden("outbox", "list", "--format", "json")[1])


def test_a_mail_is_shown_byte_for_byte(patchwarden: Call, filled: str) -> None:
    status, out, err = patchwarden("outbox", "show", filled[:8])

    assert status == 0
    assert out.encode() == Path(f"var/outbox/{filled}.eml").read_bytes()
    assert err.startswith("# filed")


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("arguments", [("outbox", "show"), ("explain",), ("recheck",), ("quarantine", "release")])
@pytest.mark.usefixtures("filled")
def test_an_id_that_is_not_utf8_is_no_bug(patchwarden: Call, arguments: tuple[str, ...]) -> None:
    status, _, err = patchwarden(*arguments, "n\udcff")

    assert (status, err.splitlines()[-1]) == (2, "patchwarden: 'n\\udcff' is not UTF-8 text")


def test_a_start_that_is_not_that_of_one_mail_says_why(patchwarden: Call, tmp_path: Path) -> None:
    # Two of 17 ids begin with the same of the 16 hexadecimal digits.
    others = [patch(f"{number}@example.org", f"lamp{number}") for number in range(2, 18)]
    patchwarden("run", "--once", "--archive", str(git_archive(tmp_path / "others.git", others)))
    first = Counter(path.name[0] for path in Path("var/outbox").iterdir())

    for start, number in (("fffffffffff", "no mail has"), (first.most_common(1)[0][0], "more than one mail has")):
        status, _, err = patchwarden("outbox", "show", start)

        assert (2, True) == (status, f"{number} an id that starts with {start!r}; " in err)


@pytest.fixture
def held(patchwarden: Call, archive: Path) -> str:
    """Ran once for a list that is moderated; the start of the id of the mail that waits."""
    Path("patchwarden.toml").write_text(
        "[lists.'rust-for-linux@lists.example.org']\nmode = 'moderate'\nembargo_hours = 0\n"
        "[sending]\ntransport = 'maildir'\nexpire_hours = 1000000\n[review]\nstale_hours = 1000000\n"
    )
    patchwarden("run", "--once", "--archive", str(archive))
    with Repository(Path("var/patchwarden.db")) as store:
        (mail,) = store.mails(MailState.HELD)
    return mail.message_id[:8]


def test_a_moderated_mail_waits_and_goes_when_it_is_approved(patchwarden: Call, held: str, archive: Path) -> None:
    _, out, _ = patchwarden("outbox", "list", "--state", "held")
    assert "waits for approval" in out
    assert not Path("var/maildir").exists()

    assert patchwarden("outbox", "approve", held)[0] == 0
    assert patchwarden("run", "--once", "--archive", str(archive))[0] == 0
    (sent,) = Path("var/maildir/new").iterdir()
    assert sent.read_bytes() == patchwarden("outbox", "show", held)[1].encode()

    status, _, err = patchwarden("outbox", "approve", held)
    assert (status, "is sent, not held" in err) == (2, True)


def test_approving_prints_the_mail_as_it_goes(patchwarden: Call, held: str) -> None:
    _, shown, known = patchwarden("outbox", "show", held)
    status, out, err = patchwarden("outbox", "approve", held)

    assert (status, out) == (0, shown)
    assert "held -> approved" in err
    assert "# approved (by hand; due), from patchwarden@example.org to\n" in err
    assert known == (
        "# held (waits for approval; run `patchwarden outbox approve` to send it), from patchwarden@example.org to\n"
        "# ada@example.org\n"
    )


def test_the_outbox_says_why_each_mail_waits(patchwarden: Call, held: str, tmp_path: Path) -> None:
    assert "waits for approval; run `patchwarden outbox approve` to send it" in patchwarden("outbox")[1]

    patchwarden("outbox", "approve", held)
    patchwarden("stop", "a rule is wrong")
    status, out, _ = patchwarden("outbox")

    assert status == 0
    assert (
        f"Nothing is sent: stopped by {tmp_path}/var/stop: a rule is wrong; run `patchwarden stop --lift` to resume."
        in out
    )
    assert "by hand; due" in out


@pytest.mark.parametrize(
    "arguments",
    [("outbox",), ("outbox", "list"), ("quarantine", "list"), ("mute", "list"), ("doctor",), ("rules", "--stats")],
)
def test_looking_makes_no_database(patchwarden: Call, arguments: tuple[str, ...]) -> None:
    status, out, _ = patchwarden(*arguments)

    assert (status, "var/patchwarden.db" in out) == (0, True)
    assert not Path("var").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("outbox", "show", "ab"),
        ("outbox", "approve", "ab"),
        ("quarantine", "show", "1"),
        ("explain", "1@example.org"),
        ("digest",),
        ("digest", "--for", "ann@example.org", "--send"),
    ],
)
def test_without_a_database_there_is_nothing_to_show_or_decide(patchwarden: Call, arguments: tuple[str, ...]) -> None:
    status, _, err = patchwarden(*arguments)

    assert (status, "var/patchwarden.db does not exist yet" in err) == (2, True)
    assert not Path("var").exists()


def test_reconcile_shows_a_lost_secret_before_it_makes_a_new_one(patchwarden: Call, held: str) -> None:
    patchwarden("outbox", "approve", held)
    patchwarden("deliver", "--once")
    secret_path(Path("var/patchwarden.db")).unlink()

    status, out, _ = patchwarden("outbox", "reconcile")
    assert (status, "it is lost, and mails were sent with it" in out, "No difference" in out) == (1, True, False)
    assert patchwarden("outbox", "reconcile", "--apply")[0] == 0
    assert patchwarden("outbox", "reconcile")[:2] == (0, "No difference.\n")


def test_a_dropped_mail_never_goes(patchwarden: Call, held: str, archive: Path) -> None:
    assert patchwarden("outbox", "drop", held)[0] == 0
    assert patchwarden("outbox", "approve", held)[0] == 2
    assert "is withdrawn, not queued, approved, held or unconfirmed\n" in patchwarden("outbox", "drop", held)[2]
    patchwarden("run", "--once", "--archive", str(archive))

    assert not Path("var/maildir").exists()


def test_stop_holds_what_was_approved_until_it_is_lifted(patchwarden: Call, held: str, archive: Path) -> None:
    patchwarden("outbox", "approve", held)
    assert patchwarden("stop", "a rule is wrong")[0] == 0
    assert patchwarden("run", "--once", "--archive", str(archive))[0] == 0
    assert not Path("var/maildir").exists()
    assert "a rule is wrong" in patchwarden("outbox", "list")[1]

    idle = "no process sends from it now\n"
    assert patchwarden("stop", "--lift")[:2] == (0, f"sending from var/patchwarden.db is allowed again\n{idle}")
    assert patchwarden("stop", "--lift")[1] == f"sending from var/patchwarden.db was not stopped\n{idle}"
    assert patchwarden("outbox", "drop", held)[0] == 0


def test_only_an_unconfirmed_mail_is_sent_again(patchwarden: Call, held: str) -> None:
    status, _, err = patchwarden("outbox", "resend", held)

    assert (status, "is held, not unconfirmed" in err) == (2, True)


def test_where_mails_may_leave_nothing_old_is_answered(patchwarden: Call, archive: Path) -> None:
    Path("patchwarden.toml").write_text(
        "[lists.'rust-for-linux@lists.example.org']\nmode = 'moderate'\n[sending]\ntransport = 'maildir'\n"
    )
    _, out, _ = patchwarden("run", "--once", "--archive", str(archive))

    assert "stale: it was sent on 2026-03-02" in out
    assert patchwarden("outbox", "list")[1] == "No mail.\n"


_USUAL = (
    ("a.patch",),
    ("a.patch", "-", "b.patch"),
    ("--format", "jsonl", "a.patch", "--rule", "one", "--rule", "two"),
    ("--format", "json", "--format", "terse", "-"),
    ("--fail-on", "nit", "a", "--tree", "linux.git", "b"),
    (),
)


@pytest.mark.parametrize("line", _USUAL, ids=" ".join)
def test_a_usual_command_line_has_the_values_of_argparse(line: tuple[str, ...]) -> None:
    command = load_command("check")
    assert isinstance(command, Command)
    read, rest = Parser("check", command).parse_known_intermixed_args(list(line))
    usual = command.read_usual(line)

    assert rest == []
    assert usual is not None
    assert command.values(usual) == command.values(vars(read))


@pytest.mark.parametrize(
    "line",
    [
        ("--format", "frobnicate", "a"),
        ("--format=json", "a"),
        ("--format", "--rule", "a"),
        ("--no-tree", "a"),
        ("--git", "linux", "A..B"),
        ("--frobnicate", "a"),
        ("--rule",),
        ("--", "-a"),
        ("--help",),
        ("-5",),
    ],
    ids=" ".join,
)
def test_argparse_reads_all_other_command_lines(line: tuple[str, ...]) -> None:
    command = load_command("check")
    assert isinstance(command, Command)

    assert command.read_usual(line) is None


@pytest.mark.parametrize(
    "arguments",
    [
        ("audit", ""),
        ("digest", "--for", ""),
        ("replay", "--mails", "", "list.git"),
        ("check", "--git", "", "A..B"),
        ("tree", "used-by", ""),
        ("rules", ""),
    ],
)
def test_an_empty_value_is_a_variable_that_a_script_lost(patchwarden: Call, arguments: tuple[str, ...]) -> None:
    status, out, err = patchwarden(*arguments)

    assert (status, out, err.endswith("value is empty\n")) == (2, "", True)


def test_an_emergency_needs_no_reason(patchwarden: Call, archive: Path) -> None:
    patchwarden("run", "--once", "--archive", str(archive))

    assert (patchwarden("stop", "")[0], Path("var/stop").exists()) == (0, True)

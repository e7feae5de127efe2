# SPDX-License-Identifier: GPL-2.0-or-later
import json
import pickle
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.cli.init import template
from bot.error import SettingsError
from bot.review.consent import Mode
from bot.settings import aliases
from bot.settings.kernel import KernelRepository
from bot.settings.load import _anchored, deprecations, load, unknown_variables
from bot.settings.paths import displayed
from bot.settings.table import Table, is_table
from bot.settings.tables import ListSettings, ReviewSettings, Settings
from bot.settings.types import similar_list
from rules.finding import Severity


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_runs_without_any_file() -> None:
    settings = load()

    assert Path("var/patchwarden.db").absolute() == settings.database
    assert {} == settings.lists


def test_file_in_working_directory_is_read() -> None:
    Path("patchwarden.toml").write_text('database = "here.db"\n')

    assert Path("here.db").absolute() == load().database


def test_a_byte_order_mark_is_ignored() -> None:
    Path("patchwarden.toml").write_text('database = "here.db"\n', "utf-8-sig")

    assert Path("here.db").absolute() == load().database


@pytest.fixture
def service(tmp_path: Path) -> Path:
    """A settings file in a folder that is not the working directory."""
    (tmp_path / "service").mkdir()
    return tmp_path / "service" / "s.toml"


def test_paths_start_at_the_folder_of_the_settings_file(service: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service.write_text(
        "archives = ['a.git', '/b.git']\n[sending]\npassword_file = '../password'\n[commands]\nmailbox = 'mail'\n"
        "[kernel]\nrepositories = [{ path = 'linux.git' }]\n"
    )
    monkeypatch.setenv("PATCHWARDEN_OUTBOX__DIRECTORY", "out")
    monkeypatch.setenv("PATCHWARDEN_DATA_DIR", "/elsewhere")

    settings = load(service)

    folder = service.parent
    assert settings.database == folder / "var" / "patchwarden.db"
    assert settings.archives == (folder / "a.git", Path("/b.git"))
    assert settings.sending.password_file == folder / ".." / "password"
    assert settings.commands.mailbox == folder / "mail"
    assert settings.kernel.repositories[0].path == folder / "linux.git"
    assert settings.outbox.directory == folder / "out"
    assert settings.stop_file == folder / "var" / "stop"


def test_no_path_of_the_settings_stays_relative(service: Path) -> None:
    service.write_text(re.sub(r"^#(?! )", "", template(), flags=re.MULTILINE))

    assert [] == [path for path in _paths(load(service)) if not path.is_absolute()]
    assert len(list(_paths(Settings()))) > 5


def test_a_link_to_the_settings_means_the_same_database(service: Path, tmp_path: Path) -> None:
    service.write_text("")
    (tmp_path / "link.toml").symlink_to(service)

    assert load(tmp_path / "link.toml") == load(service)


@pytest.mark.parametrize(
    ("variables", "folder"),
    [
        ({}, "."),
        ({"STATE_DIRECTORY": "{}/state:{}/other"}, "state"),
        ({"STATE_DIRECTORY": "{}/state", "PATCHWARDEN_DATA_DIR": "{}/data"}, "data"),
        ({"PATCHWARDEN_DATA_DIR": "data"}, "data"),
        ({"PATCHWARDEN_DATA_DIR": "", "STATE_DIRECTORY": ""}, "."),
    ],
)
def test_without_a_file_paths_start_at_the_data_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], folder: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value.replace("{}", str(tmp_path)))
    monkeypatch.setenv("PATCHWARDEN_OUTBOX__DIRECTORY", "out")

    settings = load()

    assert settings.database == tmp_path / folder / "var" / "patchwarden.db"
    assert settings.outbox.directory == tmp_path / folder / "out"


@pytest.mark.parametrize(
    ("text", "key", "old"),
    [
        ("", "database", "var/patchwarden.db"),
        ("database = 'd.db'\n", "database", "d.db"),
        ("database = '/absent/d.db'\n", "sending.stop_file", "var/stop"),
        ("[sending]\nstop_file = 'halt'\n", "sending.stop_file", "halt"),
    ],
)
def test_what_lies_where_a_path_led_before_is_not_replaced_silently(
    service: Path, tmp_path: Path, text: str, key: str, old: str, caplog: pytest.LogCaptureFixture
) -> None:
    service.write_text(text)
    before = tmp_path / old
    before.parent.mkdir(exist_ok=True)
    before.write_bytes(b"")

    with pytest.raises(SettingsError, match=re.escape(f'write {key} = "{before}"')):
        load(service)

    now = service.parent / old
    if text.startswith("database = '/"):
        return
    now.parent.mkdir(exist_ok=True)
    now.write_bytes(b"")
    load(service)
    assert [f"{key}: {now} is used; {before} in the working directory is another file and is ignored"] == [
        record.getMessage() for record in caplog.records
    ]
    caplog.clear()
    now.unlink()
    now.hardlink_to(before)
    load(service)
    assert [] == caplog.records


def test_environment_goes_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("patchwarden.toml").write_text('[review]\nseverity = "nit"\nstale_hours = 5\n')
    monkeypatch.setenv("PATCHWARDEN_REVIEW__SEVERITY", "bug")

    review = load().review

    assert (Severity.BUG, 5) == (review.severity, review.stale_hours)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("databas = 'x'\n", "settings s.toml:1: databas: no such setting"),
        ("\n[review]\n\nseverty = 1\n", "settings s.toml:4: review.severty: no such setting"),
        ("[reviews]\nx = 1\n", "settings s.toml:1: reviews: no such setting"),
        ("[review]\nstale_hours = -1\n", "settings s.toml:2: review.stale_hours: must be at least 0"),
        ("[identity]\naddress = 'A <a@example.org>'\n", "settings s.toml:2: identity.address: not a plain address"),
        ("[sending]\ntransport = 'smtp'\n", 'settings s.toml:1: sending: transport "smtp" needs a host'),
        (
            "[sending]\ntransport = 'smtp'\nhost = 'mail.example.org'\nsecurity = 'none'\n",
            'settings s.toml:1: sending: security "none" is only allowed for a mail server on this machine',
        ),
        ("[lists.'l@example.org']\nquiet_hours = '25-3'\n", "settings s.toml:2: lists.l@example.org.quiet_hours"),
        ("database = \n", "settings s.toml: not TOML: Invalid value (at line 1"),
        ("database = 5\n", "settings s.toml:1: database: not a path"),
        ("'da=ta' = 5\n", "settings s.toml: da=ta: no such setting"),
        ("[review]\nstale_hours = 8760001\n", "settings s.toml:2: review.stale_hours: must be at most 8760000"),
        ("[retention]\nreviews_days = 365001\n", "settings s.toml:2: retention.reviews_days: must be at most 365000"),
        (f"[sending]\nmax_attempts = {2**31}\n", "settings s.toml:2: sending.max_attempts: must be at most 2147483647"),
        (f"database = {'9' * 5_000}\n", "settings s.toml: not TOML: Exceeds the limit"),
        (f"archives = {'[' * 9_000}\n", "settings s.toml: not TOML: maximum recursion depth"),
        ('archives = ["a\\u0000b"]\n', "settings s.toml:1: archives.0: must not contain a NUL"),
        ("[lore]\nlists = ['http://a:99999/x/']\n", "settings s.toml:2: lore.lists.0: Port out of range"),
        ("database = '/'\n", "settings s.toml:1: database: must name a file"),
        ("database = ''\n", "settings s.toml:1: database: must not be empty"),
        ("archives = ['']\n", "settings s.toml:1: archives.0: must not be empty"),
        ("[web]\nhost = ''\n", "settings s.toml:2: web.host: must be an address of this machine"),
        (
            "[lists.'l@example.org']\nquiet_hours = '07-7'\n",
            "settings s.toml:1: lists.l@example.org: quiet_hours: 07-7",
        ),
        (
            "[lists.'L@example.org']\nmode = 'off'\n[lists.'l@example.org']\nmode = 'dry-run'\n",
            "settings s.toml:3: lists.l@example.org: the same address as L@example.org",
        ),
    ],
)
def test_wrong_file_is_refused_with_line_and_key(text: str, expected: str) -> None:
    Path("s.toml").write_text(text)

    with pytest.raises(SettingsError, match=re.escape(expected)):
        load(Path("s.toml"))


def test_all_problems_are_reported_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("s.toml").write_text(
        "databas = 'x'\ndatabase = 'mysql://host/db'\narchives = 'a.git'\nweb = 4\ndefault_mode = 'list'\n"
        "[review]\nseverity = 'bugs'\nworkers = 1\npending_days = 1.5\nbots = ['a@example.org', 'x']\n"
        "[sending]\nresend = 'perhaps'\nport = true\nhost = 4\n"
        "bounces = 'x@{token}'\n[precision]\nmax_dispute_rate = nan\n"
        "[digest]\ntime = '25:00'\n[kernel]\nrepositories = [{ remote = 'r' }, { path = 4 }]\n"
    )
    monkeypatch.setenv("PATCHWARDEN_WEB__PORT", "70000")
    monkeypatch.setenv("PATCHWARDEN_LORE__LISTS", "[")
    monkeypatch.setenv("patchwarden_lore__window_days", "x")

    with pytest.raises(SettingsError) as caught:
        load(Path("s.toml"))

    json_error = "Expecting value: line 1 column 2 (char 1)"
    assert str(caught.value).replace("settings ", "").split("\n") == [
        f"environment PATCHWARDEN_LORE__LISTS: lore.lists: must be a list or a table in JSON: {json_error}",
        "s.toml:2: database: not the URL of a PostgreSQL database, such as postgresql+psycopg://user@host/name",
        's.toml:3: archives: must be a list, such as ["a", "b"]',
        "environment patchwarden_lore__window_days: lore.window_days: must be a whole number",
        "s.toml:7: review.severity: must be 'note', 'nit', 'warning' or 'bug'; did you mean 'bug'?",
        "s.toml:9: review.pending_days: must be a whole number",
        "s.toml:8: review.workers: must be at least 2",
        "s.toml:10: review.bots.1: not a plain address of the form local@domain",
        "s.toml:14: sending.host: must be text; write it between quotes",
        "s.toml:13: sending.port: must be a whole number",
        's.toml:15: sending.bounces: not an address of the form "bounces+{token}@your.domain"',
        "s.toml:12: sending.resend: must be true or false",
        "s.toml:17: precision.max_dispute_rate: must be a number",
        's.toml:19: digest.time: must be a time of day, such as "07:00"',
        "s.toml:21: kernel.repositories.0.path: is required",
        "s.toml:21: kernel.repositories.1.path: not a path; write it between quotes",
        "environment PATCHWARDEN_WEB__PORT: web.port: must be at most 65535",
        "s.toml:5: default_mode: must be 'off' or 'dry-run'",
        "s.toml:1: databas: no such setting; did you mean 'database'?",
    ]


def test_a_value_that_is_no_table_is_reported() -> None:
    Path("s.toml").write_text("web = 4\n[lists]\n'l@example.org' = 5\n")

    with pytest.raises(SettingsError) as caught:
        load(Path("s.toml"))

    assert str(caught.value).split("\n") == [
        "settings s.toml:1: web: must be a table",
        "settings s.toml:3: lists.l@example.org: must be a table",
    ]


@pytest.mark.parametrize(
    ("variables", "place"),
    [
        ({"SENDING__TRANSPORT": "smtp"}, "environment PATCHWARDEN_SENDING__TRANSPORT: sending: transport"),
        ({"LISTS": '{"l@example.org": {"mode": "x"}}'}, "environment PATCHWARDEN_LISTS: lists.l@example.org.mode: "),
        ({"REVIEW": "[]", "REVIEW__WORKERS": "3"}, "environment PATCHWARDEN_REVIEW: review: must be a table"),
        ({"REVIEW__WORKERS": "x"}, "environment PATCHWARDEN_REVIEW__WORKERS: review.workers: "),
    ],
)
def test_a_problem_names_the_variable_that_overrides_the_file(
    variables: dict[str, str], place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("patchwarden.toml").write_text("[review]\nworkers = 4\n")
    for name, value in variables.items():
        monkeypatch.setenv(f"PATCHWARDEN_{name}", value)

    with pytest.raises(SettingsError, match=re.escape(f"settings {place}")):
        load()


def test_variables_give_lists_and_tables_as_json_and_the_rest_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("patchwarden.toml").write_text("[review]\nstale_hours = 4\npending_days = 5\n[lists.'l@example.org']\n")
    for name, value in {
        "REVIEW": '{"workers": 3, "pending_days": 6}',
        "REVIEW__WORKERS": " 7 ",
        "SENDING__RESEND": "Yes",
        "SENDING__SENDMAIL": '["a", "b"]',
        "PRECISION__MAX_DISPUTE_RATE": "0.5",
        "IDENTITY__NAME": "5",
        "KERNEL": '{"index": null}',
        "COMMANDS__MAILBOX": "",
        "LISTS__L@EXAMPLE.ORG__QUIET_HOURS": "22-7",
        "LISTS__L@EXAMPLE.ORG__MAINTAINERS": '["m@example.org"]',
    }.items():
        monkeypatch.setenv(f"PATCHWARDEN_{name}", value)

    settings = load()

    assert settings.review == ReviewSettings(stale_hours=4, pending_days=6, workers=7)
    assert (settings.sending.resend, settings.sending.sendmail) == (True, ("a", "b"))
    assert (settings.precision.max_dispute_rate, settings.identity.name, settings.kernel.index) == (0.5, "5", None)
    assert settings.commands.mailbox == ""
    assert settings.lists == {"l@example.org": ListSettings(quiet_hours="22-7", maintainers=("m@example.org",))}


@pytest.mark.parametrize(
    ("value", "expected"), [("true", True), ("'on'", True), ("1", True), ("'F'", False), ("0", False), ("'no'", False)]
)
def test_a_truth_value_may_be_a_word_or_a_digit(value: str, expected: bool) -> None:
    Path("s.toml").write_text(f"[lore]\nverify = {value}\n[sending]\nport = '25'\ntimeout_seconds = 5.0\n")

    settings = load(Path("s.toml"))

    assert settings.lore.verify is expected
    assert (settings.sending.port, settings.sending.timeout_seconds) == (25, 5)


def test_a_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHWARDEN_PATCHWORK__TOKEN", "abc123")

    settings = load()

    assert settings.patchwork.token == "abc123"
    assert "abc123" not in repr(settings)
    assert "token='***'" in repr(settings)


def test_settings_cannot_be_changed_and_have_no_other_names() -> None:
    settings = Settings()
    with pytest.raises(AttributeError, match="cannot change the setting 'archives'"):
        setattr(settings, "archives", ())  # noqa: B010 mypy knows that it cannot be set
    with pytest.raises(AttributeError, match="cannot change the setting 'port'"):
        del settings.web.port

    assert settings.copy(archives=(Path("a"),)).archives == (Path("a"),)
    assert settings == Settings() != settings.copy(archives=(Path("a"),))
    assert hash(settings.web) == hash(Settings().web)
    assert pickle.loads(pickle.dumps(settings)) == settings
    with pytest.raises(TypeError, match="ReviewSettings: missing or unknown: worker"):
        settings.review.copy(worker=3)
    with pytest.raises(TypeError, match="KernelRepository: missing or unknown: path"):
        KernelRepository()


def test_the_log_is_set_by_the_environment_too(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (load().log.format, load().log.level) == ("text", "info")
    monkeypatch.setenv("PATCHWARDEN_LOG__FORMAT", "json")
    monkeypatch.setenv("PATCHWARDEN_LOG__LEVEL", "debug")

    assert (load().log.format, load().log.level) == ("json", "debug")
    monkeypatch.setenv("PATCHWARDEN_LOG__LEVEL", "debgu")
    with pytest.raises(SettingsError, match=r"environment PATCHWARDEN_LOG__LEVEL: .*did you mean 'debug'"):
        load()


def test_missing_file_that_was_asked_for_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"absent\.toml"):
        load(Path("absent.toml"))


def test_wrong_variable_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHWARDEN_REVIEW__SEVERITY", "loud")

    with pytest.raises(SettingsError, match="environment PATCHWARDEN_REVIEW__SEVERITY"):
        load()


def test_variable_that_is_no_setting_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHWARDEN_DATABAS", "x")
    monkeypatch.setenv("PATCHWARDEN_REVIEW__SEVERITY", "bug")

    assert unknown_variables() == [
        "environment: PATCHWARDEN_DATABAS is not a setting; did you mean 'PATCHWARDEN_DATABASE'?"
    ]
    with pytest.raises(SettingsError, match="PATCHWARDEN_DATABAS is not a setting"):
        load()


@pytest.mark.parametrize("name", ["PATCHWARDEN_DATABASE__X", "PATCHWARDEN_REVIEW__SEVERTY", "PATCHWARDEN_"])
def test_variable_below_or_beside_a_setting_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "x")

    with pytest.raises(SettingsError, match=name):
        load()


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ('[review]\nwithheld_rules = ["missing-safety-coment"]', "s.toml:2: .*did you mean 'missing-safety-comment'"),
        ('[lists."rust@lists.example.org"]\nwithheld_rules = ["no-such-rule"]', "s.toml:2: .*'no-such-rule'"),
        ('[precision]\nexempt_rules = ["no-such-rule"]', "s.toml:2: .*'no-such-rule'"),
        ('[lists."rust-for-linux@vger.kernal.org"]', "s.toml:1: .*did you mean rust-for-linux@vger.kernel.org"),
        ('[lists."rust-for-linx@vger.kernel.org"]', "s.toml:1: .*did you mean rust-for-linux@vger.kernel.org"),
        ('[lists."rust@lists.linux.dve"]', "s.toml:1: .*did you mean rust@lists.linux.dev"),
        ('[review]\nseverty = "bug"', "s.toml:2: .*did you mean 'severity'"),
        ('[log]\narchives = ["a.git"]', "s.toml:2: log.archives: no such setting; write it before the first table"),
        ('[review]\nkeyring = "k"', r"s.toml:2: review.keyring: no such setting; it is a setting of \[lore\]"),
        ('[review]\nseverity = "bugs"', "s.toml:2: .*did you mean 'bug'"),
        ('[log]\nformat = "jsno"', "s.toml:2: log.format: .*did you mean 'json'"),
        ('[log]\nlevel = "WARN"', "s.toml:2: log.level: .*did you mean 'warning'"),
        ('[log]\nformt = "json"', "s.toml:2: log.formt: .*did you mean 'format'"),
        (
            '[people."a@example.org"]\nconsent = "https://x.example.org/1"\nlists = ["linux-blok@vger.kernel.org"]',
            r"s.toml:3: people\.a@example\.org\.lists\.0: .*did you mean linux-block@vger.kernel.org",
        ),
        ('[lists."linux-blcok@vger.kernel.org"]', r"s.toml:1: lists\.linux-blcok@vger\.kernel\.org: looks"),
    ],
)
def test_what_looks_misspelt_is_an_error_with_a_suggestion(text: str, suggestion: str) -> None:
    Path("s.toml").write_text(f"{text}\n")

    with pytest.raises(SettingsError, match=suggestion):
        load(Path("s.toml"))


@pytest.mark.parametrize("address", ["linux-api@vger.kernel.org", "linux-spi@vger.kernel.org", "a@lists.example.org"])
def test_an_unknown_list_is_no_error(address: str) -> None:
    Path("s.toml").write_text(f'[lists."{address}"]\n')

    assert address in load(Path("s.toml")).lists


KNOWN = (
    "ath10k@lists.example.org",
    "linux-api@lists.example.org",
    "linux-firmwares@lists.example.org",
    "linux-leds@lists.example.org",
    "linux-wireless@lists.example.org",
    "netdev@lists.example.org",
)


@pytest.mark.parametrize(
    ("address", "meant"),
    [
        ("netdve@lists.example.org", "netdev@lists.example.org"),
        ("NETDV@lists.example.org", "netdev@lists.example.org"),
        ("linux-wirelss@lists.example.org", "linux-wireless@lists.example.org"),
        ("linux-wirels@lists.example.org", ""),
        ("linux-firmwae@lists.example.org", "linux-firmwares@lists.example.org"),
        ("linux-leds@lists.example.com", ""),
        ("linux-aip@lists.example.org", "linux-api@lists.example.org"),
        ("linux-spi@lists.example.org", ""),
        ("linux-acpi@lists.example.org", ""),
        ("linux-led@lists.example.org", ""),
        ("ath11k@lists.example.org", ""),
        ("ath100k@lists.example.org", ""),
        ("netdev@lists.exmaple.org", "netdev@lists.example.org"),
        ("netdve@lists.exmaple.org", ""),
        ("netdev@lists.corp.example.org", ""),
        ("netdev", ""),
    ],
)
def test_a_short_name_is_no_misspelling_of_another(address: str, meant: str) -> None:
    assert similar_list(address, KNOWN) == meant


def test_a_host_that_is_short_is_no_misspelling_of_another() -> None:
    assert similar_list("kernel@axis.test", ["kernel@ixis.test"]) == "kernel@ixis.test"
    assert similar_list("kernel@axs.test", ["kernel@axi.test"]) == ""


@pytest.mark.parametrize("mode", [Mode.AUTHOR, Mode.LIST])
def test_public_mode_needs_consent(mode: Mode) -> None:
    table = f'[lists."l@example.org"]\nmode = "{mode}"\n'
    Path("s.toml").write_text(table)
    with pytest.raises(SettingsError, match=r"s\.toml:1: .*needs consent"):
        load(Path("s.toml"))

    agreed = table + 'consent = "https://lore.example.org/agreed"\n'
    Path("s.toml").write_text(agreed)
    with pytest.raises(
        SettingsError, match=r"s\.toml: lists: l@example\.org: mode \w+ needs a transport in \[sending\]"
    ):
        load(Path("s.toml"))

    Path("s.toml").write_text(f'{agreed}[sending]\ntransport = "smtp"\nhost = "localhost"\n')
    with pytest.raises(SettingsError, match=r"needs your own address in \[identity\]"):
        load(Path("s.toml"))

    Path("s.toml").write_text(f'{agreed}embargo_hours = 72\n[sending]\ntransport = "maildir"\n')
    with pytest.raises(SettingsError, match="expire before embargo_hours have passed"):
        load(Path("s.toml"))

    Path("s.toml").write_text(f'{agreed}[sending]\ntransport = "maildir"\n')

    assert mode == load(Path("s.toml")).lists["l@example.org"].mode


def test_the_written_file_documents_every_setting() -> None:
    text = template()

    for name in _names(Settings):
        assert re.search(rf"^# [^\n]+\n#{name} = ", text, re.MULTILINE), name


def test_the_written_file_uncommented_is_the_defaults(tmp_path: Path) -> None:
    Path("s.toml").write_text(re.sub(r"^#(?! )", "", template(), flags=re.MULTILINE))

    loaded = load(Path("s.toml"))

    assert _anchored(Settings(), tmp_path) == loaded.copy(lists={})
    assert [ListSettings()] == list(loaded.lists.values())


def test_the_written_file_loads_as_it_is(tmp_path: Path) -> None:
    Path("s.toml").write_text(template())

    assert _anchored(Settings(), tmp_path) == load(Path("s.toml"))


def _paths(value: object) -> Iterator[Path]:
    """Every path in the settings."""
    if isinstance(value, Path):
        yield value
    for item in value if isinstance(value, tuple) else vars(value).values() if isinstance(value, Table) else ():
        yield from _paths(item)


def _names(table: type[Table]) -> list[str]:
    names = []
    for name, setting in table.settings.items():
        kind = ListSettings if name == "lists" else setting.kind
        names += _names(kind) if is_table(kind) else [name]
    return names


@pytest.mark.parametrize(
    "line", ['[kernel]\nscreened_archives = ["a.git"]', '[lore]\nscreened_lists = ["https://x.example.org/netdev/"]']
)
def test_screening_needs_a_kernel(line: str) -> None:
    Path("s.toml").write_text(f"{line}\n")
    with pytest.raises(SettingsError, match=r"s\.toml: .*kernel tree, but \[kernel\] names no repositories"):
        load(Path("s.toml"))


@pytest.mark.parametrize("consent", ["", 'consent = ""', 'consent = "http://x.example.org/1"', 'consent = "https://"'])
def test_nobody_gets_copies_without_their_own_agreement(consent: str) -> None:
    Path("s.toml").write_text(f'[people."ann@example.org"]\n{consent}\n')

    with pytest.raises(SettingsError, match=r"ann@example\.org: needs consent"):
        load(Path("s.toml"))


def test_a_person_s_agreement_is_read() -> None:
    table = '[people."ann@example.org"]\nconsent = "https://x.example.org/1"\nlists = ["rust@lists.example.org"]\n'
    Path("s.toml").write_text(table)

    assert load(Path("s.toml")).people["ann@example.org"].lists == ("rust@lists.example.org",)


LIST = "rust@lists.example.org"
RENAMED = {
    "answers.mailbox": ("commands.mailbox", "mail"),
    "answers.most_a_day": ("commands.max_replies_per_person_per_day", 7),
    "answers.most_a_day_in_all": ("commands.max_replies_per_day", 8),
    "digest.quiet_days": ("digest.inactive_days", 9),
    "kernel.screened": ("kernel.screened_archives", ["a.git"]),
    f"lists.{LIST}.list_cap": (f"lists.{LIST}.max_mails_per_day", 2),
    f"lists.{LIST}.without": (f"lists.{LIST}.withheld_rules", ["missing-safety-comment"]),
    "lore.everything": ("lore.lookup_url", "https://lore.example.org/all/"),
    "lore.screened": ("lore.screened_lists", ["https://lore.example.org/netdev/"]),
    "precision.kept": ("precision.exempt_rules", ["missing-safety-comment"]),
    "precision.least_said": ("precision.min_findings", 30),
    "precision.most_not_applicable": ("precision.max_dispute_rate", 0.5),
    "review.without": ("review.withheld_rules", ["missing-safety-comment"]),
    "sending.author_cap": ("sending.max_mails_per_author_per_day", 4),
    "sending.hour_cap": ("sending.max_mails_per_hour", 5),
    "sending.list_cap": ("sending.max_mails_per_list_per_day", 6),
    "sending.recipients_cap": ("sending.max_recipients", 50),
    "sending.series_cap": ("sending.max_mails_per_series", 2),
    "sending.size_cap": ("sending.max_mail_bytes", 30_000),
    "unlisted": ("default_mode", "off"),
}
KERNEL = json.dumps([{"path": "linux.git"}])


def _path(name: str) -> list[str]:
    return ["lists", LIST, name.rpartition(".")[2]] if name.startswith("lists.") else name.split(".")


def _toml(name: str, value: object) -> str:
    *tables, key = _path(name)
    table = "".join(f"[{'.'.join(map(json.dumps, tables))}]\n" if tables else "")
    return f"{table}{key} = {json.dumps(value)}\n"


def _variable(name: str) -> str:
    return f"PATCHWARDEN_{'__'.join(_path(name)).upper()}"


def test_every_old_name_is_tested() -> None:
    tested = {(*_path(new)[:-1], _path(old)[-1]) for old, (new, _) in RENAMED.items()} - {("commands", "mailbox")}

    renamed = {tuple(LIST if key == "*" else key for key in path) for path in aliases.RENAMED}
    assert renamed == tested | {("answers",)}


@pytest.mark.parametrize("old", RENAMED)
def test_an_old_name_in_the_file_works_with_a_warning(
    old: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    new, value = RENAMED[old]
    monkeypatch.setenv("PATCHWARDEN_KERNEL__REPOSITORIES", KERNEL)
    Path("new.toml").write_text(_toml(new, value))
    Path("old.toml").write_text(_toml(old, value))

    expected = load(Path("new.toml"))
    assert [] == caplog.records
    assert expected == load(Path("old.toml"))

    assert expected != load()
    warnings = [record.getMessage() for record in caplog.records]
    assert warnings[-1].endswith("is deprecated; write " + ("commands" if old == "answers.mailbox" else new))
    assert warnings[0].startswith("settings old.toml:")
    assert warnings == deprecations(Path("old.toml"))


@pytest.mark.parametrize("old", [name for name in RENAMED if not name.startswith("lists.")])
def test_an_old_variable_works_with_a_warning(
    old: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    new, value = RENAMED[old]
    text = value if isinstance(value, str) else json.dumps(value)
    monkeypatch.setenv("PATCHWARDEN_KERNEL__REPOSITORIES", KERNEL)
    defaults = load()
    with monkeypatch.context() as environment:
        environment.setenv(_variable(new), text)
        expected = load()
    monkeypatch.setenv(_variable(old), text)

    assert defaults != expected == load()
    assert [record.getMessage() for record in caplog.records] == [
        f"environment: {_variable(old)} is deprecated; set {_variable(new)}"
    ]


@pytest.mark.parametrize("old", RENAMED)
def test_a_setting_by_both_names_is_refused(old: str, monkeypatch: pytest.MonkeyPatch) -> None:
    new, value = RENAMED[old]
    if _path(old)[:-1] == _path(new)[:-1]:
        Path("s.toml").write_text(_toml(new, value) + f"{_path(old)[-1]} = {json.dumps(value)}\n")
    else:
        Path("s.toml").write_text(_toml(new, value) + _toml(old, value))

    with pytest.raises(SettingsError, match=r"is the old name of .*; give only one"):
        load(Path("s.toml"))

    monkeypatch.setenv(_variable(old), json.dumps(value))
    monkeypatch.setenv(_variable(new), json.dumps(value))
    with pytest.raises(SettingsError, match=f"{_variable(old).upper()} is the old name of {_variable(new).upper()}"):
        load()


def test_old_names_within_a_variable_work_with_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHWARDEN_LISTS", json.dumps({LIST: {"list_cap": 2}}))
    monkeypatch.setenv("PATCHWARDEN_ANSWERS", json.dumps({"most_a_day": 3}))

    settings = load()

    assert (settings.lists[LIST].max_mails_per_day, settings.commands.max_replies_per_person_per_day) == (2, 3)
    assert deprecations() == [
        "environment: PATCHWARDEN_ANSWERS is deprecated; set PATCHWARDEN_COMMANDS",
        "environment: commands.most_a_day is deprecated; write commands.max_replies_per_person_per_day",
        f"environment: lists.{LIST}.list_cap is deprecated; write lists.{LIST}.max_mails_per_day",
    ]


def test_an_error_in_a_setting_with_an_old_name_tells_its_line_and_that_name() -> None:
    Path("s.toml").write_text("\n[answers]\nmost_a_day = -1\n")

    with pytest.raises(
        SettingsError, match=r"s\.toml:3: commands\.max_replies_per_person_per_day \(given as most_a_day\): "
    ):
        load(Path("s.toml"))


def test_a_variable_with_an_old_name_overrides_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("s.toml").write_text("[sending]\nmax_mails_per_hour = 2\n")
    monkeypatch.setenv("PATCHWARDEN_SENDING__HOUR_CAP", "3")

    assert load(Path("s.toml")).sending.max_mails_per_hour == 3


def test_a_setting_with_a_pattern_says_in_words_what_it_takes() -> None:
    patterns = [
        setting
        for table in Table.__subclasses__()
        for setting in table.settings.values()
        if setting.pattern is not None
    ]

    assert patterns
    assert all(setting.form for setting in patterns)


def test_the_files_of_a_server_are_where_the_settings_say(tmp_path: Path) -> None:
    url = "postgresql+psycopg://patchwarden@host/patchwarden"
    file = tmp_path / "s.toml"
    file.write_text(f"database = '{url}'\n")
    default = load(file)
    file.write_text(f"database = '{url}'\ndatabase_files = '/srv/patchwarden/x.db'\n")
    chosen = load(file)

    assert (default.server, default.database) == (url, tmp_path / "var" / "patchwarden.db")
    assert (chosen.server, chosen.database, chosen.stop_file) == (
        url,
        Path("/srv/patchwarden/x.db"),
        Path("/srv/patchwarden/stop"),
    )


def test_a_path_is_displayed_relative_only_where_that_tells_its_reader_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    below = displayed(tmp_path / "var" / "x.db")
    monkeypatch.chdir("/")

    assert (below, displayed(Path("/srv/x.db"))) == ("var/x.db", "/srv/x.db")

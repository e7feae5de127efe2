# SPDX-License-Identifier: GPL-2.0-or-later
"""Load the settings from a TOML file and the environment, and say what is wrong in them, with file and line."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from bot.error import SettingsError
from bot.settings import DEFAULT_FILE, PREFIX, settings_file, variables
from bot.settings.aliases import (
    KeyPath,
    RepeatedSettingError,
    log_deprecation,
    new_path,
    new_variable,
    old_names,
    with_new_names,
)
from bot.settings.conversion import Problem, read_table
from bot.settings.environment import Environment
from bot.settings.paths import DATA_DIR, base_directory, refuse_moved
from bot.settings.table import Table, tables_in
from bot.settings.tables import Settings
from bot.suggestion import suggestion

_SERVER_SCHEME: Final = "postgresql+psycopg"


def server_problem(url: str) -> str:
    """Return what is wrong with the URL of a database, or ""."""
    parts = urlsplit(url)
    if parts.scheme != _SERVER_SCHEME:
        return "not the URL of a PostgreSQL database, such as postgresql+psycopg://user@host/name"
    if not parts.path.strip("/"):
        return "the URL does not name a database; add its name after the host, as in postgresql+psycopg://host/name"
    return ""


def load(path: Path | None = None) -> Settings:
    """Return the settings of `settings_file(path)`, overridden by the environment.

    All paths in them are absolute. Log a warning for each old name. Raises SettingsError, which names file, line and
    key.
    """
    file = settings_file(path)
    if unknown := unknown_variables():
        raise SettingsError("\n".join(unknown))
    text, values = _read(file)
    try:
        environment = Environment(Settings)
        given = _merged(with_new_names(values), with_new_names(environment.values))
    except RepeatedSettingError as error:
        raise SettingsError(f"settings: {error}") from error
    problems = environment.problems
    written = read_settings(given, problems)
    if written is None or problems:
        places = {**_lines(file, text), **environment.places}
        old = {new: written[-1] for written, new in old_names(values) if new not in environment.places}
        raise SettingsError(
            "\n".join(_explain(file or Path(DEFAULT_FILE), places, problem, old) for problem in problems)
        )
    for warning in _deprecations(file, text, values, environment):
        log_deprecation(warning)
    settings: Settings = _anchored(written, base_directory(file))
    refuse_moved("database", written.database, settings.database)
    refuse_moved("sending.stop_file", Path(written.sending.stop_file or "var/stop"), settings.stop_file)
    return settings


def read_settings(values: Mapping[str, Any], problems: list[Problem]) -> Settings | None:
    """Return the settings with these values, else defaults. If there are problems, add them to the list.

    The URL of a server is kept apart from the path of its files, which takes the place of that of the database.
    """
    url = values.get("database")
    if not isinstance(url, str) or "://" not in url:
        return read_table(Settings, values, problems)
    if problem := server_problem(url):
        problems.append((("database",), problem))
    settings = read_table(Settings, {key: value for key, value in values.items() if key != "database"}, problems)
    return None if settings is None else settings.copy(server=url, database=settings.database_files)


def _merged(table: Mapping[str, Any], overriding: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of both tables, and of the tables in them."""
    merged = dict(table)
    for key, value in overriding.items():
        below = merged.get(key)
        merged[key] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _anchored(value: Any, base: Path) -> Any:
    """Return the value with absolute paths."""
    if isinstance(value, Path):
        return base / value
    if isinstance(value, tuple):
        return tuple(_anchored(item, base) for item in value)
    if isinstance(value, dict):
        return {key: _anchored(item, base) for key, item in value.items()}
    if isinstance(value, Table):
        return value.copy(**_anchored(vars(value), base))
    return value


def deprecations(path: Path | None = None) -> list[str]:
    """Return a warning for each old name of a setting in the settings file and in the environment."""
    file = settings_file(path)
    return list(_deprecations(file, *_read(file), Environment(Settings)))


def _deprecations(file: Path | None, text: str, values: Mapping[str, Any], environment: Environment) -> Iterator[str]:
    for old, new in old_names(values):
        place = _nearest(_lines(file, text), new, file)
        yield f"settings {place}: {'.'.join(old)} is deprecated; write {'.'.join(new)}"
    for name in variables():
        if (renamed := new_variable(name.lower()).upper()) != name.upper():
            yield f"environment: {name} is deprecated; set {renamed}"
    for old, new in old_names(environment.values):
        yield f"environment: {'.'.join(old)} is deprecated; write {'.'.join(new)}"


def unknown_variables() -> list[str]:
    """Return an error for each variable of the environment that has the prefix of settings but is not a setting.

    `load` reports unknown keys within a table.
    """
    tables = {name.upper() for name, setting in Settings.settings.items() if tables_in(setting.kind)}
    known = {f"{PREFIX}{name.upper()}" for name in Settings.settings} | {DATA_DIR}
    errors = []
    for name in variables():
        variable = new_variable(name.lower()).upper()
        table, below, _ = variable.removeprefix(PREFIX).partition("__")
        if variable not in known and not (below and table in tables):
            errors.append(f"environment: {name} is not a setting{suggestion(variable, known)}")
    return errors


def _read(file: Path | None) -> tuple[str, dict[str, Any]]:
    """Return the text of the settings file and its values. Raises SettingsError."""
    if file is None:
        return "", {}
    import tomllib

    try:
        text = file.read_text("utf-8-sig")  # some editors begin a file with a byte order mark
        return text, tomllib.loads(text)
    except PermissionError as error:
        raise SettingsError(f"settings {file}: {error.strerror}; let the user of the service read it") from error
    except OSError as error:
        raise SettingsError(f"settings {file}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise SettingsError(f"settings {file}:{line}: not UTF-8 text") from error
    except (ValueError, RecursionError) as error:  # Python limits the digits of a number and the depth of lists
        raise SettingsError(f"settings {file}: not TOML: {error}") from error


def _explain(file: Path, places: Mapping[KeyPath, str], problem: Problem, old: Mapping[KeyPath, str]) -> str:
    """Return where the problem is, with the old name of the setting if it is given by that name."""
    path, text = problem
    if not path:
        return f"settings {file}: {text}"
    name = next((f" (given as {old[path[:end]]})" for end in range(len(path), 0, -1) if path[:end] in old), "")
    return f"settings {_nearest(places, path, file)}: {'.'.join(path)}{name}: {text}"


def _nearest(places: Mapping[KeyPath, str], path: KeyPath, file: Path | None) -> str:
    """Return where this setting is given, else a setting in it, else the nearest table around it, else the file."""
    within = (key for key in places if key[: len(path)] == path)
    around = (path[:length] for length in range(len(path) - 1, 0, -1))
    return next((places[key] for key in (path, *within, *around) if key in places), str(file))


def _lines(file: Path | None, text: str) -> dict[KeyPath, str]:
    """Return the file and the line of every table header and every `key =` of a TOML text, by their new names."""
    import tomllib

    places = {}
    table: KeyPath = ()
    for number, line in enumerate(text.split("\n"), 1):
        is_header = line.lstrip().startswith("[")
        try:
            value = tomllib.loads(line if is_header else f"{line.partition('=')[0]}=0")
        except tomllib.TOMLDecodeError:
            continue
        path: KeyPath = ()
        while isinstance(value, dict) and value:
            (key, value), *_ = value.items()
            path += (key,)
        table = path if is_header else table
        places[new_path(path if is_header else table + path)] = f"{file}:{number}"
    return places

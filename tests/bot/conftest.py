# SPDX-License-Identifier: GPL-2.0-or-later
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.store.repository import Repository
from tests.bot.review.factories import Maker
from tests.fakes import postgres
from tests.fakes.origin import Origin, serving
from tests.fakes.postgres import skip_if_missing, stop_server
from tests.fakes.sink import Sink, sink
from tests.fakes.stored import use_server
from tests.fakes.submission import make_certificate

_ON_BOTH = (
    *("store", "service", "web/test_api", "web/test_atom", "web/test_operator", "web/test_pages", "web/test_queue"),
    *("web/test_commands", "web/test_series"),
)
"""The folders and files of the tests that run on both databases, unless they are marked as tests of one of them."""


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests of the store, of the jobs and of the pages with SQLite and with PostgreSQL."""
    folder = metafunc.definition.path.parent.name
    if folder in _ON_BOTH or f"{folder}/{metafunc.definition.path.stem}" in _ON_BOTH:
        kinds = ("sqlite", "postgresql")
        marked = tuple(kind for kind in kinds if metafunc.definition.get_closest_marker(kind))
        metafunc.parametrize("database_kind", marked or kinds, indirect=True)


@pytest.fixture(autouse=True)
def database_kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The database that each path stands for in this test."""
    kind: str = getattr(request, "param", "sqlite")
    if kind == "sqlite":
        yield kind
        return
    skip_if_missing()
    use_server(monkeypatch)
    with postgres.server().dropping():
        yield kind


@pytest.fixture(scope="session", autouse=True)
def _stopped_server() -> Iterator[None]:
    yield
    stop_server()


@pytest.fixture
def make() -> Maker:
    return Maker()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Repository]:
    with Repository(tmp_path / "patchwarden.db") as opened:
        yield opened


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Sink]:
    with sink(tmp_path / "log") as running:
        yield running


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[Origin]:
    with serving(tmp_path / "origin") as running:
        yield running


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for localhost that it signed itself, in one folder."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The certificate, as one that this machine trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "certificate"))
    return certificate

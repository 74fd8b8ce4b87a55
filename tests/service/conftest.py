"""Services to test: over a database of each kind with a few photos, and over an empty one."""

from __future__ import annotations

import io
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from PIL import Image

pytest.importorskip("fastapi", reason="the extra service is not installed")

from fastapi.testclient import TestClient

from provenance import Provenance
from provenance.service import create_app

HOST = "http://localhost"


@pytest.fixture(scope="session")
def trusted(photos: list[Path]) -> list[Path]:
    """Four photos that the services trust from the start."""
    return photos[:4]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def library(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, trusted: list[Path]
) -> Iterator[Provenance]:
    """A library with four photos, on a database of each kind."""
    home, url = tmp_path_factory.mktemp("service"), None
    if request.param == "postgresql":
        server = sa.make_url(request.getfixturevalue("postgres_server")).set(drivername="postgresql+psycopg")
        name = f"service_{uuid.uuid4().hex}"
        engine = sa.create_engine(server)
        with engine.begin() as connection:
            connection.execute(sa.schema.CreateSchema(name))
        engine.dispose()
        url = server.update_query_dict({"options": f"-csearch_path={name}"}).render_as_string(
            hide_password=False
        )
    # Without the dear last stages, which the search has tests of its own for.
    options = {
        "decode": {"allow_private_urls": True},
        "search": {"deep_k": 0},
        "service": {"requests_per_minute": 0},
    }
    with Provenance(home, db={"url": url}, **options) as made:
        made.ingest(trusted, source="Agency")
        yield made


@pytest.fixture(scope="module")
def client(library: Provenance) -> Iterator[TestClient]:
    """A running service over `library`."""
    with TestClient(create_app(library), base_url=HOST) as running:
        yield running


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with an empty database at the newest schema, to be copied."""
    home = tmp_path_factory.mktemp("empty")
    with Provenance(home) as library:
        library.database.stats()
    return home


@pytest.fixture
def empty(empty_home: Path, tmp_path: Path) -> Iterator[Callable[..., TestClient]]:
    """Make a service over an empty library with the given settings; its workers do not run."""
    opened = []

    def make(**options: object) -> TestClient:
        shutil.copytree(empty_home, tmp_path / "empty", dirs_exist_ok=True)
        library = Provenance(tmp_path / "empty", **options)
        opened.append(library)
        return TestClient(create_app(library), base_url=HOST, raise_server_exceptions=False)

    yield make
    for library in opened:
        library.close()


def gray(photo: Path) -> bytes:
    """A photo without its colours, as a JPEG."""
    buffer = io.BytesIO()
    Image.open(photo).convert("L").save(buffer, "JPEG", quality=85)
    return buffer.getvalue()

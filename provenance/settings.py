"""Every option of the program, one section per room, in room order.

Read from, in falling order: arguments, environment (`PROVENANCE_SEARCH__TOP_K=20`), `provenance.toml` in the
home folder, the defaults below. Unknown names are errors.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from pydantic_settings import (
    SettingsError as SettingsSourceError,
)

from provenance.errors import SettingsError


class Section(BaseModel):
    """A room's options: immutable, unknown names refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Decode(Section):
    """Limits on what may be read."""

    max_bytes: int = Field(default=100 * 2**20, gt=0, description="largest file or download, bytes")
    max_pixels: int = Field(
        default=100_000_000, gt=0, description="largest picture, pixels, judged before decoding"
    )
    fetch_timeout_s: float = Field(default=20.0, gt=0, description="time for a whole download, seconds")
    fetch_hosts: tuple[str, ...] = Field(
        default=(),
        description='the only hosts to fetch from, with subdomains, e.g. ["example.org"]; empty: any public',
    )
    allow_private_urls: bool = Field(
        default=False, description="fetch from loopback and private addresses too; only for trusted networks"
    )


class Credentials(Section):
    """How content credentials (C2PA manifests) are read."""

    read: bool = Field(default=True, description="read them, where the extra c2pa is installed")
    trust_anchors: Path | None = Field(
        default=None, description="PEM file of the certificates whose signers are trusted"
    )


class Describe(Section):
    """Which descriptors are made."""

    side_px: int = Field(default=1024, ge=256, description="long side descriptors are made at, pixels")
    keypoints: int = Field(default=600, ge=100, description="RootSIFT keypoints kept for a reference")
    query_keypoints: int = Field(default=1500, ge=100, description="RootSIFT keypoints kept for a query")
    batch: int = Field(default=16, ge=1, description="images described and stored together")
    copy_model: str | None = Field(
        default=None,
        description="builtin, onnx:FILE, torchscript:FILE, timm:NAME[:FILE] or open_clip:MODEL:TAG|FILE; "
        "None: as the database was made, builtin for a new one",
    )
    pdq: bool | None = Field(
        default=None, description="make PDQ hashes too (extra pdq); None: as the database was made"
    )
    clip: str | None = Field(
        default=None, description="MODEL:TAG or MODEL:FILE for open_clip; None: as the database was made"
    )


class Search(Section):
    """How many candidates are looked at."""

    top_k: int = Field(default=10, ge=1, description="candidates verified at first")
    deep_k: int = Field(
        default=8, ge=0, description="candidates verified in the last, dear look; 0: no such look"
    )


class Verify(Section):
    """When a candidate counts as found."""

    min_confidence: float = Field(default=0.5, ge=0, le=1, description="below this a candidate is no match")


class Compare(Section):
    """How closely a pair is looked at."""

    side_px: int = Field(default=1024, ge=256, description="long side that pairs are compared at, pixels")
    text: bool = Field(default=True, description="read text in changed regions (OCR)")
    faces: bool = Field(default=True, description="say where what was changed is a face")


class CaptionModel(Section):
    """How a captioner's model runs, and how much it is given and may say."""

    device: str | None = Field(default=None, description="as torch names it; None: a GPU where there is one")
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = Field(
        default="auto", description="auto: half precision on a GPU, float32 on the CPU"
    )
    four_bit: bool = Field(
        default=False, description="load the weights in 4 bits (extra bitsandbytes, a GPU)"
    )
    batch: int = Field(default=4, ge=1, description="pairs that go through the model together")
    picture_tokens: int = Field(default=1024, ge=64, description="most tokens a picture may take")
    answer_tokens: int = Field(default=256, ge=16, description="most tokens of an answer")
    pictures: int = Field(default=0, ge=0, description="most pictures in a question; 0: what the model takes")
    offline: bool = Field(default=False, description="use only models that are on this machine")


class CaptionServer(Section):
    """How patient one is with an OpenAI-compatible server."""

    timeout_s: float = Field(default=120.0, gt=0, description="time for one answer, seconds")
    tries: int = Field(default=4, ge=1, description="tries for one answer")
    parallel: int = Field(default=4, ge=1, description="questions under way at once")
    key_variable: str = Field(default="OPENAI_API_KEY", description="environment variable that holds the key")


class CaptionPrompt(Section):
    """Which of the texts of provenance/explain/prompts.toml a model is sent."""

    text: str = Field(default="1", description='1 to 9, "random" (seeded) or "vote" (all of them)')
    system: bool = Field(default=True, description="ask for place and kind first")
    examples: int = Field(default=0, ge=0, description="annotated pairs shown before the question")
    examples_file: Path | None = Field(default=None, description="JSON or CSV of annotated pairs")
    examples_pictures: Path | None = Field(
        default=None, description="folder of its pictures; None: the file's"
    )
    seed: int = Field(default=0, description="of the random prompt and the choice of examples")


class Guard(Section):
    """Parts of the evidence guard; each can be switched off to see what it is good for."""

    gate: bool = Field(default=True, description="ask no model where nothing was measured")
    evidence: bool = Field(default=True, description="list the measured edits in the prompt")
    crops: bool = Field(default=True, description="show changed places close up")
    claims: bool = Field(default=True, description="keep only claims that a measured edit bears")
    direction: bool = Field(default=True, description="its direction must agree: brighter, darker, clockwise")
    place: bool = Field(default=True, description="its place must agree")
    text: bool = Field(default=True, description="quoted words must have been read")
    amount: bool = Field(default=True, description="degrees and percentages must agree")
    complete: bool = Field(default=True, description="add measured edits that the model left out")
    swap: bool = Field(default=False, description="ask about the swapped pair too and expect the inverse")


class Explain(Section):
    """How changes are put in words."""

    captioner: str = Field(default="measured", description="who writes the caption")
    language: str = Field(default="en", description="language of the sentences")
    model: CaptionModel = CaptionModel()
    server: CaptionServer = CaptionServer()
    prompt: CaptionPrompt = CaptionPrompt()
    guard: Guard = Guard()


class Service(Section):
    """What the HTTP service takes on, and what it keeps."""

    checks: int = Field(default=0, ge=0, description="checks made side by side; 0: one per core")
    queue: int = Field(default=1000, ge=1, description="accepted checks that may wait; more get 429")
    open_requests: int = Field(
        default=64, ge=1, description="requests with a body that may be open at once; more get 429"
    )
    requests_per_minute: int = Field(default=1200, ge=0, description="of one key or address; 0: any number")
    upload_timeout_s: float = Field(default=60.0, gt=0, description="time for a whole request to arrive")
    check_timeout_s: float = Field(
        default=60.0, gt=0, description="time to wait for a check on the spot; jobs may take longer"
    )
    keep_reports_days: float = Field(default=30.0, ge=0, description="reports in the history; 0: none")
    keep_evidence_hours: float = Field(
        default=1.0, ge=0, description="pictures in the report of a check that asked for them"
    )
    keep_queries_days: float = Field(default=0.0, ge=0, description="the pictures as they were uploaded")
    hosts: tuple[str, ...] = Field(
        default=(), description="names besides localhost that a service without keys answers to"
    )
    cors_origins: tuple[str, ...] = Field(
        default=(), description='web pages of others that may call, e.g. ["https://cms.example.org"]'
    )


class Db(Section):
    """Where the database is."""

    url: str | None = Field(default=None, description="SQLAlchemy URL; None: SQLite in the home folder")


class Settings(BaseSettings):
    """All options; `Settings.read()` turns a mistake into a SettingsError that names it."""

    model_config = SettingsConfigDict(
        env_prefix="PROVENANCE_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    home: Path = Field(default_factory=lambda: _platform_home(), description="where database and index live")
    threads: int = Field(default=0, ge=0, description="worker threads; 0: one per core")
    decode: Decode = Decode()
    credentials: Credentials = Credentials()
    describe: Describe = Describe()
    search: Search = Search()
    verify: Verify = Verify()
    compare: Compare = Compare()
    explain: Explain = Explain()
    db: Db = Db()
    service: Service = Service()

    @classmethod
    def read(cls, home: Path | str | None = None, **overrides: Any) -> Settings:
        """Read all sources; `home` and `overrides` win. Raises SettingsError naming the bad option."""
        if home is not None:
            overrides["home"] = home
        try:
            return cls(**overrides)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise SettingsError(f"setting {place!r}: {first['msg']}; see the README's settings") from error
        except (tomllib.TOMLDecodeError, SettingsSourceError, OSError) as error:
            raise SettingsError(f"provenance.toml or the environment cannot be read: {error}") from error

    @property
    def database_url(self) -> str:
        """SQLAlchemy URL of the database."""
        return self.db.url or f"sqlite:///{(self.home / 'provenance.sqlite').as_posix()}"

    @property
    def worker_threads(self) -> int:
        """Number of worker threads, at least 1."""
        return self.threads or os.cpu_count() or 1

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, environment, then provenance.toml of the home folder they name."""
        home = init_settings().get("home") or env_settings().get("home") or _platform_home()
        toml = TomlConfigSettingsSource(settings_cls, Path(str(home)) / "provenance.toml")
        return init_settings, env_settings, toml


def _platform_home() -> Path:
    """The user's data folder of the platform."""
    from platformdirs import user_data_path

    return user_data_path("provenance", appauthor=False)

"""What the library is made of: each part is opened or loaded when it is first asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from provenance.errors import UsageError
from provenance.languages import load_language
from provenance.records import DecodedImage
from provenance.settings import Settings

if TYPE_CHECKING:
    from provenance.db import Database
    from provenance.decode import CredentialReader, Limits
    from provenance.describe import Describer
    from provenance.explain import Captioner
    from provenance.explain.options import CaptionerOptions
    from provenance.find import Finder
    from provenance.lookup import Lookup
    from provenance.search import Searcher

Source = bytes | Path | str
"""A picture: its bytes, a path, or an http(s) URL."""

_Part = TypeVar("_Part")


class Parts:
    """Database, describer, indexes and models behind one set of settings; shared between threads."""

    def __init__(
        self, home: Path | str | None = None, *, settings: Settings | None = None, **options: Any
    ) -> None:
        """Use the database in `home`, or all of `settings`; `options` are sections of Settings."""
        if settings is not None and (home is not None or options):
            raise UsageError("give either settings, or home and options, not both")
        self.settings = settings or Settings.read(home, **options)
        load_language(self.settings.explain.language)
        self._lock = threading.RLock()
        self._parts: dict[str, Any] = {}

    @property
    def database(self) -> Database:
        """The open database, at the newest schema."""

        def make() -> Database:
            from provenance.db import Database

            database = Database(self.settings.database_url)
            database.upgrade()
            return database

        return self._once("database", make)

    @property
    def describer(self) -> Describer:
        """The descriptors the settings ask for; those of an ingest become the database's habit."""

        def make() -> Describer:
            from provenance.describe import Describer

            options = self.settings.describe
            return Describer(
                copy_model=self._habit("copy_model") or "builtin",
                clip=self._habit("clip"),
                keypoints=options.keypoints,
                query_keypoints=options.query_keypoints,
                pdq=self.database.meta("pdq") == "yes" if options.pdq is None else options.pdq,
                threads=self.settings.worker_threads,
            )

        return self._once("describer", make)

    @property
    def searcher(self) -> Searcher:
        """The indexes over the database."""

        def make() -> Searcher:
            from provenance.search import Searcher

            return Searcher(self.database, self.settings.home / "index", self.describer.versions)

        return self._once("searcher", make)

    @property
    def lookup(self) -> Lookup:
        """What looks up hashes from elsewhere, and gives away those of the trusted pictures."""

        def make() -> Lookup:
            from provenance.lookup import Lookup

            return Lookup(self.database, self.searcher, self.describer.versions)

        return self._once("lookup", make)

    @property
    def finder(self) -> Finder:
        """What goes through the stages of a search, the cheap ones first."""

        def make() -> Finder:
            from provenance.find import Finder

            return Finder(
                self.database,
                self.describer,
                self.searcher,
                side_px=self.settings.describe.side_px,
                deep_k=self.settings.search.deep_k,
                min_confidence=self.settings.verify.min_confidence,
                threads=self.settings.worker_threads,
            )

        return self._once("finder", make)

    @property
    def captioner(self) -> Captioner:
        """Who puts pairs in words; its model is loaded when it is first asked."""

        def make() -> Captioner:
            from provenance.explain import load_captioner

            return load_captioner(self.settings.explain.captioner, self._captioner_options())

        return self._once("captioner", make)

    def _captioner_options(self) -> CaptionerOptions:
        from provenance.explain import options as given
        from provenance.explain.examples import draw_examples
        from provenance.explain.guard import GuardParts

        asked = self.settings.explain
        prompt = asked.prompt
        drawn = draw_examples(
            prompt.examples_file, prompt.examples_pictures, count=prompt.examples, seed=prompt.seed
        )
        examples = tuple(
            given.Example(self.decode(original).pixels, self.decode(edited).pixels, caption)
            for original, edited, caption in drawn
        )
        return given.CaptionerOptions(
            given.ModelOptions(**asked.model.model_dump()),
            given.ServerOptions(**asked.server.model_dump()),
            given.PromptOptions(prompt.text, prompt.system, examples, prompt.seed),
            GuardParts(**asked.guard.model_dump()),
        )

    def _once(self, name: str, make: Callable[[], _Part]) -> _Part:
        """Make a part when it is first asked for; two threads get the same one."""
        with self._lock:
            if name not in self._parts:
                self._parts[name] = make()
            part: _Part = self._parts[name]
            return part

    @property
    def descriptor_versions(self) -> Mapping[str, str]:
        """Versions of the descriptors in use; none where nothing was described yet."""
        described: Describer | None = self._parts.get("describer")
        return described.versions if described else {}

    @property
    def limits(self) -> Limits:
        """What may be read, by the settings."""
        from provenance.decode import Limits

        return Limits(**self.settings.decode.model_dump())

    def decode(self, image: Source, name: str | None = None) -> DecodedImage:
        """Read a picture, with its content credentials where the settings want them read."""
        from provenance.decode import decode, read_source

        data, source_name = read_source(image, self.limits, name=name)
        decoded = decode(data, name=name or source_name, limits=self.limits)
        reader = self.credential_reader
        return reader.attach(decoded, data) if reader else decoded

    @property
    def credential_reader(self) -> CredentialReader | None:
        """Who reads content credentials, None where the settings want none read."""
        options = self.settings.credentials

        def make() -> CredentialReader:
            from provenance.decode import CredentialReader

            return CredentialReader(options.trust_anchors)

        return self._once("credential_reader", make) if options.read else None

    def _habit(self, name: str) -> str | None:
        """A model as the settings name it, otherwise as the database was made with."""
        asked: str | None = getattr(self.settings.describe, name)
        return asked or self.database.meta(name)

    def close(self) -> None:
        """Close the database and forget what was loaded; using the object again opens it again."""
        with self._lock:
            database = self._parts.pop("database", None)
            self._parts.clear()
        if database is not None:
            database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

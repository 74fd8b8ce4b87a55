"""A study and its ratings in one SQLite file, which several people may fill at once."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from provenance.errors import DatabaseError, NotFoundError, UsageError
from provenance.evaluate.captions.human.study import QUESTIONS, SCALE, Item

_TABLES = """
    CREATE TABLE study (raters INTEGER NOT NULL, seed INTEGER NOT NULL);
    CREATE TABLE item (
        id INTEGER PRIMARY KEY, pair TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL, caption TEXT
        NOT NULL
    );
    CREATE TABLE said (item INTEGER NOT NULL REFERENCES item, system TEXT NOT NULL, PRIMARY KEY (item,
    system)); CREATE TABLE rating (
        item INTEGER NOT NULL REFERENCES item, rater TEXT NOT NULL, fluency INTEGER NOT NULL,
        correctness INTEGER NOT NULL, relevance INTEGER NOT NULL,
        rated_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (item, rater)
    );
"""


@dataclass(frozen=True, slots=True)
class Rating:
    """One person's marks for one caption."""

    item: int
    rater: str
    marks: tuple[int, ...]
    """In the order of QUESTIONS."""


class Ratings:
    """The file of a study. `create` makes it, `open` reads it again."""

    def __init__(self, file: Path) -> None:
        self._lock = threading.Lock()
        try:
            self._connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
            self._connection.execute("PRAGMA journal_mode = WAL")
            row = self._connection.execute("SELECT raters, seed FROM study").fetchone()
        except sqlite3.Error as error:
            raise DatabaseError(
                f"{file}: holds no study ({error}); give --predictions to begin one"
            ) from error
        self.raters, self._seed = int(row[0]), int(row[1])

    @classmethod
    def create(cls, file: Path, items: Sequence[Item], *, raters: int, seed: int) -> Self:
        """Begin a study. Raises UsageError where the file is there, so that no rating is ever lost."""
        if file.exists():
            raise UsageError(
                f"{file} is there already: leave --dataset and --predictions out to go on with its study, "
                "or give another --ratings"
            )
        file.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(file)
        with connection:
            connection.executescript(_TABLES)
            connection.execute("INSERT INTO study VALUES (?, ?)", (raters, seed))
            for number, item in enumerate(items, 1):
                row = (number, item.pair, str(item.before), str(item.after), item.caption)
                connection.execute("INSERT INTO item VALUES (?, ?, ?, ?, ?)", row)
                connection.executemany(
                    "INSERT INTO said VALUES (?, ?)", [(number, name) for name in item.systems]
                )
        connection.close()
        return cls(file)

    @classmethod
    def open(cls, file: Path) -> Self:
        """Go on with a study. Raises NotFoundError where there is none."""
        if not file.is_file():
            raise NotFoundError(
                f"{str(file)!r}: no such file; begin a study with --serve --dataset --predictions"
            )
        return cls(file)

    def items(self) -> dict[int, Item]:
        """All captions, by number."""
        systems: dict[int, list[str]] = {}
        for number, name in self._rows("SELECT item, system FROM said ORDER BY item, system"):
            systems.setdefault(number, []).append(name)
        return {
            number: Item(pair, Path(before), Path(after), caption, tuple(systems[number]))
            for number, pair, before, after, caption in self._rows("SELECT * FROM item ORDER BY id")
        }

    def left_to(self, rater: str) -> list[int]:
        """The captions that a person has not rated and that need more people, in an order of their own."""
        rows = self._rows(
            "SELECT id FROM item WHERE id NOT IN (SELECT item FROM rating WHERE rater = ?) "
            "AND (SELECT count(*) FROM rating WHERE item = item.id) < ?",
            (rater, self.raters),
        )
        return sorted((row[0] for row in rows), key=lambda number: self._rank(rater, number))

    def rated_by(self, rater: str) -> list[Rating]:
        """A person's ratings, the latest last."""
        return [one for one in self.all() if one.rater == rater]

    def save(self, rater: str, item: int, marks: Mapping[str, int]) -> None:
        """Keep a person's marks, in place of their former ones. Raises UsageError for marks off the scale."""
        if any(marks.get(question) not in SCALE for question in QUESTIONS):
            raise UsageError(f"give {', '.join(QUESTIONS)} a mark of {SCALE[0]} to {SCALE[-1]} each")
        if not list(self._rows("SELECT 1 FROM item WHERE id = ?", (item,))):
            raise NotFoundError(f"no caption {item} in this study; reload the page")
        values = (item, rater, *(marks[question] for question in QUESTIONS))
        change = (
            "INSERT OR REPLACE INTO rating (item, rater, fluency, correctness, relevance) "
            "VALUES (?, ?, ?, ?, ?)"
        )
        with self._lock:
            self._connection.execute(change, values)

    def all(self) -> list[Rating]:
        """Every rating, in the order they were given."""
        rows = self._rows("SELECT item, rater, fluency, correctness, relevance FROM rating ORDER BY rowid")
        return [Rating(item, rater, tuple(marks)) for item, rater, *marks in rows]

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _rows(self, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    def _rank(self, rater: str, item: int) -> bytes:
        """A random place for a caption, another for each person."""
        return hashlib.sha256(f"{self._seed} {rater} {item}".encode()).digest()

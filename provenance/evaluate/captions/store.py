"""Answers of captioners on disk, by content: nothing is captioned twice, and a killed run goes on."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from provenance.errors import DatabaseError

_TABLE = """
    CREATE TABLE IF NOT EXISTS answer (
        key TEXT PRIMARY KEY, caption TEXT NOT NULL, captioner TEXT NOT NULL, verdict TEXT NOT NULL,
        answered_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
    ) WITHOUT ROWID
"""


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What a captioner said of a pair; the caption is empty where the two show nothing in common."""

    caption: str
    captioner: str
    verdict: str


def answer_key(before: str, after: str, options: Mapping[str, Any]) -> str:
    """Name an answer: both pictures' pixels (sha256), and all that the captioner's answers depend on."""
    content = json.dumps([before, after, options], sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()


class AnswerStore:
    """A small SQLite file, for several threads; an answer outlives the process once `put` has returned."""

    def __init__(self, file: Path) -> None:
        self._lock = threading.Lock()
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.execute(_TABLE)
        except (sqlite3.Error, OSError) as error:
            raise DatabaseError(
                f"{file}: cannot keep answers there ({error}); remove it, or give --cache"
            ) from error

    def get(self, key: str) -> StoredAnswer | None:
        """The answer of that name, None where there is none."""
        query = "SELECT caption, captioner, verdict FROM answer WHERE key = ?"
        with self._lock:
            row = self._connection.execute(query, (key,)).fetchone()
        return StoredAnswer(*row) if row else None

    def put(self, key: str, answer: StoredAnswer) -> None:
        """Keep an answer, in place of a former one."""
        change = "INSERT OR REPLACE INTO answer (key, caption, captioner, verdict) VALUES (?, ?, ?, ?)"
        with self._lock:
            self._connection.execute(change, (key, answer.caption, answer.captioner, answer.verdict))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

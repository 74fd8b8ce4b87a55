"""Files written whole: an old one is replaced only when the new one is complete."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from provenance.errors import StorageFullError, UsageError


@contextmanager
def told(what: str, path: Path) -> Iterator[None]:
    """OSError -> the error that names what could not be written, and the cure.

    Raises StorageFullError when the disk is full, otherwise UsageError.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFullError(
                f"no space left to write the {what} {str(path)!r}: free some space"
            ) from error
        raise UsageError(
            f"cannot write the {what} {str(path)!r}: {error.strerror}; name another file or folder"
        ) from error


@contextmanager
def replaced(what: str, path: Path) -> Iterator[Path]:
    """Yield a file to write in place of `path`, which it becomes in the end; folders above are made.

    Raises UsageError, before anything is done, when nothing can be written there.
    """
    temporary = path.with_name(f".{path.name[:40]}.{secrets.token_hex(4)}.tmp")
    try:
        with told(what, path):
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            # A device or pipe (/dev/stdout) is written to: a file must not take its place.
            special = path.exists() and not path.is_file()
            if not special:
                path.parent.mkdir(parents=True, exist_ok=True)
                temporary.touch()
        yield path if special else temporary
        with told(what, path):
            if not special:
                temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink()

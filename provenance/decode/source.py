"""Where the bytes come from: memory, a regular file, or a URL, all within limits."""

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path

from provenance.decode.limits import Limits
from provenance.errors import FetchError, ImageTooLargeError, InputError, NotFoundError, UnreadableError

_URL = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)


def read_source(source: bytes | Path | str, limits: Limits, *, name: str | None = None) -> tuple[bytes, str]:
    """Read bytes, a file or an http(s) URL; return the bytes and the name that messages call them.

    `name` is what bytes in memory are called.

    Raises NotFoundError, UnreadableError (permissions, not a regular file), ImageTooLargeError or FetchError.
    """
    if isinstance(source, bytes):
        name = name or f"<{len(source)} bytes>"
        if len(source) > limits.max_bytes:
            raise _too_large(name, len(source), limits)
        return source, name
    if isinstance(source, str) and (scheme := _URL.match(source)):
        if scheme[1].lower() not in ("http", "https"):
            raise FetchError(
                f"{source!r}: {scheme[1]} is not fetched; give an http or https address, or a path"
            )
        from provenance.decode.fetch import fetch

        return fetch(source, limits=limits), source
    return _read_file(source, limits), str(source)


def _read_file(path: Path | str, limits: Limits) -> bytes:
    """Read a regular file of at most `limits.max_bytes`; pipes, devices and folders are never read."""
    name = str(path)
    try:
        _refuse_special(name, os.stat(path).st_mode)  # noqa: PTH116 - opening some devices has effects: look first
        # O_NONBLOCK: should a pipe have taken the file's place since, opening it must not wait.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(path, flags), "rb") as file:
            status = os.fstat(file.fileno())
            _refuse_special(name, status.st_mode)
            if status.st_size > limits.max_bytes:
                raise _too_large(name, status.st_size, limits)
            # The size may be untrue (a file still growing, or made up by the kernel): ask for one byte more.
            data = file.read(limits.max_bytes + 1)
    except OSError as error:
        raise _explained(name, error) from error
    except ValueError as error:  # a NUL byte in the name
        raise NotFoundError(f"{name!r}: no file can have this name ({error})") from error
    if len(data) > limits.max_bytes:
        raise _too_large(name, len(data), limits)
    return data


def _refuse_special(name: str, mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise UnreadableError(f"{name!r}: is a folder; give the pictures in it")
    if not stat.S_ISREG(mode):
        raise UnreadableError(f"{name!r}: is a pipe, device or socket; save the picture to a file first")


def _too_large(name: str, size: int, limits: Limits) -> ImageTooLargeError:
    return ImageTooLargeError(
        name,
        f"{size:,} bytes are over the limit of {limits.max_bytes:,}; raise decode.max_bytes",
    )


def _explained(name: str, error: OSError) -> InputError:
    """The error of this package for what the operating system said."""
    if isinstance(error, PermissionError):
        return UnreadableError(f"{name!r}: permission denied; run as a user who may read it (chmod +r)")
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return NotFoundError(f"{name!r}: no such file; check the path")
    if error.errno == errno.ELOOP:
        return UnreadableError(f"{name!r}: its symbolic links go round in a circle; remove or mend the link")
    if error.errno == errno.ENAMETOOLONG:
        return NotFoundError(f"{name!r}: no file can have so long a name; check the path")
    return UnreadableError(f"{name!r}: {error.strerror or error}; copy it to a sound disk and try again")

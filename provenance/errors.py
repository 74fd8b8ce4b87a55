"""Every error this package raises on purpose; each names the cure, an exit code and an HTTP status.

    ProvenanceError                exit 1   HTTP 500
    ├── UsageError                 exit 2   HTTP 400   the call itself is wrong
    │   └── ConflictError          exit 2   HTTP 409   it contradicts what is there already
    │       └── StaleError         exit 2   HTTP 412   what was to be changed has changed meanwhile
    ├── AccessError                exit 77  HTTP 403   a key or signature is missing or wrong
    ├── BusyError                  exit 75  HTTP 429   more work than can be taken on now
    ├── InputError                 exit 65  HTTP 422   the given picture or file cannot be used
    │   ├── DecodeError            exit 65  HTTP 422   truncated, lying or damaged picture
    │   │   ├── UnsupportedFormatError  65  HTTP 415   not on the list of accepted formats
    │   │   └── ImageTooLargeError      65  HTTP 413   over the byte or pixel limit
    │   ├── NotFoundError          exit 66  HTTP 404   no such file, folder, reference
    │   ├── UnreadableError        exit 77  HTTP 403   permissions
    │   └── FetchError             exit 68  HTTP 502   a URL that is refused or does not answer
    ├── MissingExtraError          exit 69  HTTP 501   an optional part is not installed
    ├── NotConfiguredError         exit 69  HTTP 501   a part that this database was made without
    ├── ServiceError               exit 69  HTTP 502   a service does not answer, or not sensibly
    ├── ModelError                 exit 69  HTTP 503   weights missing, damaged, or of another kind
    ├── DatabaseError              exit 74  HTTP 503   the database cannot be opened, read or written
    │   ├── DatabaseTooNewError    exit 70  HTTP 503   written by a newer version of this program
    │   └── StorageFullError       exit 74  HTTP 507   no space left on the device
    ├── IndexCorruptError          exit 74  HTTP 503   a saved index is damaged or of another kind
    └── SettingsError              exit 78  HTTP 500   a setting has a wrong name or value

Exit codes follow BSD's sysexits.h. "No match" and "no difference" are results, never errors.
"""

from __future__ import annotations


class ProvenanceError(Exception):
    """Base of all errors raised on purpose; `str(error)` says what happened and what to do."""

    exit_code: int = 1
    http_status: int = 500


class UsageError(ProvenanceError):
    """The call itself is wrong: contradicting or missing arguments."""

    exit_code = 2
    http_status = 400


class ConflictError(UsageError):
    """The call contradicts what is there already: a name that is taken, a collection that is not empty."""

    http_status = 409


class StaleError(ConflictError):
    """What was to be changed has changed meanwhile."""

    http_status = 412


class AccessError(ProvenanceError):
    """A key or signature is missing, wrong, or allows too little."""

    exit_code = 77
    http_status = 403


class BusyError(ProvenanceError):
    """More is asked than can be taken on now; try again after `retry_after_s` seconds."""

    exit_code = 75
    http_status = 429

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class InputError(ProvenanceError):
    """The given picture or file cannot be used."""

    exit_code = 65
    http_status = 422


class DecodeError(InputError):
    """A picture could not be decoded; names the file and the reason."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name!r}: {reason}")
        self.name = name
        self.reason = reason


class UnsupportedFormatError(DecodeError):
    """The bytes are no picture of an accepted format."""

    http_status = 415


class ImageTooLargeError(DecodeError):
    """The picture is over the limit of bytes or pixels."""

    http_status = 413


class NotFoundError(InputError):
    """No such file, folder or reference."""

    exit_code = 66
    http_status = 404


class UnreadableError(InputError):
    """The file is there, but may not be read."""

    exit_code = 77
    http_status = 403


class FetchError(InputError):
    """A URL is refused (private address, scheme) or does not deliver a picture in time."""

    exit_code = 68
    http_status = 502


class MissingExtraError(ProvenanceError):
    """An optional part is not installed; the message gives the pip command."""

    exit_code = 69
    http_status = 501

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs an optional part: pip install 'provenance[{extra}]'")
        self.feature = feature
        self.extra = extra


class NotConfiguredError(ProvenanceError):
    """What is asked for needs a part that this database was made without."""

    exit_code = 69
    http_status = 501


class ServiceError(ProvenanceError):
    """A service that is asked does not answer, not in time, or not sensibly."""

    exit_code = 69
    http_status = 502


class ModelError(ProvenanceError):
    """Model weights are missing, damaged, or of another kind than asked for."""

    exit_code = 69
    http_status = 503


class DatabaseError(ProvenanceError):
    """The database cannot be opened, read or written."""

    exit_code = 74
    http_status = 503


class DatabaseTooNewError(DatabaseError):
    """The database was written by a newer version of this program."""

    exit_code = 70


class StorageFullError(DatabaseError):
    """No space is left on the device; what was reported as done is kept."""

    http_status = 507


class IndexCorruptError(ProvenanceError):
    """A saved index is damaged or was made for another descriptor; it can be rebuilt from the database."""

    exit_code = 74
    http_status = 503


class SettingsError(ProvenanceError):
    """A setting has a wrong name or value."""

    exit_code = 78

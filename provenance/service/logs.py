"""What the service logs: one JSON object a line for machines, or plain lines for a terminal."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

_FIELDS = ("request_id", "method", "route", "path", "status", "ms", "client", "key")


class JsonLines(logging.Formatter):
    """A record as one JSON object; control characters cannot forge a second line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **{name: value for name in _FIELDS if (value := getattr(record, name, None)) is not None},
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


class PlainLines(logging.Formatter):
    """The same for people; also one line, whatever a path holds."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        at = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        ms = f" {record.ms} ms" if hasattr(record, "ms") else ""
        line = f"{at} {record.levelname.lower():7} {record.getMessage()!s}{ms}"
        line = line.encode("unicode_escape").decode("ascii") if not line.isprintable() else line
        return line + (f"\n{self.formatException(record.exc_info)}" if record.exc_info else "")


def set_up(*, as_json: bool) -> None:
    """Let everything of this program and of the server go to stderr in one form."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if as_json else PlainLines())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    for name in ("provenance", "uvicorn"):
        logging.getLogger(name).setLevel(logging.INFO)
    logging.getLogger("uvicorn.access").disabled = True  # the journal says more

"""What rarely happens, as JSON lines: the process log. Never the object under review, nor any value in it."""

import logging
import traceback
from collections.abc import Mapping
from time import time
from typing import Any

from webhook.lines import Lines, encoded, written


class JsonHandler(logging.Handler):
    """Everything that rarely happens. `extra={"fields": {...}}` adds to the line."""

    def __init__(self, lines: Lines) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = _record(record)
        except Exception:  # noqa: BLE001 - a log never fails what it tells of
            line = encoded(
                {"ts": written(time()), "level": "error", "message": f"a line of {record.name} cannot be written"}
            )
        self._lines.write(line + b"\n")

    def close(self) -> None:
        self._lines.close()
        super().close()


def _record(record: logging.LogRecord) -> bytes:
    content: dict[str, Any] = {
        "ts": written(time()),
        "level": record.levelname.lower(),
        "message": record.getMessage()[:2048],
    }
    fields = getattr(record, "fields", None)
    if isinstance(fields, Mapping):
        content |= fields
    if record.name != "podgate":
        content["logger"] = record.name
    if record.exc_info and record.exc_info[1]:
        content["trace"] = "".join(traceback.format_exception(record.exc_info[1], limit=-20))[-8192:]
    return encoded(content)


def start(level: str, lines: Lines) -> JsonHandler:
    """Let all of the standard library's logging, and so every package's, write its lines here."""
    handler = JsonHandler(lines)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    return handler

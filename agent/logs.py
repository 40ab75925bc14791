"""Log lines: for people on a terminal, JSON lines for machines; the call's id on both. Never what was said."""

import json
import logging
import sys
from contextvars import ContextVar
from typing import Any

from agent.settings import LogSettings

call_id: ContextVar[str] = ContextVar("call_id", default="")
"""The call that the current task works for."""

NOISY = ("livekit", "httpx", "asyncio", "urllib3", "faster_whisper", "sentence_transformers", "aiohttp.access")
PLAIN = logging.LogRecord("", 0, "", 0, "", (), None).__dict__.keys() | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """Everything that a search needs: time, level, process, logger, call, message, and extra fields."""
        line: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S"),
            "level": record.levelname,
            "process": self._process,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {key: str(value) for key, value in record.__dict__.items() if key not in PLAIN}
        if call := call_id.get():
            line["call"] = call
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class TextLines(logging.Formatter):
    """Time, level, message; the call's id in brackets."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(call)s%(message)s", "%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        """The usual line with the call in front of the message."""
        call = call_id.get()
        record.call = f"[{call}] " if call else ""
        return super().format(record)


def set_up(settings: LogSettings, *, process: str) -> None:
    """Send this process's log to standard error, once."""
    is_text = settings.format == "text" or (settings.format == "auto" and sys.stderr.isatty())
    output = logging.StreamHandler(sys.stderr)
    output.setFormatter(TextLines() if is_text else JsonLines(process))
    logging.basicConfig(level=settings.level, handlers=[output], force=True)
    for name in NOISY:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.root.level))

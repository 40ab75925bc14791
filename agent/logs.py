"""Log lines: for people on a terminal, JSON lines for machines. Never what was said.

On both stands the id of the call or of the HTTP request that the work is for, the same in every process.
"""

import json
import logging
import sys
from typing import Any

from agent.settings import LogSettings
from plugins.correlation import correlation_id

CORRELATION = "correlation_id"
OURS = ("agent", "plugins", "knowledge", "web")
NOISY = ("livekit", "httpx", "asyncio", "urllib3", "faster_whisper", "sentence_transformers", "aiohttp.access")
PLAIN = logging.LogRecord("", 0, "", 0, "", (), None).__dict__.keys() | {"message", "asctime", "taskName", "whose"}


def whose(record: logging.LogRecord) -> str:
    """The call or request of a record: it may come from another process and bring the id along."""
    return str(getattr(record, CORRELATION, "") or correlation_id.get())


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """Everything that a search needs: time, level, process, logger, message, extra fields, correlation id."""
        line: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S"),
            "level": record.levelname,
            "process": self._process,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {key: str(value) for key, value in record.__dict__.items() if key not in PLAIN}
        if correlation := whose(record):
            line[CORRELATION] = correlation
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class TextLines(logging.Formatter):
    """Time, level, message; the correlation id in brackets."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(whose)s%(message)s", "%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        """The usual line with the id in front of the message."""
        correlation = whose(record)
        record.whose = f"[{correlation}] " if correlation else ""
        return super().format(record)


def set_up(settings: LogSettings, *, process: str) -> None:
    """Send this process's log to standard error, once.

    Other people's libraries say nothing below INFO, whatever the settings: at DEBUG, SQLite's writes what it stores.
    """
    is_text = settings.format == "text" or (settings.format == "auto" and sys.stderr.isatty())
    output = logging.StreamHandler(sys.stderr)
    output.setFormatter(TextLines() if is_text else JsonLines(process))
    level = logging.getLevelNamesMapping()[settings.level]
    logging.basicConfig(level=max(level, logging.INFO), handlers=[output], force=True)
    for name in OURS:
        logging.getLogger(name).setLevel(level)
    for name in NOISY:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.root.level))

"""What LiveKit's own log lines must not carry: words of callers, tokens; and complaints about what is meant to be."""

import logging
import re

PRIVATE_PREFIX = "lk.pii"
EXPECTED = (
    "audio output was detached while text output",  # typed questions are answered in text alone
    "closed unexpectedly",  # LiveKit's data channels, whenever a call ends
    "no aligned transcript was returned",  # recorded phrases have no word times
    "Attempted to drop unknown FFI handle",  # likewise
)
TOKEN = re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]+")
LOGGERS = ("livekit", "livekit.agents")


class Discretion(logging.Filter):
    """Removes personal fields from records, and drops what is expected."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Strip `record` in place; `False` drops it."""
        for name in [name for name in record.__dict__ if name.startswith(PRIVATE_PREFIX)]:
            delattr(record, name)
        message = record.getMessage()
        if TOKEN.search(message):
            record.msg, record.args = without_tokens(message), None
        return not any(phrase in message for phrase in EXPECTED)


def without_tokens(text: str) -> str:
    """`text` with every JWT in it left out."""
    return TOKEN.sub("…", text)


def be_discreet() -> None:
    """Put the filter on LiveKit's loggers in this process, once."""
    for name in LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(one, Discretion) for one in logger.filters):
            logger.addFilter(Discretion())

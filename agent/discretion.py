"""What LiveKit's own log lines must not carry: the words of callers; and complaints about what is meant to be."""

import logging

PRIVATE_PREFIX = "lk.pii"
EXPECTED = (
    "audio output was detached while text output",  # typed questions are answered in text alone
    "closed unexpectedly",  # LiveKit's data channels, whenever a call ends
)
LOGGERS = ("livekit", "livekit.agents")


class Discretion(logging.Filter):
    """Removes personal fields from records, and drops what is expected."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Strip `record` in place; `False` drops it."""
        for name in [name for name in record.__dict__ if name.startswith(PRIVATE_PREFIX)]:
            delattr(record, name)
        return not any(phrase in str(record.msg) for phrase in EXPECTED)


def be_discreet() -> None:
    """Put the filter on LiveKit's loggers in this process, once."""
    for name in LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(one, Discretion) for one in logger.filters):
            logger.addFilter(Discretion())

"""Where the application and its requests keep what routes share."""

import asyncio

from aiohttp import web

from .config import WebConfig
from .gate import Gate
from .lines import Lines, LiveKitRooms
from .principals import Principal
from .queue import Queue

CONFIG = web.AppKey("config", WebConfig)
GATE = web.AppKey("gate", Gate)
LINES = web.AppKey("lines", Lines)
LIMITS = web.AppKey("limits", set[asyncio.Timeout])
"""Until when each request that is being answered has time."""
QUEUE = web.AppKey("queue", Queue)
ROOMS = web.AppKey("rooms", LiveKitRooms)

PRINCIPAL = web.RequestKey("principal", Principal)
"""Who asks, on each request behind a scope."""

"""Where the application and its requests keep what routes share."""

from aiohttp import web

from .config import WebConfig
from .gate import Gate
from .lines import Lines, LiveKitRooms
from .principals import Principal
from .queue import Queue

CONFIG = web.AppKey("config", WebConfig)
GATE = web.AppKey("gate", Gate)
LINES = web.AppKey("lines", Lines)
QUEUE = web.AppKey("queue", Queue)
ROOMS = web.AppKey("rooms", LiveKitRooms)

PRINCIPAL = web.RequestKey("principal", Principal)
"""Who asks, on each request behind a scope."""

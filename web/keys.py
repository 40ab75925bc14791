"""Where the application keeps what its routes share."""

from aiohttp import web

from .config import WebConfig
from .limits import AddressLimiter
from .lines import Lines, LiveKitRooms
from .queue import Queue

CONFIG = web.AppKey("config", WebConfig)
LIMITER = web.AppKey("limiter", AddressLimiter)
LINES = web.AppKey("lines", Lines)
QUEUE = web.AppKey("queue", Queue)
ROOMS = web.AppKey("rooms", LiveKitRooms)

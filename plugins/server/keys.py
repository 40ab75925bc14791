"""Where routes find what they serve."""

from aiohttp import web

from plugins.server.engine import Engine

ENGINE = web.AppKey("engine", Engine)

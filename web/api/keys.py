"""Where the routes of the HTTP door find what they serve."""

from aiohttp import web

from .backend import Agent

AGENT: web.AppKey[Agent] = web.AppKey("agent", Agent)

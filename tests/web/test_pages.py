"""The page, its files and what the browser is told about them."""

import re
from pathlib import Path

from web.config import STATIC_DIR

from .conftest import Client, FakeLiveKit, OpenDoor


async def test_the_page_is_served_at_the_root(door: Client) -> None:
    response = await door.get("/")
    assert response.status == 200
    assert "Landline" in await response.text()


async def test_the_page_may_connect_to_this_livekit_and_nowhere_else(door: Client, livekit: FakeLiveKit) -> None:
    policy = (await door.get("/")).headers["Content-Security-Policy"]
    http_url = livekit.url.replace("ws:", "http:")
    assert f"connect-src 'self' {livekit.url} {http_url};" in policy
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy


def test_the_page_has_no_script_and_no_style_of_its_own_between_its_lines() -> None:
    page = (STATIC_DIR.parent / "client" / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", page)
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", page)


async def test_everything_carries_the_security_headers(door: Client) -> None:
    for path in ("/", "/health", "/assets/index-1a2b3c.js", "/nowhere", "/api/nowhere"):
        headers = (await door.get(path)).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Server"] == "landline"


async def test_hashed_files_are_kept_and_the_page_is_asked_for_again(door: Client) -> None:
    assert "immutable" in (await door.get("/assets/index-1a2b3c.js")).headers["Cache-Control"]
    assert (await door.get("/")).headers["Cache-Control"] == "no-cache"
    assert (await door.get("/assets/gone.js")).headers["Cache-Control"] == "no-store"


async def test_sessions_are_never_cached(door: Client) -> None:
    assert (await door.post("/api/session", json={})).headers["Cache-Control"] == "no-store"


async def test_files_outside_the_page_stay_hidden(door: Client) -> None:
    for path in ("/assets/../index.html", "/assets/%2e%2e/%2e%2e/etc/passwd", "/assets//etc/passwd"):
        assert (await door.get(path)).status in (403, 404)


async def test_a_missing_build_is_named_with_its_command(open_door: OpenDoor, tmp_path: Path) -> None:
    door = await open_door(static_dir=tmp_path / "absent")
    response = await door.get("/")
    assert response.status == 503
    assert "npm ci && npm run build" in await response.text()

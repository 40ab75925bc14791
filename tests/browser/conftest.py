"""A real Chromium with a recording as its microphone, and the page as its caller sees it."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.async_api import Browser, Page, Playwright, async_playwright

from agent.caller.voice import speech
from plugins.audio import pcm_from_float, wav_bytes
from tests.browser.standin import StandIn, standing_in
from web.config import STATIC_DIR

ARTIFACTS = Path(__file__).parent.parent / "artifacts"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
TIMEOUT_MS = 60_000
WAV_RATE_HZ = 48_000
ARGUMENTS = (
    "--no-sandbox",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
)
OpenPage = Callable[..., Awaitable[Page]]


@pytest.fixture
async def playwright() -> AsyncIterator[Playwright]:
    async with async_playwright() as playwright:
        yield playwright


@pytest.fixture
async def open_page(playwright: Playwright, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[OpenPage]:
    """Open the page at an address; the microphone says `says` every 20 s, or is "denied" or "missing".

    Every page is photographed when the test ends, and may not have thrown or broken its content policy.
    """
    assert (STATIC_DIR / "index.html").is_file(), "build the page first: npm ci && npm run build in web/client"
    browsers: list[Browser] = []
    pages: list[Page] = []
    complaints: list[str] = []

    async def start(url: str, *, says: str = "", microphone: str = "present", **context: object) -> Page:
        flags = _microphone_flags(microphone, question_wav(tmp_path / "microphone.wav", says))
        browser = await playwright.chromium.launch(executable_path=_chromium(), args=[*ARGUMENTS, *flags])
        browsers.append(browser)
        page = await (await browser.new_context(**context)).new_page()  # type: ignore[arg-type]
        pages.append(page)
        page.set_default_timeout(TIMEOUT_MS)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: print(line.type, line.text))
        page.on("console", lambda line: complaints.extend([line.text] if "Policy" in line.text else []))
        await page.goto(url)
        return page

    yield start
    ARTIFACTS.mkdir(exist_ok=True)
    for number, page in enumerate(pages):
        await page.screenshot(path=ARTIFACTS / f"{request.node.name}-{number}.png")
    for browser in browsers:
        await browser.close()
    assert not complaints


@pytest.fixture
async def standin(tmp_path: Path) -> AsyncIterator[StandIn]:
    """The scripted agent behind the real door and the real LiveKit."""
    async with standing_in(tmp_path) as system:
        yield system


def question_wav(path: Path, text: str) -> Path:
    """Five seconds of silence, the question, and silence up to 20 s; Chromium plays it in a loop."""
    recording = np.zeros(20 * WAV_RATE_HZ, dtype=np.float32)
    if text:
        spoken = speech(text, sample_rate_hz=WAV_RATE_HZ)
        recording[5 * WAV_RATE_HZ :][: len(spoken)] = spoken
    path.write_bytes(wav_bytes(pcm_from_float(recording), sample_rate_hz=WAV_RATE_HZ))
    return path


def _chromium() -> str | None:
    """The system's Chromium; None leaves it to Playwright."""
    return next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)


def _microphone_flags(microphone: str, recording: Path) -> tuple[str, ...]:
    match microphone:
        case "missing":
            return ("--use-fake-ui-for-media-stream",)
        case "denied":
            return ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream=deny")
        case _:
            return (
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
                f"--use-file-for-fake-audio-capture={recording}",
            )

"""The page as its caller uses it: by what it shows and what can be pressed."""

from dataclasses import dataclass

from playwright.async_api import Locator, Page, expect

TIMEOUT_MS = 60_000
LOUDEST = """async (seconds) => {
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    context.createMediaStreamSource(document.querySelector("#sound audio").srcObject).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const end = performance.now() + 1000 * seconds;
    let loudest = 0;
    while (performance.now() < end && loudest < 0.02) {
        await new Promise((resolve) => setTimeout(resolve, 40));
        analyser.getFloatTimeDomainData(samples);
        loudest = Math.max(loudest, Math.sqrt(samples.reduce((sum, each) => sum + each * each, 0) / samples.length));
    }
    return loudest;
}"""

expect.set_options(timeout=TIMEOUT_MS)


@dataclass(frozen=True)
class CallerPage:
    """One open page."""

    page: Page

    @property
    def notice(self) -> Locator:
        return self.page.locator("#notice")

    @property
    def in_line(self) -> Locator:
        return self.page.locator("#in-line")

    @property
    def questions(self) -> Locator:
        return self.page.locator(".entry.caller:not(.unsettled) .words")

    @property
    def answers(self) -> Locator:
        return self.page.locator(".entry.agent:not(.unsettled)")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    async def start_talking(self) -> None:
        await self.button("Start talking").click()
        await self.connected()

    async def start_and_listen(self) -> None:
        """Start talking and hear the greeting out."""
        await self.start_talking()
        await self.greeted()

    async def connected(self) -> None:
        await expect(self.page.locator("body")).to_have_attribute("data-phase", "live")

    async def greeted(self) -> None:
        """Until the agent has picked up and its greeting is over."""
        await self.connected()
        await self.answers.first.wait_for()
        await self.agent_is("listening")

    async def type(self, text: str) -> None:
        box = self.page.get_by_label("Your message")
        await box.fill(text)
        await box.press("Enter")

    async def answer_to(self, text: str) -> Locator:
        """In a running call, type a question; its answer's entry once that is complete."""
        before = await self.page.locator(".entry").count()
        await self.type(text)
        entry = self.page.locator(f".entry:nth-child(n + {before + 2}).agent:not(.unsettled)").first
        await entry.wait_for()
        return entry

    async def agent_is(self, state: str) -> None:
        await expect(self.page.locator("body")).to_have_attribute("data-agent", state)

    async def loudest(self, *, within_s: float = 30.0) -> float:
        """The greatest loudness (RMS, 1 is full scale) of the agent's track; ends early once it is audible."""
        return await self.page.evaluate(LOUDEST, within_s)

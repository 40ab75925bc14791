"""When the line doesn't hold: what the page says and how it goes on."""

import asyncio
import base64
import json

import jwt
import pytest
from livekit import api
from playwright.async_api import Route, expect

from tests.browser.callerpage import CallerPage
from tests.browser.conftest import ARTIFACTS, OpenPage
from tests.browser.standin import ANSWER, KEY, SECRET, StandIn, standing_in

pytestmark = pytest.mark.browser

PHONE = {"width": 375, "height": 720}
CAPTURE = """() => {
    const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    window.captured = [];
    window.plugIn = () => {
        navigator.mediaDevices.getUserMedia = async (wanted) => {
            const stream = await open(wanted);
            window.captured.push(...stream.getTracks());
            return stream;
        };
    };
    window.plugIn();
}"""
UNPLUG = """() => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("gone", "NotFoundError"));
    const track = window.captured.at(-1);
    track.stop();
    track.dispatchEvent(new Event("ended"));
}"""


async def test_a_killed_media_server_is_found_again(standin: StandIn, open_page: OpenPage) -> None:
    caller = CallerPage(await open_page(standin.base_url))
    await caller.start_and_listen()
    await caller.answer_to("What time is breakfast?")
    await standin.kill_livekit()
    await expect(caller.page.locator("#agent-label")).to_have_text("Reconnecting")
    await standin.start_livekit()
    await caller.greeted()
    await expect(caller.questions).to_have_count(1)
    await expect(await caller.answer_to("And now?")).to_contain_text(ANSWER)


async def test_a_media_server_that_is_away_is_said_and_can_be_tried_again(
    standin: StandIn, open_page: OpenPage
) -> None:
    await standin.kill_livekit()
    caller = CallerPage(await open_page(standin.base_url))
    await caller.button("Start talking").click()
    await expect(caller.notice).to_contain_text("The call server isn’t answering")
    await expect(caller.button("Try again")).to_be_visible()
    await standin.start_livekit()
    await caller.button("Try again").click()
    await caller.connected()
    await expect(caller.notice).to_be_hidden()


async def test_a_page_without_its_server_says_so(standin: StandIn, open_page: OpenPage) -> None:
    caller = CallerPage(await open_page(standin.base_url))
    await caller.page.route("**/api/session", lambda route: route.abort())
    await caller.button("Start talking").click()
    await expect(caller.notice).to_contain_text("can’t reach its server")


async def test_a_line_that_typed_words_waited_for_carries_them_later(standin: StandIn, open_page: OpenPage) -> None:
    await standin.kill_livekit()
    caller = CallerPage(await open_page(standin.base_url))
    await caller.type("What time is breakfast?")
    await expect(caller.button("Try again")).to_be_visible()
    await standin.start_livekit()
    await caller.button("Try again").click()
    await expect(caller.answers.last).to_contain_text(ANSWER)


async def test_busy_lines_are_waited_for(tmp_path: object, open_page: OpenPage) -> None:
    async with standing_in(tmp_path, max_calls=1) as system:  # type: ignore[arg-type]
        first = CallerPage(await open_page(system.base_url))
        await first.start_talking()
        second = CallerPage(await open_page(system.base_url))
        await second.button("Start talking").click()
        await expect(second.in_line).to_contain_text("All lines are busy. You are next.")
        await expect(second.page.locator("#announcer")).to_contain_text("You are next.")
        third = CallerPage(await open_page(system.base_url, color_scheme="dark", viewport=PHONE))
        await third.button("Start talking").click()
        await expect(third.in_line).to_contain_text("You are number 2 in line.")
        await first.button("Hang up").click()
        await second.connected()
        await expect(second.in_line).to_be_hidden()
        await expect(third.in_line).to_contain_text("You are next.")


async def test_waiting_for_a_line_can_be_given_up(tmp_path: object, open_page: OpenPage) -> None:
    async with standing_in(tmp_path, max_calls=0) as system:  # type: ignore[arg-type]
        caller = CallerPage(await open_page(system.base_url))
        await caller.button("Start talking").click()
        await caller.button("Leave the line").click()
        await expect(caller.button("Call again")).to_be_visible()
        await expect(caller.in_line).to_be_hidden()
        other = CallerPage(await open_page(system.base_url))
        await other.button("Start talking").click()
        await expect(other.in_line).to_contain_text("You are next.")


async def test_a_page_that_is_closed_gives_its_place_up(tmp_path: object, open_page: OpenPage) -> None:
    async with standing_in(tmp_path, max_calls=0) as system:  # type: ignore[arg-type]
        leaving, staying = CallerPage(await open_page(system.base_url)), CallerPage(await open_page(system.base_url))
        await leaving.button("Start talking").click()
        await expect(leaving.in_line).to_be_visible()
        await staying.button("Start talking").click()
        await expect(staying.in_line).to_contain_text("You are number 2 in line.")
        await leaving.page.goto("about:blank")
        await expect(staying.in_line).to_contain_text("You are next.")


async def test_a_door_that_is_away_for_a_moment_keeps_the_place(tmp_path: object, open_page: OpenPage) -> None:
    async with standing_in(tmp_path, max_calls=0) as system:  # type: ignore[arg-type]
        caller = CallerPage(await open_page(system.base_url))
        await caller.button("Start talking").click()
        await expect(caller.in_line).to_be_visible()
        await caller.page.route("**/api/session/*", lambda route: route.abort())
        await expect(caller.notice).to_contain_text("can’t reach its server")
        await expect(caller.in_line).to_be_hidden()
        await caller.page.unroute("**/api/session/*")
        await expect(caller.in_line).to_contain_text("You are next.")
        await expect(caller.notice).to_be_hidden()
        await caller.page.screenshot(path=ARTIFACTS / "waiting-in-line.png")


async def test_a_full_line_is_waited_for(tmp_path: object, open_page: OpenPage) -> None:
    async with standing_in(tmp_path, max_calls=0, max_waiting=0) as system:  # type: ignore[arg-type]
        caller = CallerPage(await open_page(system.base_url))
        await caller.button("Start talking").click()
        await expect(caller.notice).to_contain_text("All lines are busy. Trying again in")
        await caller.button("Stop trying").click()
        await expect(caller.button("Call again")).to_be_visible()
        await expect(caller.notice).to_be_hidden()


async def test_an_agent_that_does_not_come_is_said_and_still_welcome(standin: StandIn, open_page: OpenPage) -> None:
    standin.is_away = True
    caller = CallerPage(await open_page(standin.base_url))
    await caller.button("Start talking").click()
    await expect(caller.notice).to_contain_text("Nobody has picked up yet")
    standin.is_away = False
    await caller.connected()
    await expect(caller.notice).to_be_hidden()


async def test_an_agent_that_drops_out_is_waited_for(standin: StandIn, open_page: OpenPage) -> None:
    caller = CallerPage(await open_page(standin.base_url))
    await caller.start_talking()
    standin.is_away = True
    await standin.dismiss()
    await expect(caller.page.locator("#agent-label")).to_have_text("Waiting for the agent")
    standin.is_away = False
    await caller.connected()


async def test_another_agent_goes_on_in_the_same_room(standin: StandIn, open_page: OpenPage) -> None:
    caller = CallerPage(await open_page(standin.base_url))
    await caller.start_and_listen()
    await caller.answer_to("What time is breakfast?")
    [room] = standin.agents
    await caller.type("Tell me something long.")
    await expect(caller.page.locator(".entry.agent").last).to_contain_text("One.")
    await standin.dismiss()
    await expect(caller.answers.nth(2)).to_be_visible()
    await caller.connected()
    assert await caller.loudest() > 0.01
    await caller.agent_is("listening")
    await expect(caller.answers).to_have_count(4)
    await expect(await caller.answer_to("And on Sundays?")).to_contain_text(ANSWER)
    assert list(standin.agents) == [room], "the line was never given up"
    await expect(caller.page.locator("#sound audio")).to_have_count(1)
    await expect(caller.page.locator("#log")).not_to_contain_text("Connection lost")


async def test_a_lost_agent_is_called_again_in_a_new_room(standin: StandIn, open_page: OpenPage) -> None:
    caller = CallerPage(await open_page(standin.base_url))
    await caller.start_talking()
    [lost] = standin.agents
    standin.is_away = True
    await standin.dismiss()
    await expect(caller.notice).to_contain_text("The connection was lost")
    standin.is_away = False
    await caller.connected()
    [new] = set(standin.agents) - {lost}
    assert standin.agents[new].room.remote_participants
    assert lost not in standin.agents or not standin.agents[lost].room.remote_participants


async def test_a_room_closed_at_the_other_end_is_the_end(standin: StandIn, open_page: OpenPage) -> None:
    caller = CallerPage(await open_page(standin.base_url))
    await caller.start_talking()
    [room] = standin.agents
    async with api.LiveKitAPI(standin.livekit_url, KEY, SECRET) as livekit:
        await livekit.room.delete_room(api.DeleteRoomRequest(room=room))
    await expect(caller.notice).to_contain_text("ended at the other end")
    await expect(caller.button("Call again")).to_be_visible()


@pytest.mark.parametrize("secret", ["a-forged-secret-of-thirty-two-characters", SECRET])
async def test_a_forged_or_expired_pass_is_refused_in_plain_words(
    standin: StandIn, open_page: OpenPage, secret: str
) -> None:
    grants = api.VideoGrants(room_join=True, room="call-x")
    token = _expired(api.AccessToken(KEY, secret).with_identity("caller").with_grants(grants).to_jwt(), secret)
    session = {"url": standin.livekit_url, "room": "call-x", "token": token, "models": "starter"}

    async def forge(route: Route) -> None:
        await route.fulfill(status=200, content_type="application/json", body=json.dumps(session))

    caller = CallerPage(await open_page(standin.base_url))
    await caller.page.route("**/api/session", forge)
    await caller.button("Start talking").click()
    await expect(caller.notice).to_contain_text("its pass is invalid or has expired")


async def test_hanging_up_ends_the_call_and_calling_again_works(standin: StandIn, open_page: OpenPage) -> None:
    caller = CallerPage(await open_page(standin.base_url))
    await caller.start_talking()
    await caller.button("Hang up").click()
    await expect(caller.page.locator("#agent-label")).to_have_text("Call ended")
    await caller.button("Call again").click()
    await caller.connected()


def _expired(token: str, secret: str) -> str:
    """The same token, out of date, where the secret is the server's own."""
    if secret != SECRET:
        return token
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))

    return jwt.encode(claims | {"nbf": 0, "exp": 1}, secret, algorithm="HS256")


async def test_a_microphone_that_is_unplugged_is_told_and_comes_back(standin: StandIn, open_page: OpenPage) -> None:
    caller = CallerPage(await open_page(standin.base_url, says="What time is breakfast?"))
    await caller.page.evaluate(CAPTURE)
    await caller.start_and_listen()
    await caller.page.evaluate(UNPLUG)
    await expect(caller.notice).to_contain_text("you are not heard")
    await expect(caller.page.locator("#mic-label")).to_have_text("No microphone")
    await caller.page.evaluate("() => window.plugIn()")
    await caller.button("Use microphone").click()
    await expect(caller.notice).to_be_hidden()
    await expect(caller.button("Mute")).to_be_visible()
    await expect(caller.questions.last).to_have_text("What time is breakfast?")


async def test_leaving_the_page_ends_the_call_and_begins_no_other(standin: StandIn, open_page: OpenPage) -> None:
    caller = CallerPage(await open_page(standin.base_url))
    await caller.start_and_listen()
    asked: list[str] = []
    caller.page.on("request", lambda request: asked.append(request.url) if "/api/session" in request.url else None)
    await caller.page.reload()
    await expect(caller.button("Start talking")).to_be_visible()
    async with api.LiveKitAPI(standin.livekit_url, KEY, SECRET) as livekit:
        [name] = standin.agents
        listed = api.ListParticipantsRequest(room=name)
        while len((await livekit.room.list_participants(listed)).participants) > 1:
            await asyncio.sleep(0.05)
    assert asked == []

"""Nothing leaves the machine: every address that any process of the system talks to, from its start to its end."""

import re
from pathlib import Path

import psutil
import pytest

from agent.caller.conversation import Caller
from agent.caller.line import RATE_HZ
from agent.caller.script import CallScript, Say
from agent.caller.ticket import ask_for_ticket
from tests.system import running

pytestmark = pytest.mark.e2e

TRACER = ("strace", "-D", "-f", "-yy", "--seccomp-bpf", "-qq", "-e", "signal=none")
CALLS = ("-e", "trace=connect,sendto,sendmsg,sendmmsg")
ADDRESS = re.compile(
    r'(?:inet_addr\(|inet_pton\(AF_INET6, )"(?:::ffff:)?([^"]+)"|->\[?(?:::ffff:)?([0-9a-f.:]+?)\]?:\d+\]>'
)
ROUTE_PROBES = {"8.8.8.8", "2001:4860:4860::8888"}
"""WebRTC connects a UDP socket to these to learn which of its own addresses it would use; that sends nothing."""


def own_addresses() -> set[str]:
    """Every address of this machine: WebRTC may choose any of them for a connection that never leaves it."""
    return {address.address for interface in psutil.net_if_addrs().values() for address in interface} | {"::1"}


def reached(trace: str, *, calls: str) -> set[str]:
    """The addresses in the lines of the system calls that begin with `calls`."""
    lines = [line for line in trace.splitlines() if f" {calls}" in line]
    return {one or other for line in lines for one, other in ADDRESS.findall(line)}


async def test_nothing_is_sent_beyond_this_machine(tmp_path: Path) -> None:
    trace = tmp_path / "trace.txt"
    with running(tmp_path, under=(*TRACER, *CALLS, "-o", str(trace)), HOME=str(tmp_path)) as landline:
        async with Caller(await ask_for_ticket(landline.base_url)) as caller:
            await caller.hear_greeting()
            typed = await caller.type("what time is breakfast")
            question = Say("where can i park")
            spoken = await caller.say(CallScript([]).audio(question, sample_rate_hz=RATE_HZ), text=question.text)
    calls = trace.read_text()
    assert typed.answer and spoken.answer
    assert "127.0.0.1" in reached(calls, calls="connect")
    assert not reached(calls, calls="connect") - own_addresses() - ROUTE_PROBES
    assert not reached(calls, calls="send") - own_addresses()
    assert not [path for path in tmp_path.rglob("*onnxruntime*")]

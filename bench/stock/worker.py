"""`python -m bench stock`: takes calls for the stock agent beside a running system."""

import math
from functools import partial
from pathlib import Path

from livekit.agents import AgentServer, JobExecutorType, JobProcess, inference

from agent.discretion import be_discreet
from agent.settings import Settings, load
from agent.worker import stay_local
from bench.stock.agent import serve_call

AGENT_NAME = "stock"
READY = "stock agent registered"
LOADED_WITHIN_S = 120.0


def prewarm(process: JobProcess, *, settings: Settings, script: Path | None) -> None:
    """Before a call comes to this process: load everything that it will need."""
    be_discreet()
    from bench.stock.models import load_models
    from bench.stock.scripted import load_scripted

    models = load_scripted(settings, script) if script else load_models(settings)
    models.try_out()
    process.userdata.update(settings=settings, models=models, vad=inference.VAD())


def _tell_ready(*_: object) -> None:
    """Whoever started us waits for this line."""
    print(READY, flush=True)


async def serve(script: Path | None = None) -> None:
    """Register and take calls until terminated; models of random numbers need the callers' script.

    The process of a call is started for it, so that no other loads its models while somebody talks.
    """
    settings = load()
    stay_local(with_turn_model=False)
    be_discreet()
    server = AgentServer(
        job_executor_type=JobExecutorType.PROCESS,
        ws_url=settings.livekit_url,
        api_key=settings.livekit.api_key,
        api_secret=settings.livekit.api_secret.get_secret_value(),
        host="127.0.0.1",
        port=0,
        http_proxy=None,
        num_idle_processes=0,
        initialize_process_timeout=LOADED_WITHIN_S,
        setup_fnc=partial(prewarm, settings=settings, script=script),
        load_threshold=math.inf,
        load_fnc=lambda: 0.0,
    )
    server.rtc_session(serve_call, agent_name=AGENT_NAME)
    server.on("worker_registered", _tell_ready)
    await server.run(devmode=False)

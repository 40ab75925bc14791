"""What a job process loads before and during a call: thin, without any model library."""

import json
import subprocess
import sys

from agent.settings import ROOT

HEAVY = (
    "torch", "ctranslate2", "faster_whisper", "llama_cpp", "piper", "lancedb", "sentence_transformers", "transformers",
    "onnxruntime", "pandas", "scipy",
)  # fmt: skip

JOB = """
import asyncio, json, sys
import livekit.agents.ipc.job_proc_lazy_main, livekit.agents.ipc._preload
from livekit.agents import JobExecutorType
from livekit.agents.job import JobProcess
from agent.call import prewarm
from agent.session import build_session, room_options
from agent.settings import load
from agent.worker import stay_local
from plugins.client import EngineClient

async def call():
    process = JobProcess(executor_type=JobExecutorType.PROCESS, user_arguments=None, http_proxy=None)
    prewarm(process, settings=load())
    build_session(load(), EngineClient("unix:nowhere"), process.userdata["vad"], call_id="call-1")

stay_local(with_turn_model=False)
asyncio.run(call())
print(json.dumps(sorted(sys.modules)))
"""


def test_a_job_process_holds_no_model_library() -> None:
    run = subprocess.run([sys.executable, "-c", JOB], cwd=ROOT, capture_output=True, text=True, check=True)
    modules = json.loads(run.stdout.splitlines()[-1])
    assert "agent.call" in modules and "plugins.whisper.stt" in modules
    assert not {name.partition(".")[0] for name in modules} & set(HEAVY)


def test_commands_start_without_loading_what_they_do_not_need() -> None:
    code = "import sys, agent.cli; print('livekit' in sys.modules, 'torch' in sys.modules, 'numpy' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "False", "False"]

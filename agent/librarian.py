"""One change to the documents in a process of its own, told in one line of JSON: so that the door stays light.

python -m agent.librarian add RECEIVED FILE
python -m agent.librarian remove DOC_ID
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from agent.ingesting import ingest_documents
from agent.settings import Settings, load
from agent.upkeep import find_documents, remove_documents
from knowledge.errors import KnowledgeError
from knowledge.places.folders import Draft
from knowledge.report import Report, Step
from plugins.errors import EngineError

Json = dict[str, Any]

FAILED = "failed"


async def add(settings: Settings, received: Path, file: Path) -> Json:
    """Read a received file in and make it `file`, in the place of a former version, which outlives every failure.

    It is read as the file that it is: who may upload one may not have the server fetch what it names.
    """
    ingested = await ingest_documents(settings, [Draft(received, file)], progress=_in_silence)
    result = outcome(ingested.report)
    if result["outcome"] != FAILED:
        await asyncio.to_thread(received.replace, file)
    return result | {"chunks": ingested.report.chunks, "demo_removed": ingested.demo_removed}


def _in_silence(_: Step) -> None: ...


def outcome(report: Report) -> Json:
    """What became of the only file of an ingest."""
    for _, reason in report.failed:
        return {"outcome": FAILED, "reason": reason}
    for name in ("added", "changed", "unchanged"):
        if getattr(report, name):
            return {"outcome": name, "reason": " ".join(note for _, note in report.notes)}
    return {"outcome": FAILED, "reason": "This kind of file cannot be read."}


def remove(settings: Settings, doc_id: str) -> Json:
    """Forget a document; the file of one that was uploaded goes too."""
    found = [each for each in find_documents(settings, ()) if each.doc_id == doc_id]
    if not found:
        return {"outcome": "missing"}
    remove_documents(settings, found)
    for document in found:
        file = Path(document.origin)
        if file.is_relative_to(settings.knowledge.uploads.resolve()):
            file.unlink(missing_ok=True)
    return {"outcome": "removed"}


def main(command: str, *subjects: str) -> Json:
    """Carry out one command; what goes wrong is its outcome too."""
    try:
        settings = load()
        if command == "add":
            return asyncio.run(add(settings, *(Path(subject).resolve() for subject in subjects)))
        return remove(settings, *subjects)
    except (KnowledgeError, EngineError, OSError) as error:
        return {"outcome": FAILED, "reason": str(error)}


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))

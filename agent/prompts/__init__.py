"""What the agent is told and what the house says: system prompts and stock lines, as files beside this one."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent
STOCK_FILE = _FOLDER / "stock.toml"


@dataclass(frozen=True)
class StockText:
    """One line of the house: what is said, and examples of what callers say before it."""

    name: str
    text: str
    examples: tuple[str, ...] = ()


@cache
def read_prompt(name: str) -> str:
    """The system prompt `name` ("quote" or "free"), without its final line break."""
    return (_FOLDER / f"{name}.md").read_text(encoding="utf-8").strip()


@cache
def read_stock(path: Path = STOCK_FILE) -> dict[str, StockText]:
    """All stock lines by name. Raises `ValueError` naming the file and the line that lacks its text."""
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    return {name: _line(name, table, path) for name, table in tables.items()}


def stock_lines() -> tuple[StockText, ...]:
    """The lines that small talk is answered with: those that have examples."""
    return tuple(line for line in read_stock().values() if line.examples)


def _line(name: str, table: dict[str, object], path: Path) -> StockText:
    text, examples = table.get("text"), table.get("examples", [])
    if not isinstance(text, str) or not text.strip() or not isinstance(examples, list):
        raise ValueError(f"{path}: [{name}] needs a text and a list of examples")
    return StockText(name=name, text=text.strip(), examples=tuple(str(example) for example in examples))

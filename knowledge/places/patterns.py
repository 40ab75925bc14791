"""Globs: `*`, `?` and `[…]` within a name, `**` over folders. What a matched folder holds matches too."""

import re

_SPECIAL = re.compile(r"[*?\[]")


def is_pattern(text: str) -> bool:
    return bool(_SPECIAL.search(text))


def fixed_root(pattern: str) -> str:
    """The folder above the first name with a special character: `a/b` of `a/b/*.md`."""
    names = pattern.split("/")
    fixed = next((place for place, name in enumerate(names) if is_pattern(name)), len(names))
    return "/".join(names[:fixed])


def compiled(pattern: str) -> re.Pattern[str]:
    """A regular expression for whole paths."""
    parts: list[str] = []
    for token in re.findall(r"\*\*/|\*\*|\*|\?|\[[^\]]+\]|.", pattern):
        match token:
            case "**/":
                parts.append("(?:.*/)?")
            case "**":
                parts.append(".*")
            case "*":
                parts.append("[^/]*")
            case "?":
                parts.append("[^/]")
            case _ if token.startswith("[") and len(token) > 1:
                parts.append(token.replace("[!", "[^").replace("\\", "\\\\"))
            case _:
                parts.append(re.escape(token))
    return re.compile("".join(parts) + r"(?:/.*)?", re.DOTALL)

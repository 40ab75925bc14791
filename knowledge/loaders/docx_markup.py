"""What stands around the text of a Word document, where the library reads past it: tracked changes, controls."""

from typing import Any

WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
PARAGRAPH = f"{WORD}p"
TEXT_BOX = f"{WORD}txbxContent"

_DELETED = (f"{WORD}del", f"{WORD}moveFrom")
_ROW, _ROW_PROPERTIES = f"{WORD}tr", f"{WORD}trPr"
_CONTROL, _CONTROL_PROPERTIES, _CONTROL_END = f"{WORD}sdt", f"{WORD}sdtPr", f"{WORD}sdtEndPr"
_INVITATION = f"{WORD}showingPlcHdr"
"""Marks a control in which nobody has written anything yet: "Click here to enter text"."""
_WRAPPERS = (_CONTROL, *(f"{WORD}{name}" for name in ("sdtContent", "ins", "moveTo", "smartTag", "customXml")))


def flatten(body: Any) -> None:
    """Leave the document as if all changes were accepted and all controls were text. `body` is an lxml element."""
    for row in list(body.iter(_ROW)):
        if any(row.find(f"{_ROW_PROPERTIES}/{deleted}") is not None for deleted in _DELETED):
            _drop(row)
    for control in list(body.iter(_CONTROL)):
        if control.find(f"{_CONTROL_PROPERTIES}/{_INVITATION}") is not None:
            _drop(control)
    for element in list(body.iter(*_DELETED, _FALLBACK, _CONTROL_PROPERTIES, _CONTROL_END)):
        _drop(element)
    for wrapper in reversed(list(body.iter(*_WRAPPERS))):
        parent = wrapper.getparent()
        place = parent.index(wrapper)
        parent[place : place + 1] = list(wrapper)


def _drop(element: Any) -> None:
    if (parent := element.getparent()) is not None:
        parent.remove(element)

"""datarep: the reputation that a file gives to the content of a buffer."""

from __future__ import annotations

from typing import Final, cast, get_args

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.datasets import Lists
from vpi_tui.detect.rules.draft import PAYLOAD, Draft
from vpi_tui.detect.rules.numbers import spans
from vpi_tui.detect.rules.registry import keyword
from vpi_tui.detect.rules.text import printable
from vpi_tui.detect.rules.valuefiles import DataFile
from vpi_tui.model.signature import HasReputation
from vpi_tui.model.valueset import ValueKind

_TEXTS: Final = ("type", "load")
_IGNORED: Final = ("memcap", "hashsize")
_OPERATORS: Final = {"==": "=", ">": ">", "<": "<"}
_MOST: Final = 0xFFFF


@keyword("datarep")
def datarep(draft: Draft, text: str) -> None:
    """Reputation of the sticky buffer's content: name,>,200,load file,type string|md5|sha256|ip|ipv4|ipv6."""
    if draft.buffer == PAYLOAD:
        raise Refused("datarep: needs a sticky buffer before it")
    name, *rest = [part.strip() for part in text.split(",") if part.strip()] or [""]
    if len(rest) < 2:
        raise Refused(f"datarep: needs `name,operator,score,load file,type kind`, has {text[:60]!r}")
    if rest[0] not in _OPERATORS:
        raise Refused(f"datarep: the operator is one of {' '.join(_OPERATORS)}, not {rest[0][:20]!r}")
    said: dict[str, str] = {}
    for part in rest[2:]:
        word, _, value = part.partition(" ")
        if word not in (*_TEXTS, *_IGNORED):
            raise Refused(f"datarep: unknown part {part[:40]!r}; there are {', '.join(_TEXTS)}")
        said[word] = value.strip()
    kind = said.get("type")
    if kind is not None and kind not in get_args(ValueKind):
        raise Refused(f"datarep: type is one of {', '.join(get_args(ValueKind))}")
    lists = Lists(DataFile(said["load"])) if said.get("load") else Lists()
    if lists.load is not None and kind is None:
        raise Refused("datarep: a load needs a type")
    sets = draft.sources.datasets
    scores = sets.scores(printable(name), cast(ValueKind | None, kind), lists, said.get("hashsize", ""))
    draft.notices += sets.take_notices()
    asked = spans("datarep", _OPERATORS[rest[0]] + rest[1], _MOST)
    draft.steps.append(HasReputation(draft.buffer, scores, asked))

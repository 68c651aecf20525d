"""datarep: the reputation that a file gives to the content of a buffer."""

from __future__ import annotations

from typing import Final

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.datasets import check_hashsize
from vpi_tui.detect.rules.draft import DECODED, PAYLOAD, Draft
from vpi_tui.detect.rules.numbers import spans
from vpi_tui.detect.rules.registry import keyword
from vpi_tui.model.signature import HasReputation

_TEXTS: Final = ("type", "load")
_IGNORED: Final = ("memcap", "hashsize")
_KINDS: Final = ("string", "md5", "sha256", "ip", "ipv4", "ipv6")
_OPERATORS: Final = {"==": "="}
_MOST: Final = 0xFFFF


@keyword("datarep")
def datarep(draft: Draft, text: str) -> None:
    """Reputation of the sticky buffer's content: name,>,200,load file,type string|md5|sha256|ip|ipv4|ipv6."""
    if draft.buffer in (PAYLOAD, DECODED):
        raise Refused("datarep: needs a sticky buffer before it")
    name, *rest = (part.strip() for part in text.split(","))
    if len(rest) < 2 or not name:
        raise Refused(f"datarep: needs `name,operator,score,load file,type kind`, has {text[:60]!r}")
    said: dict[str, str] = {}
    for part in rest[2:]:
        word, _, value = part.partition(" ")
        if word not in (*_TEXTS, *_IGNORED):
            raise Refused(f"datarep: unknown part {part[:40]!r}; there are {', '.join(_TEXTS)}")
        said[word] = value.strip()
    if said.get("type") not in _KINDS:
        raise Refused(f"datarep: type is one of {', '.join(_KINDS)}")
    if not said.get("load"):
        raise Refused("datarep: load is missing; a file gives the scores")
    check_hashsize("datarep", said.get("hashsize", ""))
    scores = draft.sources.datasets.scores(said["load"], said["type"])
    operator = _OPERATORS.get(rest[0], rest[0])
    draft.steps.append(HasReputation(draft.buffer, scores, spans("datarep", operator + rest[1], _MOST)))

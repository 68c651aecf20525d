"""Keywords about IKE that take words; its buffers and numbers stand in applayer/names.py."""

from __future__ import annotations

import re
from typing import Final

from msgspec.structs import replace

from vpi_tui.detect.applayer.names import IKE_ATTRIBUTE
from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.draft import Draft
from vpi_tui.detect.rules.numbers import number_in
from vpi_tui.detect.rules.registry import keyword
from vpi_tui.detect.rules.text import unquote

_KEYWORD: Final = "ike.chosen_sa_attribute"
_WORDS: Final = (
    "alg_enc", "alg_hash", "alg_auth", "alg_dh", "alg_prf", "sa_group_type", "sa_life_type",
    "sa_life_duration", "sa_key_length", "sa_field_size",
)  # fmt: skip
_TEST: Final = re.compile(r"\s*([a-z_]+)\s*(.*)", re.S)


@keyword(_KEYWORD)
def ike_chosen_sa_attribute(draft: Draft, text: str) -> None:
    """A number of the security association that the responder chose: alg_hash=2, sa_key_length>128."""
    found = _TEST.fullmatch(unquote(_KEYWORD, text, needed=False))
    if found is None or found[1] not in _WORDS:
        raise Refused(f"{_KEYWORD}: {text[:40]!r} names none of {', '.join(_WORDS)}")
    test = number_in(_KEYWORD, found[2], 0xFFFFFFFF)
    draft.steps.append(replace(test, buffer=f"{IKE_ATTRIBUTE}{found[1]}"))

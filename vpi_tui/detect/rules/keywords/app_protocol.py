"""app-layer-protocol: what a flow, or one direction of it, was recognised as."""

from __future__ import annotations

from typing import Final, Literal

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.draft import Draft
from vpi_tui.detect.rules.registry import keyword
from vpi_tui.detect.rules.text import signed, unquote
from vpi_tui.model.applications import APP_FAILED, APP_PROTOS, RULE_WORDS, app_numbers
from vpi_tui.model.signature import FlowProtocol

_WORD: Final = "app-layer-protocol"
Side = Literal["direction", "to_server", "to_client", "either", "original", "final"]
_SIDES: Final[dict[str, Side]] = {
    "direction": "direction", "to_server": "to_server", "to_client": "to_client", "either": "either",
    "original": "original", "final": "final",
}  # fmt: skip
_UNSURE: Final[dict[str, tuple[int, ...]]] = {"unknown": (0,), "failed": (APP_FAILED,)}
_UNSURE_NUMBERS: Final = (0, APP_FAILED)
_KNOWN: Final = range(1, APP_FAILED + 1)


@keyword(_WORD)
def app_layer_protocol(draft: Draft, text: str) -> None:
    """The application that the flow was recognised as (tls|http: one of them), in the packet's direction
    unless another is named; `!` before it: any other, or none."""
    header = draft.header.protocol.lower()
    if header in RULE_WORDS:
        raise Refused(f"{_WORD}: the rule is for {header} already; let it be for tcp, udp or ip")
    before, quoted = signed(text)
    within, rest = signed(unquote(_WORD, quoted, needed=False))
    negated = before or within
    words, *qualifiers = rest.split(",")
    mode, exact = _qualified(qualifiers)
    numbers: set[int] = set()
    for word in words.split("|"):
        numbers.update(_meant(word.strip().lower(), negated=negated, exact=exact))
    _only_one(draft, mode, numbers, negated=negated)
    if negated and mode == "either":
        draft.checks.append(FlowProtocol("neither", frozenset(numbers)))
        return
    if negated:  # not a word about flows of which nothing is known yet
        numbers = set(_KNOWN) - numbers
    if mode == "final" and numbers.isdisjoint(_UNSURE_NUMBERS):  # the compiled loop is quicker
        draft.test("app_proto", [(number, number) for number in sorted(numbers)])
    draft.checks.append(FlowProtocol(_SIDES[mode], frozenset(numbers)))


def _qualified(qualifiers: list[str]) -> tuple[str, bool]:
    """(mode, exact): at most one mode, and `exact`, in whatever order."""
    modes, exact = [], False
    for one in (qualifier.strip().lower() for qualifier in qualifiers):
        if one == "exact":
            exact = True
        elif one in _SIDES:
            modes.append(one)
        else:
            raise Refused(f"{_WORD}: {one[:40]!r}: exact, or one of {', '.join(sorted(_SIDES))}")
    if len(modes) > 1:
        raise Refused(f"{_WORD}: only one of {' and '.join(modes[:2])} can be asked for")
    return (modes[0] if modes else "direction"), exact


def _meant(word: str, *, negated: bool, exact: bool) -> tuple[int, ...]:
    if word == "unknown" and negated:
        raise Refused(f"{_WORD}: !unknown is no test; name a protocol, or leave it out")
    if word == "http" and exact:
        raise Refused(f"{_WORD}: no flow is http exactly; http1, http2 or both (http1|http2)")
    numbers = _UNSURE.get(word) or app_numbers(word)
    if exact and len(numbers) > 1:
        numbers = tuple(n for n in numbers if APP_PROTOS[n] == word) or numbers
    if not numbers and word in APP_PROTOS[1:]:
        numbers = (APP_PROTOS.index(word),)
    if not numbers:
        raise Refused(f"{_WORD}: {word[:40]!r} is not recognised")
    return numbers


def _only_one(draft: Draft, mode: str, numbers: set[int], *, negated: bool) -> None:
    """Of one side a rule may name applications once, or any number that it is not, each once."""
    wanted, unwanted = f"{_WORD},{mode}", {f"{_WORD}:!{number},{mode}" for number in numbers}
    any_unwanted = f"{_WORD}:!,{mode}"
    if wanted in draft.seen or (any_unwanted in draft.seen and not negated):
        raise Refused(f"{_WORD}: two that cannot both be ({mode})")
    if negated and unwanted & draft.seen:
        raise Refused(f"{_WORD}: the same is ruled out twice ({mode})")
    draft.seen.update({any_unwanted, *unwanted} if negated else {wanted})

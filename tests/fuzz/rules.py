"""Any text as a rule, a rule file, a pack, a threshold.config or a modify.conf.

Signatures or refusals with their place come of it, never another exception, and soon. What is taken is put
into words, compiled, and held against the bytes behind the rule's line: by its steps alone, each buffer being
those bytes, and as a packet and a stretch of a stream.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from tests.detect.match.build import Packet, Stretch, run
from tests.fuzz.target import Target, file_of, words_in
from vpi_tui.detect.applayer.files import File
from vpi_tui.detect.match.evaluate import Plan, Tally
from vpi_tui.detect.match.matcher import Matcher
from vpi_tui.detect.match.ruleset import RuleSet
from vpi_tui.detect.rules import threshold_file
from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.explain import describe
from vpi_tui.detect.rules.loader import load
from vpi_tui.detect.rules.parser import Parser
from vpi_tui.detect.rules.registry import PROTOCOLS, keywords
from vpi_tui.detect.rules.variables import Variables
from vpi_tui.model.errors import ConfigError, RuleError
from vpi_tui.model.signature import Origin, Signature
from vpi_tui.update.selection import read_selection

PACKS: Final = sorted((Path(__file__).resolve().parents[2] / "rules").glob("*.yaml"))
LONGEST_MESSAGE: Final = 2_000
"""Characters of what an operator is told of one rule."""
CONFS: Final = ("enable", "disable", "modify")
THRESHOLDS: Final = (
    b"suppress gen_id 1, sig_id 2002087, track by_src, ip 192.0.2.0/24",
    b"threshold gen_id 1, sig_id 0, type limit, track by_dst, count 1, seconds 60",
    b"rate_filter gen_id 1, sig_id 0, track by_rule, count 10, seconds 60, new_action pass, timeout 30",
    b"event_filter gen_id 1, sig_id 1, type both, track by_both, count 2, seconds 3\n# a comment\\\nsuppress",
)
OF_FILES: Final = (
    b'alert http any any -> any any (filename:"a"; filesize:>1kb; fileext:!"exe"; filestore; sid:1;)'
)
"""No pack asks for these."""
CHOICES: Final = (
    b'2019401 "seconds \\\\d+" "seconds 3600"',
    b'modifysid * "^drop" | "alert"',
    b'metadata-add group:emerging-dos "tier" "2"',
    b're:heartbleed "(a+)" "\\\\1b"',
    b"1:2019401, 3\ngroup:*dos*\nfilename:x.rules\nmetadata: deployment perimeter\nre:a|b",
)


@dataclass(frozen=True, slots=True)
class Everything:
    """A subject each of whose buffers holds the same bytes."""

    data: bytes
    fresh: int = -1
    little_endian: bool = False
    now_ns: int = 1

    def instances(self, _name: str) -> Sequence[bytes]:
        return (self.data, b"")

    def has(self, _name: str) -> bool:
        return bool(self.data)

    def grows(self, _name: str) -> bool:
        return False

    def files(self) -> Sequence[tuple[File, bool]]:
        made = File(1, self.data[:20])
        made.append(self.data)
        made.close()
        return (made, False), (made, True)


@cache
def samples() -> tuple[Signature, ...]:
    return tuple(load(PACKS).signatures)


def one_rule(data: bytes) -> None:
    line, _, payload = data.partition(b"\n")
    text = line.decode("utf-8", "surrogateescape")
    try:
        found = Parser().parse(text, Origin("fuzz.rules", 7))
    except Refused as refused:
        check_error(refused.at("fuzz.rules", 7, text), "fuzz.rules")
        return
    assert 0 < len(describe(found)) < 100 * (len(text) + LONGEST_MESSAGE)
    hold_against(found, payload)


def hold_against(signature: Signature, payload: bytes) -> None:
    Plan.of(signature.steps).match(Everything(payload), Tally())
    with np.errstate(over="ignore"):
        rules = RuleSet.compile([signature])
        packet, stretch = Packet(payload, proto=17), Stretch(payload)
        matcher = Matcher(rules, threshold_places=8)
        run(matcher, [packet])
        run(matcher, [Packet(payload, taken=True)], [stretch])


def check_error(error: RuleError, path: str) -> None:
    assert error.path == path
    assert error.line >= 1
    assert 0 < len(error.reason) < LONGEST_MESSAGE


def check_place(error: ConfigError, path: Path) -> None:
    assert str(path) in error.message
    assert len(str(error)) < LONGEST_MESSAGE


def _loaded(data: bytes, suffix: str) -> None:
    with file_of(data, suffix) as path:
        result = load([path])
    for error in result.errors:
        check_error(error, str(path))
    for signature in result.signatures:
        assert describe(signature)
    with np.errstate(over="ignore"):
        RuleSet.compile(result.signatures)


def rule_file(data: bytes) -> None:
    _loaded(data, ".rules")


def pack(data: bytes) -> None:
    _loaded(data, ".yaml")


def thresholds(data: bytes) -> None:
    with file_of(data, ".config") as path:
        entries, errors = threshold_file.read(path, Variables())
    for error in errors:
        check_error(error, str(path))
    assert len(threshold_file.limited(samples()[:3], entries)) == 3


def selection(data: bytes) -> None:
    """The three files of suricata-update, which of them by the first byte."""
    if not data:
        return
    name = CONFS[data[0] % len(CONFS)]
    with file_of(data[1:], ".conf") as path:
        try:
            chosen = read_selection(**{one: path if one == name else None for one in CONFS})
        except ConfigError as refused:
            check_place(refused, path)
            return
    rules = "".join(f"{one.raw}\n" for one in samples()[:3])
    assert chosen.apply(rules, "a.rules").count("\n") >= 3


def _rules() -> Iterable[bytes]:
    yield OF_FILES + b"\nabc"
    for number, signature in enumerate(samples()):
        yield signature.raw.encode() + b"\n" + bytes(signature.msg.encode()) * (number % 3)


def _words() -> list[bytes]:
    names = [f"{name}:" for name in keywords()] + [f"{name};" for name in keywords()]
    return [*(word.encode() for word in (*PROTOCOLS, *names)), b"any any -> any any (", b"|00|", b"sid:1;)"]


TARGETS: Final = (
    Target("rule", one_rule, _rules, _words, most_bytes=1_024),
    Target(
        "rule-file", rule_file, lambda: (b"\n".join(list(_rules())[n : n + 3]) for n in range(40)), _words
    ),
    Target("pack", pack, lambda: [path.read_bytes()[:1_500] for path in PACKS], _words),
    Target("threshold.config", thresholds, lambda: THRESHOLDS, lambda: b"\n".join(THRESHOLDS).split()),
    Target(
        "modify.conf",
        selection,
        lambda: [bytes([n]) + one for n in range(3) for one in CHOICES],
        lambda: words_in("vpi_tui.update.selection"),
    ),
)

"""A rule that is written in another way, or stands among others, alerts as often: what is looked for first,
in which group of ports and behind which sieve, is for speed alone."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.stream.scanning import scan
from tests.stream.test_same_alerts import capture
from vpi_tui.detect.rules.ast import Option, RuleSyntax
from vpi_tui.detect.rules.lexer import split_rule
from vpi_tui.detect.rules.text import pattern

RULES = [
    split_rule(text)
    for text in (
        'alert tcp any any -> any 80 (flow:established,to_server; content:"GET /"; depth:5; content:"HTTP";'
        ' distance:7; within:4; content:"oST"; nocase; distance:4; sid:1;)',
        'alert tcp any 80 -> any any (content:"HTTP/1.1 "; startswith; content:"said it"; endswith; sid:2;)',
        'alert tcp any any -> any 80 (content:"|0d 0a|Host|3a 20|"; content:"example"; distance:0; within:7;'
        ' content:!"Cookie"; sid:3;)',
        'alert http any any -> any any (http.uri; content:"/sec"; startswith; content:"ret"; endswith;'
        ' http.method; content:"GET"; sid:4;)',
        'alert http any any -> any any (http.response_body; content:"SAID"; nocase; offset:4; depth:4;'
        " sid:5;)",
        'alert dns any any -> any any (dns.query; content:"example"; content:"org"; distance:1; within:3;'
        " sid:6;)",
        'alert udp any any -> any 53 (dsize:>10; content:"|07|example"; content:"|03|org|00|"; distance:0;'
        " within:5; byte_test:2,=,1,0,relative; sid:7;)",
    )
]
OF_CONTENT = frozenset({"nocase", "depth", "offset", "distance", "within", "startswith", "endswith"})
Ways = Iterator[RuleSyntax]


def written(rule: RuleSyntax, sid: int) -> str:
    h = rule.header
    head = (h.action, h.protocol, h.src, h.src_port, h.arrow, h.dest, h.dest_port)
    options = [f"{o.name};" if o.value is None else f"{o.name}:{o.value};" for o in rule.options[:-1]]
    return f"{' '.join(head)} ({' '.join(options)} sid:{sid};)"


def contents(rule: RuleSyntax) -> Iterator[tuple[int, int, bytes]]:
    """(where among the options, where its modifiers end, what it looks for) of those that must be there."""
    for at, option in enumerate(rule.options):
        if option.name == "content" and option.value and option.value[0] == '"':
            end = at + 1
            while rule.options[end].name in OF_CONTENT:
                end += 1
            yield at, end, pattern("content", option.value[1:-1])


def put(rule: RuleSyntax, begin: int, end: int, *options: Option) -> RuleSyntax:
    return replace(rule, options=(*rule.options[:begin], *options, *rule.options[end:]))


def hexadecimal(data: bytes) -> str:
    return f'"|{data.hex(" ")}|"'


def sought_first(rule: RuleSyntax) -> Ways:
    for _, end, data in contents(rule):
        yield put(rule, end, end, Option("fast_pattern", None))
        for piece in {(0, 1), (1, len(data) - 1), (len(data) // 2, 2)}:
            yield put(rule, end, end, Option("fast_pattern", f"{piece[0]},{piece[1]}"))


def in_bytes(rule: RuleSyntax) -> Ways:
    for at, end, data in contents(rule):
        yield put(rule, at, at + 1, Option("content", hexadecimal(data)))
        if Option("nocase", None) in rule.options[at:end]:
            yield put(rule, at, at + 1, Option("content", hexadecimal(data.swapcase())))


def in_two(rule: RuleSyntax) -> Ways:
    """Each content as two that follow each other."""
    for at, end, data in contents(rule):
        for cut in {1, len(data) // 2, len(data) - 1}:
            first, second = [Option("content", hexadecimal(data[:cut]))], data[cut:]
            then = [Option("content", hexadecimal(second)), Option("distance", "0")]
            then.append(Option("within", str(len(second))))
            for option in rule.options[at + 1 : end]:
                if option.name in ("within", "depth"):
                    first.append(Option(option.name, str(int(option.value or 0) - len(second))))
                elif option.name != "endswith":
                    first.append(option)
                if option.name in ("nocase", "endswith"):
                    then.append(option)
            yield put(rule, at, end, *first, *then)


def with_more(rule: RuleSyntax) -> Ways:
    """Something besides that is always so."""
    for _, end, _ in contents(rule):
        yield put(rule, end, end, Option("content", '!"|fe fd|is never there|01|"'))
    yield put(rule, 0, 0, Option("flowbits", "isnotset,never.set"))
    yield put(rule, 0, 0, Option("ip_proto", "!255"))


def from_elsewhere(rule: RuleSyntax) -> Ways:
    """The same ends in other words."""
    header = rule.header
    everywhere = "[0.0.0.0/1,128.0.0.0/1,::/0]"
    yield replace(rule, header=replace(header, src=everywhere, dest=everywhere))
    yield replace(rule, header=replace(header, src="[!192.0.2.77,0.0.0.0/0,::/0]"))
    for name in ("src_port", "dest_port"):
        port = getattr(header, name)
        split = "[0:79,80,81:65535]" if port == "any" else f"[![0:{int(port) - 1},{int(port) + 1}:65535]]"
        yield replace(rule, header=replace(header, **{name: split}))


CHANGES: list[Callable[[RuleSyntax], Ways]] = [sought_first, in_bytes, in_two, with_more, from_elsewhere]
ALL = {"packet-alert-max": "255"}


@pytest.fixture(scope="module")
def as_written(tmp_path_factory: pytest.TempPathFactory) -> Counter[int]:
    """How often each rule alerts."""
    rules = [written(rule, sid) for sid, rule in enumerate(RULES, 1)]
    alerts, _ = scan(tmp_path_factory.mktemp("plain"), rules, capture(), options=ALL)
    counts = Counter(alert.sid for alert in alerts)
    assert set(counts) == set(range(1, 1 + len(RULES)))
    return counts


@pytest.mark.parametrize("change", CHANGES)
def test_a_rule_in_other_words_alerts_as_often(
    tmp_path: Path, as_written: Counter[int], change: Callable[[RuleSyntax], Ways]
) -> None:
    texts, wanted = [], Counter[int]()
    for sid, rule in enumerate(RULES, 1):
        for number, other in enumerate(change(rule)):
            texts.append(written(other, 1_000 * sid + number))
            wanted[1_000 * sid + number] = as_written[sid]
    alerts, _ = scan(tmp_path, texts, capture(), options=ALL)
    assert Counter(alert.sid for alert in alerts) == wanted


def test_a_rule_alerts_as_often_among_others_that_look_for_the_same(
    tmp_path: Path, as_written: Counter[int]
) -> None:
    """Hundreds share its patterns, its buffers and its ports, in whatever order."""
    texts = [written(rule, sid) for sid, rule in enumerate(RULES, 1)]
    for rule in RULES:
        for _, end, _ in contents(rule):
            for number in range(12):
                never = Option("content", f'"never there {number}"')
                other = put(rule, end, len(rule.options) - 1, Option("fast_pattern", None), never)
                port = ("any", "80", f"[{number}:{number + 60},443]")[number % 3]
                ports = replace(other.header, dest_port=port)
                texts.append(written(replace(other, header=ports), 1_000 + len(texts)))
    random.Random(3).shuffle(texts)
    alerts, _ = scan(tmp_path, texts, capture(), options=ALL)
    assert Counter(alert.sid for alert in alerts) == as_written

"""Real rules, mutilated: the parser answers with a signature or a refusal, soon, and with nothing else."""

from __future__ import annotations

import time
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.explain import describe
from vpi_tui.detect.rules.loader import load
from vpi_tui.detect.rules.parser import Parser
from vpi_tui.model.errors import RuleError
from vpi_tui.model.signature import Origin, Signature

PACKS = sorted((Path(__file__).resolve().parents[3] / "rules").glob("*.yaml"))
RAW = [signature.raw for signature in load(PACKS).signatures]
OPTIONS = sorted({option.strip() for raw in RAW for option in raw[raw.index("(") + 1 : -1].split(";")})
PARSER = Parser()
SOON = 1.0
"""Seconds of CPU that one rule may cost: a thousand times what it takes."""

options = st.sampled_from(OPTIONS)
names = st.sampled_from(sorted({option.partition(":")[0] for option in OPTIONS}))
values = st.one_of(
    st.sampled_from([option.partition(":")[2] for option in OPTIONS]),
    st.sampled_from(
        ["", "-1", "0", "!", ",,,", "4294967296", "99999999999999999999", "0x10", "a,b,c", '"', '"|"', "$X"]
    ),
    st.text(max_size=12),
)
crossed = st.tuples(names, values).map(":".join)
noise = st.sampled_from(
    [
        '"',
        ";",
        "(",
        ")",
        "\\",
        "|",
        "!",
        "[",
        "]",
        "$",
        ",",
        "\x00",
        "\n",
        "\ud800",
        "|0",
        "((((" * 50,
        "[" * 500,
    ]
)


@st.composite
def edited(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> str:
    """A text with pieces cut out, doubled, put elsewhere, or noise put in."""
    text = draw(texts)
    for _ in range(draw(st.integers(1, 4))):
        at, length = draw(st.integers(0, len(text))), draw(st.integers(0, 30))
        piece = text[at : at + length]
        match draw(st.sampled_from(["cut", "double", "move", "noise"])):
            case "cut":
                text = text[:at] + text[at + length :]
            case "double":
                text = text[:at] + piece * draw(st.sampled_from([2, 200])) + text[at:]
            case "move":
                to = draw(st.integers(0, len(text)))
                text = text[:to] + piece + text[to:]
            case _:
                text = text[:at] + draw(noise) + text[at:]
    return text


def answer(text: str) -> Signature | RuleError:
    """Anything but Refused that the parser raises fails the test."""
    began = time.process_time()
    try:
        found: Signature | RuleError = PARSER.parse(text, Origin("fuzz.rules", 7))
    except Refused as refused:
        found = refused.at("fuzz.rules", 7, text)
    assert time.process_time() - began < SOON, "it takes too long"
    return found


def check(text: str) -> None:
    found = answer(text)
    if isinstance(found, RuleError):
        assert str(found).startswith("fuzz.rules:7: ")
        assert found.reason
    else:
        assert describe(found)


@settings(max_examples=400)
@given(edited(st.sampled_from(RAW)))
@example(RAW[0].replace('msg:"', 'msg:"\ud800'))
def test_edited_rules(text):
    check(text)


@settings(max_examples=400)
@given(st.sampled_from(RAW), st.lists(st.one_of(options, crossed), min_size=1, max_size=8))
def test_rules_put_together_anew(raw, chosen):
    check(f"{raw[: raw.index('(')]}({'; '.join(chosen)}; sid:1;)")


@settings(max_examples=200)
@given(
    st.lists(
        st.sampled_from(
            ["any", "$HOME_NET", "!", "[", "]", ",", "10.0.0.0/8", "::1", "80", ":", "1024:", "->", "<>"]
        ),
        max_size=14,
    ),
    st.sampled_from(["alert", "drop", "pass", "reject", "alrt", ""]),
)
def test_headers(words, action):
    check(f'{action} tcp {" ".join(words)} (msg:"m"; sid:1;)')


def test_every_rule_that_is_whole_is_taken():
    assert all(isinstance(answer(raw), Signature) for raw in RAW)


@settings(max_examples=60)
@given(edited(st.sampled_from([path.read_text(encoding="utf-8") for path in PACKS])))
def test_edited_packs(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "fuzz.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    began = time.process_time()
    result = load([path])
    assert time.process_time() - began < 5 * SOON
    assert result.signatures or result.errors
    assert all(error.path == str(path) and error.line >= 1 for error in result.errors)

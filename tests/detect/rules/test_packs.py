from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vpi_tui.detect.rules import packs
from vpi_tui.detect.rules.loader import load
from vpi_tui.detect.rules.packs import read_pack
from vpi_tui.detect.rules.parser import Parser
from vpi_tui.detect.rules.yamltree import YamlProblem, read_tree
from vpi_tui.model.signature import Origin, Scope

SHIPPED = Path(__file__).resolve().parents[3] / "rules"


def read(text):
    return read_pack("p.yaml", text, Parser())


def one(fields):
    content = read(f"name: p\nrules:\n  - sid: 5\n    msg: m\n{fields}")
    assert content.errors == []
    (signature,) = content.signatures
    return signature


def problem(text):
    (error,) = read(text).errors
    return error.line, error.reason


def test_the_examples_of_the_format_load():
    examples = re.findall(r"```yaml\n(.*?)```", packs.__doc__, re.S)
    content = read("\n".join(examples))
    assert content.errors == []
    assert [signature.sid for signature in content.signatures] == [9000001, 9000002, 9000003]
    assert content.pack is not None
    assert (content.pack.name, content.pack.version, content.pack.rules) == ("lab-recon", "1.0", 3)


def test_fields_mean_what_the_same_text_means():
    signature = one(
        """    rev: 4
    action: drop
    protocol: tcp
    src: ["10.0.0.0/8", "!10.1.0.0/16"]
    src_port: "1024:"
    dest: $HOME_NET
    dest_port: [80, 8080]
    bidirectional: true
    flow: [established, to_server]
    content:
      - {pattern: 'GET /a"b;', nocase: true, offset: 0, depth: 20, fast_pattern: true}
      - {pattern: "|0d 0a|", distance: 1, within: 9, negated: yes}
      - tail
    pcre: '/x"y;z/i'
    byte_test: "1,>,3,0"
    dsize: ">10"
    tcp.hdr: true
    isdataat: ["1", "!9"]
    flowbits: ["set,a", "isnotset,b"]
    threshold: {type: limit, track: by_src, count: 1, seconds: 60}
    classtype: trojan-activity
    technique: T1046
    tactic: Discovery
    metadata: {created: 2020, tags: [a, b]}
    reference: ["url,example.org"]
    noalert: true
    enabled: false
"""
    )
    text = (
        'drop tcp [10.0.0.0/8,!10.1.0.0/16] 1024: <> $HOME_NET [80,8080] (sid:5; msg:"m"; rev:4; '
        r'flow:established,to_server; content:"GET /a\"b\;"; nocase; offset:0; depth:20; fast_pattern; '
        r'content:!"|0d 0a|"; distance:1; within:9; content:"tail"; pcre:"/x\"y\;z/i"; byte_test:1,>,3,0; '
        "dsize:>10; tcp.hdr; isdataat:1; isdataat:!9; flowbits:set,a; flowbits:isnotset,b; "
        "threshold:type limit, track by_src, count 1, seconds 60; classtype:trojan-activity; "
        "metadata:mitre_technique_id T1046; metadata:mitre_tactic_name Discovery; metadata:created 2020; "
        "metadata:tags a; metadata:tags b; reference:url,example.org; noalert;)"
    )
    assert signature.raw == text
    assert signature == Parser().parse(text, signature.origin, enabled=False)
    # The raw text of a rule of fields can be pasted into a rule file.
    assert signature.origin == Origin("p.yaml", 3, "p")


def test_revision_and_text_are_filled_in():
    signature = one("")
    assert signature.rev == 1
    assert signature.header.protocol == "ip"
    assert one("    classtype: misc-attack\n").priority == 2


def test_text_rules_and_scopes():
    content = read(
        """
name: p
scope: {direction: east-west}
rules:
  - alert ip any any -> any any (sid:1;)
  - suricata: >-
      alert ip any any -> any any
      (sid:2;)
    scope: {direction: any, switch: br0, guest: ["web*", db], tag: [prod]}
    enabled: no
"""
    )
    assert content.errors == []
    first, second = content.signatures
    assert first.scope == Scope("east-west")
    assert second.scope == Scope("any", ("br0",), ("web*", "db"), ("prod",))
    assert (second.enabled, second.raw) == (False, "alert ip any any -> any any (sid:2;)")


RULE = "name: p\nrules:\n  - sid: 5\n    msg: m\n"


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("", 1, "the file is empty"),
        ("- a\n", 1, "a pack is a mapping"),
        ("name: p\n", 1, "a pack is a mapping"),
        ("name: p\nrules: x\n", 2, "needs a list"),
        ("rules: []\n", 1, "name is missing"),
        ("name: p\nversoin: 1\nrules: []\n", 2, "unknown key 'versoin', did you mean version?"),
        ("name: p\nrules:\n  - {sid: 1}\n", 3, "msg is missing"),
        ("name: p\nrules:\n  - {msg: x}\n", 3, "sid is missing"),
        ("name: p\nrules:\n  - [1]\n", 3, "a text or a mapping"),
        (
            "name: p\nrules:\n  - alert ip any any -> any any (lua:x; sid:1;)\n",
            3,
            "lua: not supported: ",
        ),
        ("name: p\nrules:\n  - {suricata: 'alert x', msg: y}\n", 3, "unknown key 'msg'"),
        (RULE + "    contnet: a\n", 5, "unknown key 'contnet', did you mean content?"),
        (RULE + "    content:\n      - {patern: a}\n", 6, "did you mean pattern?"),
        (RULE + "    content:\n      - {offset: 1}\n", 6, "pattern is missing"),
        (RULE + "    content:\n      - pattern: abc\n        depth: 1\n", 7, "depth: 1 is less than"),
        (RULE + "    src: $HOME_NETT\n", 3, "did you mean $HOME_NET"),
        (RULE + "    protocol: jabber\n", 3, "protocol jabber: not supported yet"),
        (RULE + "    pcre: '/(/'\n", 5, "missing closing"),
        (RULE + "    ttl: 1; sid:9\n", 5, "must be written"),
        (RULE + "    technique: 1046\n", 5, "T1046 or"),
        (RULE + "    bidirectional: maybe\n", 5, "true or false"),
        (RULE + "    threshold: {typ: limit}\n", 5, "did you mean type?"),
        (RULE + "    scope: {direction: up}\n", 5, "east-west"),
        (RULE + "    scope: {vm: x}\n", 5, "unknown key 'vm'"),
        (RULE + "    metadata: {a: 'x,y'}\n", 5, "no `,`"),
        (RULE + "    src: !$HOME_NET\n", 5, "! in quotes"),
        (RULE + "    scope: {guest: *web}\n", 5, "* in quotes"),
        (RULE + "    sid: 6\n", 5, "stands twice"),
        (RULE + "   bad: [\n", 5, "not valid YAML"),
        (
            "name: p\nscope: {direction: up}\nrules:\n  - alert ip any any -> any any (sid:1;)\n",
            2,
            "east-west",
        ),
        ("name: p\nrules: []\n---\nname: q\n", 3, "second document"),
    ],
)
def test_mistakes_are_named_with_their_line(text, line, reason):
    found_line, found = problem(text)
    assert reason in found
    assert found_line == line


def test_a_bad_rule_does_not_take_the_others_along():
    content = read("name: p\nrules:\n  - {sid: 1, msg: a}\n  - {sid: 2}\n  - {sid: 3, msg: c}\n")
    assert [signature.sid for signature in content.signatures] == [1, 3]
    assert [(error.line, error.sid) for error in content.errors] == [(4, 2)]


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, "{a: " * 50_000, "- " * 50_000, "a: &x [1]\nb: *x\n", "? [a]\n: b\n", "\0", "a: \ud800"],
)
def test_hostile_yaml_is_refused(text):
    with pytest.raises(YamlProblem):
        read_tree(text)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80) | st.text("{}[]:-,&*!|>'\"#%@` \nab", max_size=60))
def test_any_text_is_a_tree_or_a_problem(text):
    with contextlib.suppress(YamlProblem):
        read_tree(text)
    read(f"name: p\nrules:\n  - {text}")


def test_the_bundled_packs_load_without_a_word():
    result = load([SHIPPED])
    assert [str(error) for error in result.errors] == []
    assert [str(notice) for notice in result.notices] == []
    assert all(signature.classtype and signature.technique for signature in result.signatures)

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.loader import load
from vpi_tui.detect.rules.parser import Parser
from vpi_tui.model.errors import ConfigError
from vpi_tui.model.signature import Origin

CORPUS = Path(__file__).resolve().parents[4] / "shared" / "corpus" / "suricata-verify"
GOOD = 'alert tcp any any -> any 80 (msg:"good"; content:"x"; sid:%d; rev:%d;)\n'


def write(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_good_rules_stay_and_bad_ones_are_reported_with_their_place(tmp_path):
    path = write(
        tmp_path / "a.rules",
        GOOD % (1, 1)
        + "# note\nalert tcp any any -> any any (lua:x; sid:2;)\n"
        + "nonsense\n"
        + GOOD % (3, 1),
    )
    result = load([path])
    assert [signature.sid for signature in result.signatures] == [1, 3]
    assert [(error.line, error.sid) for error in result.errors] == [(3, 2), (4, 0)]
    assert str(result.errors[0]).startswith(f"{path}:3: keyword lua: not supported: ")
    assert result.signatures[1].origin == Origin(str(path), 5, "a.rules")


def test_a_rule_file_is_a_pack_of_its_name(tmp_path):
    write(tmp_path / "local.rules", GOOD % (1, 1) + GOOD % (2, 1) + "nonsense\n")
    write(tmp_path / "none.rules", "# nothing yet\n")
    write(tmp_path / "scan.yaml", f"name: scan\nrules:\n  - '{(GOOD % (3, 1)).strip()}'\n")
    result = load([tmp_path])
    assert [(s.sid, s.origin.pack) for s in result.signatures] == [
        (1, "local.rules"),
        (2, "local.rules"),
        (3, "scan"),
    ]


MERGED = (
    "ET MALWARE A beacon",
    "ETPRO MALWARE Another",
    "ET JA3 Hash",
    "GPL ICMP_INFO PING",
    "SURICATA STREAM no window",
    "SURICATA Applayer Mismatch",
    "ET 3CORESec Poor Reputation",
    "Ours",
    "ET MALWARE A second",
)


def rules_that_say(*messages):
    return "".join(f'alert ip any any -> any any (msg:"{m}"; sid:{n};)\n' for n, m in enumerate(messages, 1))


def test_rules_of_a_merged_file_are_packs_by_publisher_and_category(tmp_path):
    result = load([write(tmp_path / "suricata.rules", rules_that_say(*MERGED))])
    assert [s.origin.pack for s in result.signatures] == [
        "ET MALWARE",
        "ETPRO MALWARE",
        "ET JA3",
        "GPL ICMP_INFO",
        "SURICATA STREAM",
        "suricata.rules",
        "suricata.rules",
        "suricata.rules",
        "ET MALWARE",
    ]


def test_a_file_of_a_few_categories_stays_one_pack(tmp_path):
    result = load([write(tmp_path / "emerging-dos.rules", rules_that_say(*MERGED[:4], "ET MALWARE more"))])
    assert {s.origin.pack for s in result.signatures} == {"emerging-dos.rules"}


def test_of_equal_sids_the_higher_revision_stays(tmp_path):
    path = write(tmp_path / "a.rules", GOOD % (1, 2) + GOOD % (1, 3) + GOOD % (1, 1) + GOOD % (2, 1))
    result = load([path])
    assert [(s.sid, s.rev) for s in result.signatures] == [(1, 3), (2, 1)]
    assert result.duplicates == 2
    assert str(result.notices[0]) == f"{path}:1: rule 1:1 rev 2 gives way to rev 3 at {path}:2"


def test_directories_classification_and_disabled_rules(tmp_path):
    write(tmp_path / "classification.config", "config classification: mine,Mine,7\n")
    write(tmp_path / "b.rules", "#" + GOOD % (1, 1) + "# text (really)\n")
    write(tmp_path / "a.rules", "alert ip any any -> any any (classtype:mine; sid:5;)\n")
    write(tmp_path / "c.txt", "not a rule\n")
    assert [s.priority for s in load([tmp_path]).signatures] == [7]
    both = load([tmp_path], with_disabled=True)
    assert [(s.sid, s.enabled) for s in both.signatures] == [(5, True), (1, False)]
    assert not both.errors


def test_a_rule_for_another_engine_is_left_out_and_is_no_error(tmp_path):
    path = write(
        tmp_path / "a.rules",
        "alert ip any any -> any any (requires:version >= 99; blorb:1; sid:1;)\n"
        "#alert ip any any -> any any (requires:version >= 99; sid:2;)\n"
        "alert ip any any -> any any (sid:3;)\n",
    )
    pack = write(
        tmp_path / "b.yaml",
        "name: p\nrules:\n  - 'alert ip any any -> any any (requires:moon full; sid:4;)'\n",
    )
    result = load([path, pack], with_disabled=True)
    assert ([s.sid for s in result.signatures], result.errors) == ([3], [])
    assert [(note.origin.line, note.text.partition(",")[0]) for note in result.notices] == [
        (1, "requires: version >= 99"),
        (3, "requires: moon full"),
    ]


def test_settings_reach_the_rules(tmp_path):
    path = write(tmp_path / "a.rules", "alert ip $HOME_NET any -> any any (sid:1;)\n")
    result = load([path], {"vars.address-groups.HOME_NET": "[9.9.9.9]"})
    assert len(result.signatures[0].header.src.spans) == 1
    with pytest.raises(ConfigError):
        load([path], {"vars.nonsense": "1"})


def test_unreadable_files_are_errors(tmp_path):
    result = load([tmp_path / "missing.rules", tmp_path / ("x" * 400)])
    assert len(result.errors) == 2
    assert "cannot be read" in result.errors[0].reason


def test_hostile_files_neither_crash_nor_hang(tmp_path):
    path = write(
        tmp_path / "a.rules",
        b"\xef\xbb\xbfalert ip any any -> any any (sid:1;)\n"
        + b'alert ip any any -> any any (msg:"caf\xe9"; content:"\xe9"; sid:2;)\n'
        + b"alert ip any any -> any any (sid:3;\0)\n"
        + b"alert ip "
        + b"[" * 100_000
        + b"\n"
        + b"x" * 2_000_000
        + b"\n"
        + b"\\\n" * 50_000
        + b"\n"
        + b"\xff\xfe\0\0\n",
    )
    result = load([path])
    assert [s.sid for s in result.signatures] == [1, 2]
    assert result.signatures[1].msg == "cafÃ©" or result.signatures[1].msg == "café"
    result.signatures[1].raw.encode("utf-8")
    for error in result.errors:
        str(error).encode("utf-8")


def test_progress_is_told(tmp_path):
    seen: list[int] = []
    path = write(tmp_path / "a.rules", "".join(GOOD % (sid, 1) for sid in range(1, 1100)))
    load([path], progress=seen.append)
    assert seen == [512, 1024]


_PIECES = st.sampled_from(
    [
        "alert",
        "tcp",
        "any",
        "->",
        "<>",
        "(",
        ")",
        ";",
        ":",
        ",",
        "!",
        "[",
        "]",
        '"',
        "\\",
        "|",
        "$HOME_NET",
        "80",
        "1:",
        'content:"a|00|";',
        "nocase;",
        "depth:1;",
        "within:-1;\n",
        "",
        "",
        "",
        'pcre:"/a(b/i";',
        "byte_test:1,>,0,0;",
        "byte_math:bytes",
        "flow:established;",
        "flowbits:isset,a|b;",
        "threshold:type\n",
        "",
        "",
        "",
        "limit,",
        "metadata:a",
        "ttl:>255;",
        "flags:!S,CE;",
        "isdataat:!1,relative;",
        "sid:1;",
        "tcp.hdr;",
        "vlan.id:1,all;",
        "\n",
        "#",
        "\x00",
        "ü",
    ]
)


def _outcome(rule: str) -> object:
    """The signature, or the reason of the refusal; anything else that is raised fails the test."""
    try:
        return Parser().parse(rule, Origin("fuzz", 1))
    except Refused as refused:
        return refused.reason


@settings(max_examples=300, deadline=None)
@given(st.lists(_PIECES | st.text(max_size=4), max_size=40).map(" ".join))
def test_random_text_gives_a_signature_or_a_refusal(text):
    for rule in (text, f"alert tcp any any -> any any ({text} sid:1;)"):
        assert _outcome(rule)


_MODEL = (
    'alert tcp $EXTERNAL_NET [80,!90] -> $HOME_NET any (msg:"m"; flow:established,to_server; '
    'content:"|0d 0a|ab"; nocase; depth:9; pcre:"/^a[b-c]+(?=d)/Rsmi"; byte_extract:2,0,v,relative; '
    "byte_test:4,>=,v,0,string,hex; threshold:type both, track by_src, count 3, seconds 4; "
    "metadata:a b, c d; reference:url,x; sid:9; rev:2;)"
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, len(_MODEL)), st.integers(0, 6), st.text(max_size=3)), min_size=1, max_size=4
    )
)
def test_mutated_rules_give_a_signature_or_a_refusal(edits):
    text = _MODEL
    for at, cut, put in edits:
        text = text[:at] + put + text[at + cut :]
    assert _outcome(text)


@pytest.mark.skipif(not CORPUS.exists(), reason="the conformance corpus is not here")
def test_rules_of_the_first_tier_of_the_corpus_load():
    manifest = json.loads((CORPUS / "manifest.json").read_text())
    cases = [case for case in manifest["tests"] if case["tier"] == "T1"]
    errors = [
        str(error) for case in cases for error in load([CORPUS / name for name in case["rules"]]).errors
    ]
    assert len(cases) >= 47
    assert errors == []


@pytest.mark.skipif(not CORPUS.exists(), reason="the conformance corpus is not here")
def test_default_variables_are_those_of_the_corpus():
    from vpi_tui.detect.rules.variables import DEFAULT_ADDRESSES, DEFAULT_PORTS

    given_vars = json.loads((CORPUS / "manifest.json").read_text())["default_vars"]
    assert given_vars["address-groups"] == DEFAULT_ADDRESSES
    assert {
        name: value.replace(" ", "") for name, value in given_vars["port-groups"].items()
    } == DEFAULT_PORTS

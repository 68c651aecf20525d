from __future__ import annotations

import re

import pytest

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.classification import (
    DEFAULT_CLASSES,
    SHIPPED,
    categories,
    read_classification,
)
from vpi_tui.detect.rules.known import KNOWN_KEYWORDS, KNOWN_PROTOCOLS
from vpi_tui.detect.rules.parser import Parser
from vpi_tui.detect.rules.registry import PROTOCOLS, keywords
from vpi_tui.detect.rules.sources import Sources
from vpi_tui.model.signature import Action, Origin

from .rule_text import PARSER, parse, refused


def test_what_a_rule_says_about_itself():
    signature = parse(
        r'msg:"a\;b \"c\" \\"; rev:7; gid:3; classtype:trojan-activity; reference:url,x.org/a\;b; '
        "reference:cve,1-2; "
        "metadata:mitre_technique_id T1021_002, created_at 2020_01_01, flag; target:dest_ip;"
    )
    assert signature.msg == 'a;b "c" \\'
    assert (signature.gid, signature.sid, signature.rev) == (3, 1, 7)
    assert (signature.classtype, signature.priority) == ("trojan-activity", 1)
    assert signature.reference == (("url", "x.org/a;b"), ("cve", "1-2"))
    assert signature.metadata[1:] == (("created_at", "2020_01_01"), ("flag", ""))
    assert signature.technique == "T1021.002"


def test_defaults_and_priority():
    assert (parse("").gid, parse("").rev, parse("").priority) == (1, 0, 3)
    assert parse("classtype:trojan-activity; priority:9;").priority == 9


def test_of_several_classes_and_priorities_the_most_urgent_counts_of_groups_the_last():
    urgent, other = "classtype:trojan-activity;", "classtype:not-suspicious;"
    for options in (urgent + other, other + urgent, f"classtype:no-such-class; {urgent}"):
        made = parse(options)
        assert (made.classtype, made.priority) == ("trojan-activity", 1)
    made = parse("priority:4; gid:3; priority:2; gid:5; priority:256;")
    assert (made.priority, made.gid) == (2, 5)
    assert "only one" in refused("rev:1; rev:2;")


def test_unknown_classtype_is_a_notice_and_priority_three():
    assert parse("classtype:no-such-class;").priority == 3
    assert "no-such-class" in PARSER.notices.pop()[1]


@pytest.mark.parametrize(
    ("action", "made"), [("alert", "alert"), ("DROP", "drop"), ("rejectboth", "reject"), ("pass", "pass")]
)
def test_actions(action, made):
    assert parse("", head=f"{action} ip any any -> any any").action == Action(made)


def test_headers():
    both = parse("", head="alert UDP any any <> any 53").header
    assert (both.protocol, both.bidirectional) == ("udp", True)
    assert parse("", head="alert icmp6 any any -> any any").header.protocol == "icmpv6"


def test_hints_change_nothing():
    plain = parse("itype:8;", head="alert icmp any any -> any any")
    hinted = parse(
        "itype:8; prefilter; tag:host,100,packets,src; tag:session; tag:host;",
        head="alert icmp any any -> any any",
    )
    assert (hinted.columns, hinted.steps) == (plain.columns, plain.steps)


@pytest.mark.parametrize(
    "need",
    [
        "version >= 7.0.0",
        "version>=6",
        "version >= 7.0.3 < 9",
        "version < 6 | >= 8",
        "version >= 7.0.10 < 8 | >= 8.0.5 < 9 | >= 9.0.3",
        "keyword content, feature ja4, version > 8.0.6 <= 8.0.7",
    ],
)
def test_requires_that_are_met(need):
    assert parse(f"requires:{need};").sid == 1


@pytest.mark.parametrize("need", ["version >= 7 < 8", "version >= 7 < 8 | >= 9", "version < 8.0.7"])
def test_requires_of_another_version(need):
    assert "which is not there" in refused(f"requires:{need};")


def test_requires_goes_before_what_only_a_later_version_knows():
    assert refused("blorb:1; requires:version >= 10;").startswith("requires:")
    assert refused("requires:version >= 10;", head="alert blorb any any -> any any").startswith("requires:")


def test_requires_a_country_where_there_is_a_database():
    parser = Parser(sources=Sources(geoip="countries.mmdb"))
    text = "alert tcp any any -> any any (requires:feature geoip; sid:1;)"
    assert parser.parse(text, Origin("t.rules", 1)).sid == 1


@pytest.mark.parametrize(
    ("options", "head", "reason"),
    [
        ("lua:x;", "tcp", "keyword lua: not supported: "),
        ("pop3.command;", "tcp", "keyword pop3.command: not supported yet"),
        ("contnet:x;", "tcp", "unknown keyword 'contnet', did you mean content"),
        ("blorb;", "tcp", "unknown keyword 'blorb'$"),
        ("detect-event:too_many_buffers;", "tcp", "keyword detect-event: not supported: "),
        ("", "jabber", "protocol jabber: not supported yet"),
        ("", "tpc", "unknown protocol 'tpc', did you mean tcp"),
        ("requires:feature geoip;", "tcp", "which is not there"),
        ("requires:version >= 99;", "tcp", "which is not there"),
        ("requires:keyword lua;", "tcp", "which is not there"),
        ("requires:version >= 7, version < 9;", "tcp", "must stand once"),
        ("requires:version 8;", "tcp", "not a version test"),
        ("requires:moon;", "tcp", "version, feature or keyword"),
        ("requires:moon full;", "tcp", "moon full, which is not there"),
        ("requires:moon full, version 8;", "tcp", "not a version test"),
        ("msg:x;", "tcp", "double quotes"),
        ('msg:"a" content:"b";', "tcp", "a `;` is missing before 'content'"),
        ('msg:"a"; msg:"b";', "tcp", "only one"),
        ("sid:0;", "tcp", "out of range"),
        ("sid:x;", "tcp", "not a number"),
        ("rev:4294967296;", "tcp", "out of range"),
        ("reference:url;", "tcp", "type,value"),
        ("target:me;", "tcp", "src_ip or dest_ip"),
        ("target:src_ip; target:dest_ip;", "tcp", "cannot stand together"),
        ("tag:host,5;", "tcp", "needs `session"),
        ("prefilter;", "tcp", "needs a keyword before it"),
    ],
)
def test_refused(options, head, reason):
    assert re.search(reason, refused(options, head=f"alert {head} any any -> any any"))


@pytest.mark.parametrize(
    ("action", "reason"),
    [("accept:flow", "firewall mode of Suricata"), ("sdrop", "unknown action 'sdrop'; there are alert")],
)
def test_refused_actions(action, reason):
    assert reason in refused("", head=f"{action} tcp any any -> any any")


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        ("log tcp any any -> any any", "unknown action 'log'"),
        ("alert tcp any any <- any any", "direction must be"),
        ("alert tcp any any => any any", "requests and responses"),
    ],
)
def test_headers_that_are_refused(head, reason):
    assert re.search(reason, refused("", head=head))


def test_sid_is_needed():
    with pytest.raises(Refused, match="sid is missing"):
        PARSER.parse('alert tcp any any -> any any (msg:"x";)', Origin("t", 1))


def test_no_keyword_is_both_supported_and_not():
    assert not set(keywords()) & KNOWN_KEYWORDS
    assert not set(PROTOCOLS) & KNOWN_PROTOCOLS
    assert all(item.summary.endswith(".") or ":" in item.summary for item in keywords().values())


def test_classification_files():
    text = (
        "# x\nconfig classification: my-class,My class, 1\n"
        "config classification:other,,4\nconfig classification: bad\n"
    )
    assert read_classification(text) == {"my-class": 1, "other": 4}
    assert DEFAULT_CLASSES["network-scan"] == 3


def test_categories_are_called_as_their_files_say(tmp_path):
    (tmp_path / "classification.config").write_text("config classification: my-class,My class, 1\n")
    found = categories([tmp_path / "local.rules", tmp_path / "none" / "x.rules"])
    assert found["my-class"] == "My class"
    assert found["trojan-activity"] == "A Network Trojan was detected"
    assert len(found) == len(SHIPPED) + 1

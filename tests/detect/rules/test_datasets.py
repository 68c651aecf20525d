"""Datasets: files become sets, and rules ask and change them."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from pathlib import Path

import pytest

from tests.detect.match.build import Packet, hits, ip, run
from vpi_tui.detect.match.matcher import Matcher
from vpi_tui.detect.match.ruleset import RuleSet
from vpi_tui.detect.rules import inputs
from vpi_tui.detect.rules.loader import load
from vpi_tui.detect.stored.codec import CompiledRules, restore, store
from vpi_tui.model.errors import ConfigError
from vpi_tui.model.signature import HasReputation, InSet
from vpi_tui.model.valueset import Keeping

HEADER = bytes(range(100, 120))
"""The TCP header of the packets that tests.detect.match.build makes."""


def write(folder: Path, *options: str) -> Path:
    path = folder / "some.rules"
    rules = [f"alert tcp any any -> any any ({text} sid:{n};)" for n, text in enumerate(options, 1)]
    path.write_text("\n".join(rules))
    return path


def found(
    folder: Path, packets: list[Packet], *options: str, data_dir: Path | None = None
) -> list[tuple[int, int]]:
    loaded = load([write(folder, *options)], data_dir=data_dir)
    assert not loaded.errors, loaded.errors
    return hits(loaded.signatures, packets)


def reason(folder: Path, *options: str) -> str:
    (error,) = load([write(folder, *options)]).errors
    return error.reason


@pytest.mark.parametrize(
    ("kind", "transform", "word"),
    [
        ("string", "", base64.b64encode(HEADER).decode()),
        ("md5", "to_md5; ", hashlib.md5(HEADER).hexdigest()),
        ("sha256", "to_sha256; ", hashlib.sha256(HEADER).hexdigest().upper()),
    ],
)
def test_a_file_of_each_kind(tmp_path: Path, kind: str, transform: str, word: str) -> None:
    (tmp_path / "values.csv").write_text(f"{word},7\n\n")
    options = [
        f"tcp.hdr; {transform}dataset:{op},s,type {kind},load values.csv;" for op in ("isset", "isnotset")
    ]
    assert found(tmp_path, [Packet(b"x")], *options) == [(0, 1)]


@pytest.mark.parametrize("name", ["{}/values.csv", "../{}/values.csv"])
def test_what_is_only_read_may_be_anywhere(tmp_path: Path, name: str) -> None:
    elsewhere, rules = tmp_path / "lists", tmp_path / "rules"
    elsewhere.mkdir()
    rules.mkdir()
    (elsewhere / "values.csv").write_text(f"{hashlib.md5(HEADER).hexdigest()}\n")
    said = name.format("lists" if name.startswith("..") else elsewhere)
    assert found(rules, [Packet(b"x")], f"tcp.hdr; to_md5; dataset:isset,s,type md5,load {said};") == [(0, 1)]


@pytest.mark.parametrize("kind", ["ip", "ipv4", "ipv6"])
def test_addresses(tmp_path: Path, kind: str) -> None:
    elsewhere = tmp_path / "data"
    elsewhere.mkdir()
    more = "" if kind == "ipv4" else "::ffff:10.0.0.7\n2001:db8::1\n"
    (elsewhere / "hosts.lst").write_text(f"10.0.0.1\n{more}")
    options = (f"ip.src; dataset:isset,h,type {kind},load hosts.lst;", "ip.dst; dataset:isset,h;")
    packets = [Packet(b"x", src=ip("10.0.0.1"), dest=ip("10.0.0.9")), Packet(b"x", src=ip("10.0.0.7"))]
    packets.append(Packet(b"x", src=0x20010DB8 << 96 | 1, dest=1, version=6))
    expected = [(0, 1)] if kind == "ipv4" else [(0, 1), (1, 1), (2, 1)]
    assert found(tmp_path, packets, *options, data_dir=elsewhere) == expected


def test_json_of_each_form(tmp_path: Path) -> None:
    entry = {"ioc": {"hash": hashlib.md5(HEADER).hexdigest()}, "more": 1}
    (tmp_path / "a.json").write_text(json.dumps([entry]))
    (tmp_path / "b.json").write_text(json.dumps({"all": {"of": [entry]}}))
    (tmp_path / "c.json").write_text(json.dumps(entry) + "\n")
    ask = "tcp.hdr; to_md5; dataset:isset,"
    options = [
        ask + "a,type md5,load a.json,format json,value_key ioc.hash,context_key x;",
        ask + "b,type md5,load b.json,format json,value_key ioc.hash,array_key all.of;",
        ask + "c,type md5,load c.json,format ndjson,value_key ioc.hash;",
    ]
    assert found(tmp_path, [Packet(b"x")], *options) == [(0, 1), (0, 2), (0, 3)]


ENTRIES = [
    {"ioc": {"hash": hashlib.md5(HEADER).hexdigest(), "by": "é"}, "score": 7},
    {"ioc": {"hash": "ab" * 16}, "score": 8},
]


@pytest.mark.parametrize("count", [2, 9_000])
@pytest.mark.parametrize("form", ["json", "ndjson"])
def test_what_json_says_of_a_value_goes_with_the_alert(tmp_path: Path, form: str, count: int) -> None:
    """Also when there are so many that they are a table, and as the rules are stored."""
    more = [{"ioc": {"hash": f"{n:032x}"}} for n in range(count - 2)]
    lines = map(json.dumps, [*ENTRIES, *more])
    (tmp_path / "a").write_text(f"[{','.join(lines)}]" if form == "json" else "\n".join(lines))
    ask = f"tcp.hdr; to_md5; dataset:isset,a,type md5,load a,format {form},value_key ioc.hash,context_key "
    rules = write(tmp_path, ask + "who;", ask + "bare,remove_key;", "tcp.hdr; to_md5; dataset:isset,a;")
    told = [match.memory and match.memory.context for match in run(stored(rules), [Packet(b"x")])]
    whole, bare = ENTRIES[0], {"ioc": {"by": "é"}, "score": 7}
    assert [name for one in told[:2] for name, _ in one or ()] == ["who", "bare"]
    assert [json.loads(text) for one in told[:2] for _, text in one or ()] == [whole, bare]
    assert not told[2]


@pytest.mark.parametrize(
    "entry",
    [
        {"k": "ab" * 16, "long": "x" * 1_024},
        {"k": "ab" * 16, "n": float("nan")},
        {"k": "ab" * 16, "half": "\ud800"},
        {"k": "ab" * 16, "\udfff": 1},
    ],
)
def test_what_alerts_cannot_tell_is_found_all_the_same(tmp_path: Path, entry: dict[str, object]) -> None:
    (tmp_path / "a").write_text(json.dumps([entry]))
    options = "tcp.hdr; dataset:isset,a,type md5,load a,format json,value_key k,context_key c;"
    (signature,) = load([write(tmp_path, options)]).signatures
    (step,) = signature.steps
    assert isinstance(step, InSet)
    assert step.context is not None
    assert step.values.holds(bytes.fromhex("ab" * 16))
    assert step.context.get(bytes.fromhex("ab" * 16)) == b""


def test_entries_of_json_without_the_key_or_a_text_are_passed_over(tmp_path: Path) -> None:
    digest = hashlib.md5(HEADER).hexdigest()
    entries = [{"other": 1}, "word", {"hash": 7}, {"hash": digest}]
    (tmp_path / "a.json").write_text(json.dumps(entries))
    (tmp_path / "b.json").write_text("\n".join(map(json.dumps, entries)))
    options = [
        "tcp.hdr; to_md5; dataset:isset,a,type md5,load a.json,format json,value_key hash;",
        "tcp.hdr; to_md5; dataset:isset,b,type md5,load b.json,format ndjson,value_key hash;",
    ]
    assert found(tmp_path, [Packet(b"x")], *options) == [(0, 1), (0, 2)]
    (tmp_path / "c.json").write_text(json.dumps(entries[:3]))
    options[0] = options[0].replace("a.json", "c.json")
    assert "no entry has" in reason(tmp_path, options[0])


def test_an_empty_buffer_is_neither_in_a_set_nor_outside_of_it(tmp_path: Path) -> None:
    ask = "tcp.hdr; gunzip; dataset:{},s,type string;"
    assert found(tmp_path, [Packet(b"x")], *(ask.format(op) for op in ("isnotset", "set"))) == []


@pytest.mark.parametrize("count", [1, 5_000])
def test_of_a_value_that_is_there_twice_the_first_entry_counts(tmp_path: Path, count: int) -> None:
    words = [base64.b64encode(b"%d" % n).decode() for n in range(count)] * 2
    entries = [{"k": word, "n": n} for n, word in enumerate(words)]
    (tmp_path / "a").write_text("\n".join(map(json.dumps, entries)))
    (tmp_path / "b").write_text("\n".join(f"{word},{n}" for n, word in enumerate(words)))
    (context, scores) = load(
        [
            write(
                tmp_path,
                "tcp.hdr; dataset:isset,a,type string,load a,format ndjson,value_key k,context_key c;",
                "tcp.hdr; datarep:b,>,5,type string,load b;",
            )
        ]
    ).signatures
    (told,), (scored,) = context.steps, scores.steps
    assert isinstance(told, InSet)
    assert told.context is not None
    assert isinstance(scored, HasReputation)
    assert json.loads(told.context.get(words[-1].encode()) or b"")["n"] == count - 1
    assert scored.scores.get(b"%d" % (count - 1)) == count - 1


@pytest.mark.parametrize("count", [1, 5_000])
def test_json_says_nothing_of_what_is_not_there(tmp_path: Path, count: int) -> None:
    (tmp_path / "a").write_text("\n".join(json.dumps({"k": str(n)}) for n in range(count)))
    said = "type string,load a,format ndjson,value_key k,context_key c"
    rules = write(tmp_path, f"base64_decode; base64_data; dataset:isset,a,{said};")
    assert not run(stored(rules), [Packet(base64.b64encode(b"root"))])


def test_what_json_says_goes_with_no_alert_of_the_next_batch(tmp_path: Path) -> None:
    (tmp_path / "a").write_text('[{"who":"root"}]')
    said = "type string,load a,format json,value_key who,context_key c"
    ask = f"base64_decode; base64_data; dataset:isset,a,{said};"
    matcher = stored(write(tmp_path, 'content:"other"; content:"user"; distance:0;', ask))
    told = [run(matcher, [Packet(data)]) for data in (base64.b64encode(b"root"), b"other user")]
    assert [match.rule for matches in told for match in matches] == [1, 0]
    assert not told[1][0].memory


def test_what_json_says_of_what_base64_says(tmp_path: Path) -> None:
    (tmp_path / "a").write_text('[{"who":"root"}]')
    said = "type string,load a,format json,value_key who,context_key c"
    rules = write(tmp_path, f"base64_decode; base64_data; dataset:isset,a,{said};")
    (match,) = run(stored(rules), [Packet(base64.b64encode(b"root"))])
    assert match.memory is not None
    assert match.memory.context == (("c", b'{"who":"root"}'),)


def test_what_base64_says_may_be_asked_for(tmp_path: Path) -> None:
    (tmp_path / "names").write_text(base64.b64encode(b"root").decode() + ",9")
    ask = "base64_decode; base64_data; "
    options = (f"{ask}dataset:isset,names,type string,load names;", f"{ask}datarep:names,>,5;")
    packets = [Packet(base64.b64encode(word)) for word in (b"root", b"user")]
    assert found(tmp_path, packets, *options) == [(0, 1), (0, 2)]


def test_a_comma_too_many_is_none(tmp_path: Path) -> None:
    (tmp_path / "names").write_text(base64.b64encode(HEADER).decode() + ",9")
    options = ("tcp.hdr; dataset:isset,,n, ,type string,load names,;", "tcp.hdr; datarep:n,>,,5,;")
    assert found(tmp_path, [Packet(b"x")], *options) == [(0, 1), (0, 2)]


def test_what_is_set_is_there_and_what_is_unset_is_gone(tmp_path: Path) -> None:
    asks = "ip.src; dataset:{},seen,type ip;"
    packets = [Packet(b"in"), Packet(b"in"), Packet(b"out"), Packet(b"out"), Packet(b"in")]
    options = ('content:"in"; ' + asks.format("set"), 'content:"out"; ' + asks.format("unset"))
    assert found(tmp_path, packets, *options) == [(0, 1), (2, 2), (4, 1)]


def stored(rules: Path) -> Matcher:
    """As an engine has them: stored, and mapped again."""
    loaded = load([rules])
    assert not loaded.errors, loaded.errors
    file = io.BytesIO()
    store(CompiledRules(loaded, RuleSet.compile(loaded.signatures)), file)
    return Matcher(restore(memoryview(bytearray(file.getvalue()))).ruleset)


@pytest.mark.parametrize("decoded", [False, True])
@pytest.mark.parametrize(
    ("files", "count", "lasts"),
    [("", 1, True), (",state s", 1, True), (",state s", 5_000, True), (",load s", 1, False)],
)
def test_what_rules_put_into_a_set_outlives_a_reload(
    tmp_path: Path, files: str, count: int, lasts: bool, decoded: bool
) -> None:
    """Those that are only read from a file are read again, as in Suricata."""
    (tmp_path / "s").write_text("\n".join(base64.b64encode(b"%d" % n).decode() for n in range(count)))
    ask = (
        "base64_decode; base64_data;" if decoded else "tcp.hdr;"
    ) + f" dataset:{{}},{{}},type string{files};"
    packet = Packet(base64.b64encode(b"word"))
    before = stored(write(tmp_path, ask.format("set", "Seen")))
    assert len(run(before, [packet, packet])) == 1
    after = stored(write(tmp_path, ask.format("isset", "seen"), ask.format("set", "seen")))
    after.take_over(before)
    assert [match.rule for match in run(after, [packet])] == ([0] if lasts else [1])


@pytest.mark.parametrize(("kind", "lasts"), [("ip", True), ("ipv6", True), ("ipv4", False)])
def test_a_set_of_another_kind_begins_anew_with_a_reload(tmp_path: Path, kind: str, lasts: bool) -> None:
    before = stored(write(tmp_path, "ip.src; dataset:set,seen,type ip;"))
    assert run(before, [Packet(b"x")])
    after = stored(write(tmp_path, f"ip.src; dataset:isset,seen,type {kind};"))
    after.take_over(before)
    assert bool(run(after, [Packet(b"x")])) == lasts


def test_subdomains(tmp_path: Path) -> None:
    (tmp_path / "d").write_text(base64.b64encode(b".evil.com").decode())
    (signature,) = load(
        [write(tmp_path, "tcp.hdr; dotprefix; dataset:isset,d,type string,load d,match subdomain;")]
    ).signatures
    (step,) = signature.steps
    assert isinstance(step, InSet)
    assert step.values.holds(b".www.evil.com", subdomain=True)
    assert step.values.holds(b".evil.com", subdomain=True)
    assert not step.values.holds(b".notevil.com", subdomain=True)
    assert not step.values.holds(b".www.evil.com")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("dataset:isset,a,type string;", "sticky buffer"),
        ("tcp.hdr; dataset:isset,a;", "type is missing"),
        ("tcp.hdr; dataset:isset,a,type word;", "type is one of"),
        ("tcp.hdr; dataset:has,a,type string;", "needs isset"),
        ("tcp.hdr; dataset:isset,;", "and a name"),
        ("tcp.hdr; dataset:,;", "needs isset"),
        ("tcp.hdr; datarep:,;", "needs `name"),
        ("tcp.hdr; datarep:a,>,;", "needs `name"),
        ("tcp.hdr; datarep:a,>,5,load bad;", "needs a type"),
        ("tcp.hdr; datarep:a,5,0,load bad,type md5;", "the operator is one of"),
        ("tcp.hdr; datarep:a,!,5,load bad,type md5;", "the operator is one of"),
        ("tcp.hdr; dataset:isset,a,type string,load none;", "cannot be read"),
        ("tcp.hdr; dataset:isset,a,type string,load /dev/zero;", "no regular file"),
        ("tcp.hdr; dataset:isset,a,type string,load ..;", "no regular file"),
        ("tcp.hdr; dataset:set,a,type string,state /tmp/a;", "inside of the data directory"),
        ("tcp.hdr; dataset:isset,a,type md5,load bad;", "not what it should be"),
        ("tcp.hdr; dataset:isset,a,type md5,load bad,format json,value_key k;", "not what it should be"),
        ("tcp.hdr; dataset:isset,a,type md5,load bad,format json;", "value_key"),
        ("tcp.hdr; dataset:isset,a,type md5,load bad,context_key a.b;", "context_key has letters"),
        (
            "tcp.hdr; dataset:set,a,type md5,load b,format json,value_key k;",
            "not for sets that come from JSON",
        ),
        ("tcp.hdr; dataset:isset,a,type md5; tcp.hdr; dataset:isset,a,type ip;", "by an earlier rule"),
        ("tcp.hdr; dataset:set,a,type md5,hashsize 65537;", "leave hashsize out"),
        ("tcp.hdr; dataset:set,a,type md5,hashsize 65kb;", "leave hashsize out"),
        ("tcp.hdr; to_md5; datarep:a,>,1,load bad,type md5,hashsize 65537;", "leave hashsize out"),
    ],
)
def test_refused(tmp_path: Path, options: str, said: str) -> None:
    (tmp_path / "bad").write_text("no hex")
    assert said in reason(tmp_path, options)


def test_upper_and_lower_case_are_one_name_and_both_kinds_of_addresses_one_kind(tmp_path: Path) -> None:
    options = ("ip.src; dataset:set,Seen,type ip;", "ip.src; dataset:isset,sEEN,type ipv6;")
    assert found(tmp_path, [Packet(b"x", flow=n) for n in range(2)], *options) == [(0, 1), (0, 2), (1, 2)]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("load a", "load b"),
        ("load a", "state a"),
        ("state a", "load a"),
        ("state a", "save a"),
        ("memcap 1mb", "load a"),
        ("load a,save c", "load a"),
    ],
)
def test_a_set_has_the_files_of_the_rule_that_made_it(tmp_path: Path, first: str, second: str) -> None:
    """Or the second rule would ask another list than it says."""
    for name in "ab":
        (tmp_path / name).write_text("")
    ask = "tcp.hdr; dataset:isset,s,type string"
    assert "has another file" in reason(tmp_path, f"{ask},{first};", f"{ask},{second};")
    assert "has another file" in reason(tmp_path, f"{ask},{first};", f"{ask},{second};".replace("s,t", "S,t"))
    for again in (f"{ask},{first};", f"{ask};"):
        assert not load([write(tmp_path, f"{ask},{first};", again)]).errors


def test_a_list_that_many_rules_name_is_digested_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digested: list[str] = []
    monkeypatch.setattr(inputs, "stamp_of", lambda path: digested.append(path.name) or "stamp")
    (tmp_path / "long").write_text("YQ==,1\n")
    said = "type string,load long"
    rules = write(tmp_path, *[f"tcp.hdr; dataset:isset,s,{said};", f"tcp.hdr; datarep:s,>,5,{said};"] * 9)
    assert not load([rules]).errors
    assert digested.count("long") == 1


def test_a_rule_that_is_refused_leaves_no_notice_with_the_next(tmp_path: Path) -> None:
    ask = "tcp.hdr; dataset:set,{0},type string,save {0}"
    loaded = load([write(tmp_path, ask.format("a") + ",load missing;", ask.format("b") + ";")])
    assert len(loaded.errors) == 1
    (notice,) = loaded.notices
    assert "into b" in notice.text


def test_a_file_that_is_missing_makes_no_set(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    ask = "tcp.hdr; dataset:isset,s,type string,load "
    assert "cannot be read" in reason(tmp_path, ask + "missing;", ask + "a;")


def test_files_beside_the_rules_go_before_those_of_the_directory_but_for_what_is_kept(tmp_path: Path) -> None:
    data, rules = tmp_path / "data", tmp_path / "rules"
    for folder, name in ((data, "a"), (data, "b"), (data, "c"), (rules, "b"), (rules, "c")):
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(base64.b64encode(HEADER).decode() if folder == data else "")
    ask = "tcp.hdr; dataset:isset,{0},type string,{1} {0};"
    options = [ask.format(*said) for said in (("a", "load"), ("b", "load"), ("c", "state"))]
    assert found(rules, [Packet(b"x")], *options, data_dir=data) == [(0, 1), (0, 3)]


def test_rules_are_read_anew_when_a_list_appears_that_goes_before_the_one_they_have(tmp_path: Path) -> None:
    data, rules = tmp_path / "data", tmp_path / "rules"
    for folder in (data, rules):
        folder.mkdir()
    (data / "a").write_text("")
    loaded = load([write(rules, "tcp.hdr; dataset:isset,a,type string,load a;")], data_dir=data)
    assert not loaded.errors
    assert inputs.unchanged(loaded.inputs)
    (rules / "a").write_text("")
    assert not inputs.unchanged(loaded.inputs)


@pytest.mark.parametrize("first", ["datarep", "dataset", "settings"])
def test_scores_and_values_of_one_set(tmp_path: Path, first: str) -> None:
    """Who names it first says its file, be it a rule of either keyword or the settings."""
    (tmp_path / "s").write_text("10.0.0.1,90\n10.0.0.2,10\n")
    said = ",type ip,load s"
    values = f"ip.src; dataset:isset,s{said if first == 'dataset' else ''};"
    scores = f"ip.src; datarep:s,>,50{said if first == 'datarep' else ''};"
    rules = write(tmp_path, *((scores, values) if first == "datarep" else (values, scores)))
    options = {"datasets.s.type": "ip", "datasets.s.load": str(tmp_path / "s")}
    loaded = load([rules], options=options if first == "settings" else {})
    assert not loaded.errors
    packets = [Packet(b"x", src=ip(f"10.0.0.{n}"), flow=n) for n in (1, 2, 3)]
    both = [row for row, _ in hits(loaded.signatures, packets)]
    assert both == [0, 0, 1]


def test_a_hashsize_counts_only_where_the_set_is_made(tmp_path: Path) -> None:
    rules = [f"tcp.hdr; dataset:set,a,type md5,hashsize {size};" for size in ("65536", "0", "word", "70000")]
    assert not load([write(tmp_path, *rules)]).errors


def test_sets_of_the_settings_are_known_by_name(tmp_path: Path) -> None:
    (tmp_path / "seen.lst").write_text(f"{base64.b64encode(HEADER).decode()}\n")
    options = {
        "datasets.seen.type": "string",
        "datasets.seen.load": str(tmp_path / "seen.lst"),
        "datasets.new.type": "string",
        "datasets.new.state": str(tmp_path / "missing.lst"),
    }
    rules = write(
        tmp_path,
        "tcp.hdr; dataset:isset,seen;",
        "tcp.hdr; dataset:isnotset,new;",
        "tcp.hdr; dataset:isset,new;",
    )
    loaded = load([rules], options=options)
    assert not loaded.errors
    assert hits(loaded.signatures, [Packet(b"x")]) == [(0, 1), (0, 2)]
    with pytest.raises(ConfigError, match="has no type"):
        load([rules], options={"datasets.seen.load": "x"})


def kept_in(folder: Path, *options: str, **settings: str) -> list[Keeping]:
    """Of the sets of rules, by rule."""
    loaded = load([write(folder, *options)], options=settings)
    assert not loaded.errors, loaded.errors
    return [step.values.keeping for s in loaded.signatures for step in s.steps if isinstance(step, InSet)]


def test_where_what_rules_set_is_kept(tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    rules = (
        "tcp.hdr; dataset:set,a,type string,state sub/a;",
        "tcp.hdr; dataset:set,b,type string,save b;",
        "tcp.hdr; dataset:set,c,type string,load c,save c;",
        "tcp.hdr; dataset:isset,a;",
        "tcp.hdr; dataset:set,d,type string;",
    )
    assert kept_in(tmp_path, *rules, **{"default-data-dir": data}) == [
        Keeping(f"{data}/sub/a", resumes=True),
        Keeping(f"{data}/b"),
        Keeping(f"{data}/c", resumes=True),
        Keeping(f"{data}/sub/a", resumes=True),
        Keeping(),
    ]


def test_without_a_directory_nothing_is_kept_and_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(f"{base64.b64encode(HEADER).decode()}\n")
    rules = ("tcp.hdr; dataset:isset,a,type string,state a;", "tcp.hdr; dataset:set,b,type string,save b;")
    loaded = load([write(tmp_path, *rules)])
    assert [n.text for n in loaded.notices] == [
        f"dataset: what is put into {name} lives as long as the engine: default-data-dir is not set"
        for name in "ab"
    ]
    assert kept_in(tmp_path, *rules) == [Keeping(), Keeping()]
    assert hits(loaded.signatures, [Packet(b"x")]) == [(0, 1), (0, 2)], "what is there is read"


def test_what_lists_is_read_anew_and_what_is_kept_begins_with_its_list(tmp_path: Path) -> None:
    (tmp_path / "list").write_text(f"{base64.b64encode(HEADER).decode()}\n")
    rules = (
        "tcp.hdr; dataset:isset,a,type string,load list;",
        "tcp.hdr; dataset:unset,b,type string,load list,save b;",
    )
    data = str(tmp_path / "data")
    assert kept_in(tmp_path, *rules, **{"default-data-dir": data}) == [
        Keeping(lists=True),
        Keeping(f"{data}/b"),
    ]
    assert found(tmp_path, [Packet(b"x")], *rules) == [(0, 1), (0, 2)]


def test_json_is_never_written(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "a").write_text(json.dumps([{"k": HEADER.decode("latin-1")}]))
    rule = "tcp.hdr; dataset:isset,a,type string,state a,format json,value_key k;"
    assert kept_in(tmp_path, rule, **{"default-data-dir": str(data)}) == [Keeping(lists=True)]


@pytest.mark.parametrize("word", ["save", "state"])
def test_rules_write_only_where_they_may(tmp_path: Path, word: str) -> None:
    rule, settings = "tcp.hdr; dataset:set,a,type string,{} {};", {"default-data-dir": str(tmp_path)}
    for name in ("/tmp/a", "../a", "b/../../a"):
        (error,) = load([write(tmp_path, rule.format(word, name))], options=settings).errors
        assert "must be a name inside of the data directory" in error.reason
        assert "datasets.rules.allow-absolute-filenames" in error.reason
    settings["datasets.rules.allow-absolute-filenames"] = "yes"
    assert kept_in(tmp_path, rule.format(word, "/tmp/a"), **settings)[0].file == "/tmp/a"
    settings["datasets.rules.allow-write"] = "no"
    (error,) = load([write(tmp_path, rule.format(word, "a"))], options=settings).errors
    assert "allow-write forbids" in error.reason


def test_a_file_keeps_one_set(tmp_path: Path) -> None:
    rules = write(tmp_path, *(f"tcp.hdr; dataset:set,{name},type string,state a;" for name in "ab"))
    (error,) = load([rules], options={"default-data-dir": str(tmp_path)}).errors
    assert (error.line, "is where a is kept" in error.reason) == (2, True), error.reason


def test_however_its_path_is_spelled(tmp_path: Path) -> None:
    file = tmp_path / "sub" / "a"
    settings = {"datasets.a.type": "string", "datasets.a.state": str(file)}
    settings |= {"datasets.b.type": "string", "datasets.b.state": f"{file.parent}/../sub/a"}
    settings |= {"datasets.rules.allow-absolute-filenames": "yes", "default-data-dir": str(tmp_path)}
    wanted = ("a", "b", f"c,type string,save /{file}", f"d,type string,save {tmp_path}/b/../sub/a")
    wanted += ("e,type string,save sub//./a",)
    rules = write(tmp_path, *(f"tcp.hdr; dataset:set,{one};" for one in wanted))
    errors = load([rules], options=settings).errors
    assert [error.line for error in errors] == [2, 3, 4, 5]
    assert all(f"{file} is where a is kept" in error.reason for error in errors)


@pytest.mark.parametrize("name", [b".", b"./", b"/", b"//", b"\xff.lst"])
def test_what_is_no_name_of_a_file_is_refused(tmp_path: Path, name: bytes) -> None:
    rules = write(tmp_path, "tcp.hdr; dataset:set,a,type string,save NAME;")
    rules.write_bytes(rules.read_bytes().replace(b"NAME", name))
    settings = {"datasets.rules.allow-absolute-filenames": "yes", "default-data-dir": str(tmp_path)}
    (error,) = load([rules], options=settings).errors
    assert "is no name of a file, in UTF-8" in error.reason


def test_a_state_of_the_settings_is_where_they_say(tmp_path: Path) -> None:
    settings = {"datasets.a.type": "string", "datasets.a.state": str(tmp_path / "a.lst")}
    kept = Keeping(str(tmp_path / "a.lst"), resumes=True)
    assert kept_in(tmp_path, "tcp.hdr; dataset:set,a;", **settings) == [kept]

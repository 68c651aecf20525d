"""Lists of more values than a set of Python is made of: the same is found, set, removed and stored."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from vpi_tui.detect.applayer.files import File
from vpi_tui.detect.match import file_tests
from vpi_tui.detect.match.ruleset import RuleSet
from vpi_tui.detect.rules import valuefiles
from vpi_tui.detect.rules.explain_steps import step_text
from vpi_tui.detect.rules.loader import load
from vpi_tui.detect.stored.codec import CompiledRules, restore, store
from vpi_tui.model.signature import FileTest, HasReputation, InSet, Signature
from vpi_tui.model.valueset import ValueSet
from vpi_tui.model.valuetable import ScoreTable, ValueTable

COUNT = 20_000
NAMES = [b"host%d.example" % number for number in range(COUNT)]


def base64_of(value: bytes) -> str:
    return base64.b64encode(value).decode()


def hashed(name: str) -> list[bytes]:
    return [hashlib.new(name, value, usedforsecurity=False).digest() for value in NAMES]


V4 = [(0x0A000000 + 7 * number).to_bytes(4) for number in range(COUNT)]
V6 = [(0x20010DB8 << 96 | 5 * number).to_bytes(16) for number in range(COUNT)]


def address(value: bytes) -> str:
    if len(value) == 4:
        return ".".join(map(str, value))
    return ":".join(value[at : at + 2].hex() for at in range(0, 16, 2))


KINDS: dict[str, tuple[list[bytes], Callable[[bytes], str]]] = {
    "string": (NAMES, base64_of),
    "md5": (hashed("md5"), bytes.hex),
    "sha256": (hashed("sha256"), bytes.hex),
    "ipv4": (V4, address),
    "ipv6": ([*V6, *V4[:5]], address),
    "ip": ([*V4, *V6], address),
}


def signature(folder: Path, options: str, head: str = "tcp any any -> any any") -> Signature:
    """Loaded, stored and mapped again."""
    path = folder / "some.rules"
    path.write_text(f"alert {head} ({options} sid:1;)")
    loaded = load([path])
    assert not loaded.errors, loaded.errors
    file = io.BytesIO()
    store(CompiledRules(loaded, RuleSet.compile(loaded.signatures)), file)
    return restore(memoryview(bytearray(file.getvalue()))).ruleset.signatures[0]


def set_of(folder: Path, options: str) -> ValueSet:
    (step,) = signature(folder, f"tcp.hdr; dataset:isset,s,{options};").steps
    assert isinstance(step, InSet)
    return step.values


@pytest.mark.parametrize("kind", KINDS)
def test_a_long_list_of_each_kind(tmp_path: Path, kind: str) -> None:
    values, written = KINDS[kind]
    lines = [written(value) for value in values]
    lines[100:100] = ["", "  ", f" {lines[7]} , again", lines[8] + ",comment", "\t"]
    (tmp_path / "values").write_bytes("\r\n".join(lines).encode())
    found = set_of(tmp_path, f"type {kind},load values")
    assert isinstance(found.listed, ValueTable)
    assert not found.values
    assert sorted(found.listed) == sorted(values)
    assert all(found.holds(value) for value in values)
    assert not any(found.holds(value[:-1]) or found.holds(value + b"\0") for value in values[1_000:2_000])


def test_ipv4_in_the_spelling_of_ipv6(tmp_path: Path) -> None:
    (tmp_path / "values").write_text("".join(f"::ffff:{address(value)}\n" for value in V4))
    found = set_of(tmp_path, "type ip,load values")
    assert found.holds(V4[-1])
    assert found.holds(bytes(10) + b"\xff\xff" + V4[0])
    assert not found.holds(V6[0])


def test_what_rules_change_of_a_long_list(tmp_path: Path) -> None:
    (tmp_path / "values").write_text("\n".join(map(base64_of, NAMES)))
    found = set_of(tmp_path, "type string,load values")
    assert not found.add(NAMES[5])
    assert [found.add(b"new"), found.add(b"new"), found.holds(b"new")] == [True, False, True]
    assert [found.remove(NAMES[5]), found.remove(NAMES[5]), found.holds(NAMES[5])] == [True, False, False]
    assert found.holds(NAMES[6])
    assert [found.add(NAMES[5]), found.holds(NAMES[5])] == [True, True]
    assert [found.remove(b"new"), found.holds(b"new")] == [True, False]


def test_subdomains_of_a_long_list(tmp_path: Path) -> None:
    (tmp_path / "values").write_text("\n".join(base64_of(b"." + name) for name in NAMES))
    found = set_of(tmp_path, "type string,load values,match subdomain")
    assert found.holds(b".www.a." + NAMES[-1], subdomain=True)
    assert not found.holds(b".not" + NAMES[-1], subdomain=True)


@pytest.mark.parametrize("form", ["json", "ndjson"])
def test_json_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.setattr(valuefiles, "PIECE", 100)
    monkeypatch.setattr(valuefiles, "_AT_A_TIME", 7)
    entries = [{"a": {"b": name.decode()}} if number % 5 else {"a": 1} for number, name in enumerate(NAMES)]
    text = json.dumps(entries) if form == "json" else "\n".join(map(json.dumps, entries))
    (tmp_path / "values").write_text(text)
    found = set_of(tmp_path, f"type string,load values,format {form},value_key a.b")
    assert sum(found.holds(name) for name in NAMES) == COUNT * 4 // 5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[{"k": "a", "x": NaN}, {"k": "\\u00e9"}]', {b"a", "é".encode()}),
        ('{"all": {"of": [{"k": "a"}, 7]}, "all": {"of": [{"k": "b", "k": "c"}]}}', {b"c"}),
        (' \n[\n{"k":"a"} ,\n7, [], "k", null ]\n', {b"a"}),
    ],
)
def test_json_as_the_standard_library_reads_it(tmp_path: Path, text: str, expected: set[bytes]) -> None:
    (tmp_path / "values").write_text(text)
    array = ",array_key all.of" if "all" in text else ""
    assert set_of(tmp_path, f"type string,load values,format json,value_key k{array}").values == expected


@pytest.mark.parametrize(
    ("text", "array"),
    [
        ('[{"k":"a"},]', ""),
        ('[{"k":"a"}] 1', ""),
        ('{"k":"a"}', ""),
        ('[{"k":"a\n"}]', ""),
        ('[{"k":"a"}]', "all"),
        ('{"all":7}', "all"),
        ('{"all":{}}', "all.of"),
        ('\ufeff[{"k":"a"}]', ""),
        ("[" * 100_000, ""),
        ("[]", ""),
    ],
)
def test_json_that_is_none(tmp_path: Path, text: str, array: str) -> None:
    (tmp_path / "values").write_text(text)
    key = f",array_key {array}" if array else ""
    rules = tmp_path / "some.rules"
    options = f"tcp.hdr; dataset:isset,s,type string,load values,format json,value_key k{key}; sid:1;"
    rules.write_text(f"alert tcp any any -> any any ({options})\n")
    (error,) = load([rules]).errors
    assert "not what it should be" in error.reason


def test_what_is_wrong_far_behind_refuses_the_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(valuefiles, "PIECE", 100)
    lines = [value.hex() for value in KINDS["md5"][0]]
    rules = tmp_path / "some.rules"
    rules.write_text("alert tcp any any -> any any (tcp.hdr; dataset:isset,s,type md5,load values; sid:1;)\n")
    for bad in (b"\xff", b"\xc3"):
        (tmp_path / "values").write_bytes("\n".join(lines).encode() + b"\n" + bad + b"\n" + lines[0].encode())
        (error,) = load([rules]).errors
        assert "not what it should be" in error.reason
        assert error.line == 1
    (tmp_path / "values").write_text("\n".join(lines))
    monkeypatch.setattr(valuefiles, "MOST_VALUES", COUNT - 1)
    (error,) = load([rules]).errors
    assert "holds more than" in error.reason


def test_long_lists_with_scores(tmp_path: Path) -> None:
    lines = [f"{base64_of(name)},{number % 300}" for number, name in enumerate(NAMES)]
    (tmp_path / "values").write_text(
        "\n".join([*lines, "", f"{base64_of(NAMES[7])} , 65000", "YQ==,-7", "Yg==,9" + "0" * 20])
    )
    (step,) = signature(tmp_path, "tcp.hdr; datarep:s,>,100,type string,load values;").steps
    assert isinstance(step, HasReputation)
    assert isinstance(step.scores.scores, ScoreTable)
    assert [step.scores.get(name) for name in NAMES[8:]] == [number % 300 for number in range(8, COUNT)]
    assert [step.scores.get(name) for name in (NAMES[7], b"other", b"a")] == [7, None, -1]
    assert (step.scores.get(b"b") or 0) > 65_535


@pytest.mark.parametrize("kind", ["md5", "sha1", "sha256"])
def test_long_lists_of_files(tmp_path: Path, kind: str) -> None:
    digests = hashed(kind)
    lines = [digest.hex() + "  name # why" for digest in digests]
    (tmp_path / "values").write_text("\n".join(["# of files", "", *lines]))
    (step,) = signature(tmp_path, f"file{kind}:!values;", "http any any -> any any").steps
    assert isinstance(step, FileTest)
    assert step.listed is not None
    assert sorted(step.listed) == sorted(digests)
    assert not step.digests
    assert f"is not one of {COUNT:,}" in step_text(step)
    for digest, is_listed in ((digests[-1], True), (bytes(len(digests[0])), False)):
        file = File(0)
        file.digests = {kind: digest}
        assert file_tests.tests_hold([step], file, is_open=False) != is_listed


def refusal(folder: Path, options: str) -> str:
    rules = folder / "some.rules"
    rules.write_text(f"alert tcp any any -> any any (tcp.hdr; {options}; sid:1;)\n")
    (error,) = load([rules]).errors
    return error.reason


NDJSON = "dataset:isset,s,type string,load values,format ndjson,value_key k"
JSON = "dataset:isset,s,type string,load values,format json,value_key k"


@pytest.mark.parametrize(
    ("limit", "text", "options", "reason"),
    [
        ("MOST_VALUES", "YQ==,1\n" * 9, "datarep:s,>,1,type string,load values", "more than 8 values"),
        ("MOST_VALUES", "[" + "1," * 8 + '{"k":"a"}]', JSON, "more than 8 values"),
        ("_MOST_COMMAS", "[" + "1," * 9 + '{"k":"a"}]', JSON, "more than 8 entries"),
        ("_LONGEST_ENTRY", '{"k":"a"}', NDJSON, "more than 8 characters"),
    ],
)
def test_lists_that_would_take_all_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, text: str, options: str, reason: str
) -> None:
    (tmp_path / "values").write_text(text)
    assert not signature(tmp_path, f"tcp.hdr; {options};").variables
    monkeypatch.setattr(valuefiles, limit, 8)
    assert reason in refusal(tmp_path, options)


def test_lines_may_end_as_on_an_old_mac_and_are_no_more_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(valuefiles, "PIECE", 100)
    path = tmp_path / "values"
    path.write_bytes("\r".join(map(base64_of, NAMES)).encode())
    assert max(map(len, valuefiles.pieces_of(path))) < 20
    assert len(set_of(tmp_path, "type string,load values").listed or ()) == COUNT


@pytest.mark.parametrize("word", ["YQ", "Y*Q==", "YQ==YQ==", "=YQ="])
def test_a_value_that_is_no_base64_is_no_other_value(tmp_path: Path, word: str) -> None:
    (tmp_path / "values").write_text(f"Yg==\n{word}\n")
    assert set_of(tmp_path, "type string,load values").values == {b"b"}
    (tmp_path / "values").write_text(f"{word}\n")
    assert "not what it should be" in refusal(tmp_path, "dataset:isset,s,type string,load values")


@pytest.mark.parametrize("bad", ["nonsense", "# md5 of August", "00\0" + "1" * 29, "ab" * 15, "ab" * 17])
def test_lines_that_are_no_value_are_passed_over_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bad: str
) -> None:
    monkeypatch.setattr(valuefiles, "PIECE", 100)
    lines = [value.hex() for value in KINDS["md5"][0]]
    (tmp_path / "values").write_text("\n".join([bad, *lines, bad]))
    assert len(set_of(tmp_path, "type md5,load values").listed or ()) == COUNT
    (notice,) = load([tmp_path / "some.rules"]).notices
    assert f"2 passed over that are no md5, {bad[:40]!r} first" in notice.text


@pytest.mark.parametrize("lines", ["host,7", "10.0.0.1,many"])
def test_a_list_without_a_score_is_none(tmp_path: Path, lines: str) -> None:
    (tmp_path / "values").write_text(f"{lines}\n" * 2)
    assert "no other line has one" in refusal(tmp_path, "datarep:s,>,1,type ip,load values")


def test_scores_that_are_none_and_words_of_none(tmp_path: Path) -> None:
    (tmp_path / "values").write_text("::ffff:10.0.0.1,5\n10.0.0.2,many\nhost,7\n2001:db8::1,9\n")
    (step,) = signature(tmp_path, "ip.src; datarep:s,>,1,type ip,load values;").steps
    assert isinstance(step, HasReputation)
    assert step.scores.scores == {bytes((10, 0, 0, 1)): 5, (0x20010DB8 << 96 | 1).to_bytes(16): 9}
    (notice,) = load([tmp_path / "some.rules"]).notices
    assert "2 passed over that are no ip, 'host' first" in notice.text


@pytest.mark.parametrize("separator", ["\x85", "\u2028", "\x1c"])
def test_only_ends_of_lines_end_an_entry(tmp_path: Path, separator: str) -> None:
    """Of these JSON allows the first two in texts, as they are, and the third one nowhere."""
    (tmp_path / "values").write_text(f'{{"k":"a{separator}b"}}\n', "utf-8")
    if separator == "\x1c":
        assert "not what it should be" in refusal(tmp_path, NDJSON)
    else:
        found = set_of(tmp_path, "type string,load values,format ndjson,value_key k")
        assert found.values == {f"a{separator}b".encode()}

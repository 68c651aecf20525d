"""`vpi-tui scan` as a process: what it writes, and what it says when something is wrong."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.engine.test_keeping import base64_of, query, rules
from vpi_tui.capture.demo.attacks import EXPECTED_SIDS
from vpi_tui.capture.demo.scenario import write_demo_pcap

VPI = (sys.executable, "-m", "vpi_tui")


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scan") / "demo.pcap"
    write_demo_pcap(path)
    return path


def scan(*words: object, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [*VPI, "scan", *map(str, words)]
    return subprocess.run(command, check=False, input=stdin, capture_output=True, timeout=300)


def events(text: bytes | str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def kinds(text: bytes | str) -> Counter[object]:
    return Counter(event["event_type"] for event in events(text))


def test_alerts_and_flows_go_into_the_directory(capture: Path, tmp_path: Path) -> None:
    done = scan("-r", capture, "-l", tmp_path / "new" / "logs")
    assert done.returncode == 0, done.stderr
    found = events((tmp_path / "new" / "logs" / "eve.json").read_text())
    alerts = [event["alert"] for event in found if event["event_type"] == "alert"]
    assert {a["signature_id"] for a in alerts if a["gid"] == 1} == EXPECTED_SIDS  # type: ignore[index]
    flows = [event for event in found if event["event_type"] == "flow"]
    assert len({flow["flow_id"] for flow in flows}) == len(flows)
    summary = done.stderr.decode()
    assert f"{len(flows):,} flows" in summary
    assert f"{len(alerts):,} alerts" in summary
    assert "\r" not in summary, "a progress bar is for terminals"
    named = Counter((a["gid"], a["signature_id"]) for a in alerts)  # type: ignore[index]
    listed = [line.split() for line in done.stdout.decode().splitlines()[1:]]
    assert {tuple(map(int, line[2].split(":"))): int(line[1]) for line in listed} == named
    alerted = {event["flow_id"] for event in found if event["event_type"] == "alert" and "flow_id" in event}
    assert {flow["flow_id"] for flow in flows if flow["flow"]["alerted"]} >= alerted  # type: ignore[index]


def test_what_rules_have_set_is_read_from_the_data_directory_and_written_nowhere(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "seen.lst").write_text(base64_of(b"old.example"))
    asked = rules(tmp_path, "set,seen,type string,state seen.lst")
    captured = query(tmp_path, "old.example", "new.example")
    done = scan(captured, "-S", asked, "--data-dir", data, "--set", f"default-data-dir={tmp_path / 'other'}")
    assert b", 1 alert of" in done.stdout + done.stderr
    assert (data / "seen.lst").read_text() == base64_of(b"old.example")
    assert not (tmp_path / "other").exists()


def test_several_files_rules_and_settings(capture: Path, tmp_path: Path) -> None:
    rules = tmp_path / "local.rules"
    rules.write_text(
        'alert tcp any any -> $SHOP any (msg:"union"; flow:established,to_server; content:"UNION"; sid:7;)\n'
        'alert tcp any any -> !$SHOP any (msg:"not there"; flow:to_server; content:"UNION"; sid:8;)\n'
        'alert tcp any any -> any any (msg:"refused"; no_such_keyword; sid:9;)\n'
    )
    packed = tmp_path / "again.pcap.gz"
    packed.write_bytes(gzip.compress(capture.read_bytes(), 1))
    done = scan(
        "-r", capture, "-r", packed, "-S", rules, "--eve", "-", "--events", "alert", "-k", "none",
        "--set", "vars.address-groups.SHOP=[10.20.0.11]",
    )  # fmt: skip
    assert done.returncode == 0
    assert set(kinds(done.stdout)) == {"alert"}
    sids = Counter(event["alert"]["signature_id"] for event in events(done.stdout))  # type: ignore[index]
    assert set(sids) == {7, *(s for s in sids if s == 1)}
    assert sids[7] % 2 == 0
    assert b"(1 refused)" in done.stderr
    assert b"1 rule does not load; `vpi-tui rules check " in done.stderr


def test_what_was_read_is_reported_when_a_file_is_broken(capture: Path, tmp_path: Path) -> None:
    cut, none = tmp_path / "cut.pcap", tmp_path / "none.pcap"
    whole = capture.read_bytes()
    cut.write_bytes(whole[:-7])
    none.write_text("this is no capture file\n")
    done = scan("-r", none, "-r", cut, "-r", capture, "--eve", "-")
    assert done.returncode == 1
    said = done.stderr.decode()
    assert f"{none} is no capture file" in said
    assert f"{cut} is cut off" in said
    assert "at byte" in said
    alone = scan("-r", capture, "--eve", "-")
    assert alone.returncode == 0
    assert kinds(done.stdout)["alert"] > kinds(alone.stdout)["alert"] > 0


def test_garbage_behind_the_packets_is_said_and_is_no_failure(capture: Path, tmp_path: Path) -> None:
    garbage, only = tmp_path / "garbage.pcapng", tmp_path / "only.pcap"
    whole = capture.read_bytes()
    garbage.write_bytes(whole + b"\xff" * 400_000)
    only.write_bytes(b"\xd4\xc3\xb2\xa1\2\0\4\0" + b"\0" * 12 + b"\1\0\0\0" + b"\xff" * 400_000)
    done, alone = (scan("-r", name, "--eve", "-") for name in (garbage, capture))
    assert done.returncode == 0
    assert f"at byte {len(whole)}" in done.stderr.decode()
    assert kinds(done.stdout)["alert"] == kinds(alone.stdout)["alert"] > 0
    assert scan("-r", only, "--eve", "-").returncode == 1, "not one packet"


def test_a_capture_comes_through_a_pipe(capture: Path) -> None:
    done = scan("-r", "-", "--eve", "-", stdin=capture.read_bytes())
    assert done.returncode == 0
    assert kinds(done.stdout)["alert"] > 10


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("-r", "no-such.pcap"), 2, "There is no capture file no-such.pcap."),
        (("-r", str(Path(__file__).parent)), 2, "No file in the directory"),
        (("-r", __file__), 1, "is no capture file"),
        (("-r", __file__, "--eve", "x", "-l", "y"), 2, "not allowed with"),
        (("-r", __file__, "--events", "alert,heat"), 2, "'heat' is no type of event"),
        (("-r", __file__, "--data-dir", __file__), 2, "is no directory"),
        (("-r", __file__, "-k", "most"), 2, "'most' is not known"),
        (("-r", __file__, "--set", "vars.address-groups.HOME_NET=[10.0.0.0/99]"), 2, "not an address"),
        (("-r", __file__, "-S", "no-such.rules"), 2, "There is no rule file no-such.rules."),
        (("-r", __file__, "--eve", f"{__file__}/x"), 1, "cannot be written"),
    ],
)
def test_what_is_wrong_is_said(words: tuple[str, ...], code: int, said: str, tmp_path: Path) -> None:
    done = scan(*words)
    assert done.returncode == code
    assert said in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_said(capture: Path) -> None:
    done = scan("-r", capture, "--eve", "/dev/full")
    assert done.returncode == 1
    assert "No space left on device" in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()
    with Path("/dev/full").open("wb") as full:
        command = [*VPI, "scan", "-r", str(capture), "--eve", "-"]
        done = subprocess.run(command, check=False, stdout=full, stderr=subprocess.PIPE, timeout=300)
    assert done.returncode == 1
    assert done.stderr.decode().count("No space left on device") == 1


def test_types_of_events_may_stand_in_the_settings(capture: Path, tmp_path: Path) -> None:
    settings = tmp_path / "config.yaml"
    settings.write_text("eve: {types: [flow]}\n")
    words = ("-r", capture, "--config", settings, "--eve", "-")
    assert kinds(scan(*words).stdout).keys() == {"flow"}
    assert kinds(scan(*words, "--events", "alert").stdout).keys() == {"alert"}


def test_files_without_a_rule_are_told(capture: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.rules").touch()
    done = scan("-r", capture, "-S", tmp_path)
    assert done.returncode == 0
    assert f"There is no rule in {tmp_path}. Files of rules end in .rules" in done.stderr.decode()

"""`vpi-tui rules`: what is checked, explained and tested, as an operator sees it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from scapy.utils import wrpcap

from tests.detect.applayer.test_scan import REQUEST, RESPONSE, Connection
from vpi_tui.cli.main import main

GOOD = 'alert tcp any any -> any 80 (msg:"login"; content:"login.php"; sid:1;)\n'


def rule_file(tmp_path: Path, text: str) -> str:
    path = tmp_path / "local.rules"
    path.write_text(text)
    return str(path)


def test_a_rule_that_parses_and_cannot_run_is_named_too(tmp_path: Path, capsys) -> None:
    text = (
        GOOD
        + 'alert http any any -> any any (msg:"m"; ssh.proto; content:"x"; http.uri; content:"y"; sid:2;)\n'
    )
    assert main(["rules", "check", rule_file(tmp_path, text + "alert nonsense\n")]) == 1
    out = capsys.readouterr().out
    assert "local.rules:2: " in out
    assert "local.rules:3: " in out
    assert "1 rule loads (33.33%), 2 do not." in out


def test_the_rules_of_one_file_are_listed(tmp_path: Path, capsys) -> None:
    rule_file(tmp_path, GOOD)
    (tmp_path / "other.rules").write_text(GOOD.replace("sid:1;", "sid:2;"))
    settings = tmp_path / "settings.yaml"
    settings.write_text(f"rules: [{tmp_path}]\n")
    assert main(["rules", "list", "--config", str(settings), "--pack", "local.rules"]) == 0
    told = capsys.readouterr()
    assert told.out.splitlines()[1].split() == ["1", "0", "3", "-", "local.rules", "login"]
    assert told.err == "1 rules.\n"


def test_what_rules_refer_to_is_where_the_settings_say(tmp_path: Path, capsys) -> None:
    rules = rule_file(tmp_path, "alert tcp any any -> any any (tcp.hdr; dataset:isset,seen; sid:1;)\n")
    assert main(["rules", "check", rules]) == 1
    assert "type is missing" in capsys.readouterr().out
    settings = tmp_path / "settings.yaml"
    settings.write_text("datasets:\n  seen:\n    type: string\n")
    assert main(["rules", "check", "--config", str(settings), rules]) == 0


def test_where_there_is_no_rule_that_is_an_error(tmp_path: Path, capsys) -> None:
    assert main(["rules", "check", str(tmp_path)]) == 2
    assert f"There is no rule in {tmp_path}" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_list_that_a_full_disk_does_not_take_says_so() -> None:
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "vpi_tui", "rules", "list"]
        done = subprocess.run(command, check=False, stdout=full, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 1
    assert done.stderr.decode() == "vpi-tui: Standard output cannot be written: No space left on device.\n"


def test_keywords_are_counted(tmp_path: Path, capsys) -> None:
    two = GOOD + GOOD.replace("sid:1", "nocase; sid:2")
    assert main(["rules", "check", "--keywords", rule_file(tmp_path, two)]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["2", "content"] in lines
    assert ["1", "nocase"] in lines


def test_explain_says_by_what_a_rule_is_found(tmp_path: Path, capsys) -> None:
    assert main(["rules", "explain", "1", "-S", rule_file(tmp_path, GOOD)]) == 0
    out = capsys.readouterr().out
    assert 'fast pattern: "ogin.php" in payload, a piece of "login.php"' in out
    assert "group: both directions of TCP packets, destination port 80" in out
    assert "a try takes 1 steps" in out


def test_explain_says_so_when_there_is_nothing_to_look_for(tmp_path: Path, capsys) -> None:
    text = 'alert udp any 53 -> any any (msg:"m"; dsize:>500; sid:1;)\n'
    assert main(["rules", "explain", "1", "-S", rule_file(tmp_path, text)]) == 0
    out = capsys.readouterr().out
    assert "fast pattern: nothing in particular" in out
    assert "UDP packets, source port 53" in out
    assert "tried on everything in its group" in out


def case(tmp_path: Path, count: int, more: str = "") -> Path:
    directory = tmp_path / "case"
    directory.mkdir()
    wrpcap(str(directory / "input.pcap"), Connection().client(REQUEST).server(RESPONSE).close().packets)
    (directory / "test.rules").write_text(GOOD)
    (directory / "test.yaml").write_text(
        f"args:\n- -k none\nchecks:\n- filter:\n    count: {count}\n    match:\n      event_type: alert\n"
        f"      alert.signature_id: 1\n- filter:\n    at-least: 1\n    match:\n      event_type: http\n"
        f"      http.status: 200\n{more}"
    )
    return directory


def test_a_case_passes(tmp_path: Path, capsys) -> None:
    assert main(["rules", "test", str(case(tmp_path, 1))]) == 0
    assert capsys.readouterr().out.startswith("passed")


def test_a_case_that_fails_says_what_there_was(tmp_path: Path, capsys) -> None:
    assert main(["rules", "test", str(case(tmp_path, 2))]) == 1
    assert "1 events and not 2 with event_type: alert, alert.signature_id: 1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "said"),
    [("- shell:\n    args: ls\n", "a check needs a filter"), ("- filter:\n    count: 1\n", "needs match")],
)
def test_a_check_that_is_not_known_is_an_error(more: str, said: str, tmp_path: Path, capsys) -> None:
    assert main(["rules", "test", str(case(tmp_path, 1, more))]) != 0
    assert said in capsys.readouterr().err


def test_a_directory_without_a_case_is_an_error(tmp_path: Path, capsys) -> None:
    assert main(["rules", "test", str(tmp_path)]) != 0
    assert "There is no test.yaml" in capsys.readouterr().err
    assert main(["rules", "test", str(tmp_path / "absent")]) == 2
    assert f"There is no directory {tmp_path / 'absent'}." in capsys.readouterr().err

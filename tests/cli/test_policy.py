"""`vpi-tui policy`: check and learn."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from vpi_tui.capture.demo.scenario import write_demo_pcap
from vpi_tui.cli import main as program
from vpi_tui.config.policy_file import check_policy
from vpi_tui.engine.learn import Learned
from vpi_tui.engine.segments import DEMO_POLICY

INVENTORY = """\
guests:
  - {name: web-01, ip: 10.20.0.11, tags: [web]}
  - {name: web-02, ip: 10.20.0.12, tags: [web]}
  - {name: app-01, ip: 10.20.0.21}
"""


def test_check_tells_each_line_that_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("allow:\n- {from: a}\n- {from: a, to: b}\ndeny:\n- {from: a, to: b, ports: [tcp/x]}\n")
    assert program.main(["policy", "check", str(file), str(DEMO_POLICY)]) == 1
    out = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[0] for line in out[:2]] == [f"{file}:2", f"{file}:5"]
    assert out[2] == f"{file}: 1 allow, 0 deny, default deny; 2 wrong."
    assert out[3].endswith("0 deny, default deny.")
    assert program.main(["policy", "check", str(DEMO_POLICY)]) == 0


def test_learn_writes_what_a_capture_shows_and_scan_judges_by_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capture, inventory = tmp_path / "demo.pcapng", tmp_path / "inventory.yaml"
    made, rules = tmp_path / "policy.yaml", tmp_path / "one.rules"
    write_demo_pcap(capture)
    inventory.write_text(INVENTORY)
    rules.write_text('alert tcp any any -> any any (msg:"never"; content:"xyzzyplugh"; sid:1; rev:1;)\n')
    learn = ["policy", "learn", "-r", str(capture), "--inventory", str(inventory), "-o", str(made)]
    assert program.main([*learn, "--seconds", "8"]) == 0
    policy, errors = check_policy(made)
    assert not errors
    assert "tag:web > app-01 tcp/8080" in {str(line) for line in policy.lines}
    assert made.read_text().startswith("# Learned by vpi-tui (replay) from ")
    scan = ["scan", "-r", str(capture), "-S", str(rules), "--inventory", str(inventory)]
    assert program.main([*scan, "--policy", str(made), "--eve", str(tmp_path / "eve.json")]) == 0
    told = [line for line in (tmp_path / "eve.json").read_text().splitlines() if '"signature_id":25,' in line]
    assert any("policy.yaml:4: no line allows web-01 > app-01 tcp/" in line for line in told)
    capsys.readouterr()
    assert program.main(learn) == 1
    assert "is not overwritten" in capsys.readouterr().err


def test_where_the_policy_goes_is_open_before_anything_is_learned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An engine that gave up root may not write where root may: a day of learning would be lost."""
    made, found = tmp_path / "policy.yaml", [Learned("default: deny\n", 1, 2), Learned("", 0, 0)]

    def learn(*_: object) -> Learned:
        assert made.exists()
        return found.pop(0)

    monkeypatch.setattr("vpi_tui.engine.learn.learn", learn)
    words = ["policy", "learn", "-r", "-", "-o"]
    assert program.main([*words, str(made)]) == 0
    assert made.read_text() == "default: deny\n"
    assert program.main([*words, str(made)]) == 1
    assert "is not overwritten" in capsys.readouterr().err
    made.unlink()
    assert program.main([*words, str(made)]) == 1
    assert not made.exists()
    assert program.main([*words, str(tmp_path / "absent" / "policy.yaml")]) == 1
    assert "absent/policy.yaml cannot be written: No such file or directory." in capsys.readouterr().err


@pytest.mark.parametrize("there", [False, True])
def test_a_policy_is_written_through_no_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], there: bool
) -> None:
    monkeypatch.setattr("vpi_tui.engine.learn.learn", lambda *_: Learned("default: deny\n", 1, 2))
    link, target = tmp_path / "policy.yaml", tmp_path / "target"
    if there:
        target.touch()
    link.symlink_to(target)
    assert program.main(["policy", "learn", "-r", "-", "-o", str(link)]) == 1
    assert "is not overwritten" in capsys.readouterr().err
    assert target.exists() == there
    assert not there or not target.read_text()


def test_a_policy_that_does_not_fit_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def learn(*_: object) -> Learned:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
        return Learned("#" * 20_000, 1, 2)

    monkeypatch.setattr("vpi_tui.engine.learn.learn", learn)
    made = tmp_path / "policy.yaml"
    try:
        assert program.main(["policy", "learn", "-r", "-", "-o", str(made)]) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "policy.yaml cannot be written: File too large." in capsys.readouterr().err
    assert not made.exists()


def test_what_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "policy.yaml"
    assert program.main(["scan", "-r", "-", "-p", str(file)]) != 0
    assert "There is no policy" in capsys.readouterr().err
    assert program.main(["policy", "learn", "-r", str(tmp_path / "absent.pcap")]) != 0
    with pytest.raises(SystemExit):
        program.main(["policy", "learn", "--seconds", "-3"])

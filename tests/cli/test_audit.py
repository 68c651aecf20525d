"""`vpi-tui audit` of capture files: what is concluded, and exit codes."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from pathlib import Path

CLIENT, SERVER = b"\x02\0\0\0\0\1", b"\x02\0\0\0\0\2"


def one_way(path: Path) -> None:
    """Six connections of which only the client's side is there, acknowledging what the server said."""
    records = []
    for port in range(40_000, 40_006):
        for number in range(6):
            data = b"" if not number else b"x" * 10
            flags = 0x18 if number else 0x02
            tcp = (
                struct.pack(">HHIIBBHHH", port, 80, 1 + 10 * number, 500 + number, 0x50, flags, 999, 0, 0)
                + data
            )
            ip = struct.pack(">BBHHHBBHII", 0x45, 0, 20 + len(tcp), 7, 0, 64, 6, 0, 0x0A000001, 0x0A000002)
            frame = SERVER + CLIENT + b"\x08\0" + ip + tcp
            records.append(struct.pack("<IIII", 1_700_000_000, number, len(frame), len(frame)) + frame)
    path.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + b"".join(records))


def audit(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vpi_tui", "audit", *words]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)


def test_a_file_with_one_direction_of_its_connections(tmp_path: Path) -> None:
    capture, policy = tmp_path / "half.pcap", tmp_path / "coverage.yaml"
    one_way(capture)
    policy.write_text("allow: [seen, unknown]\n")
    done = audit("-r", str(capture), "-k", "none", "--policy", str(policy), "--json")
    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout)
    assert {(port["verdict"], port["inferred"]) for port in told["ports"]} == {("one-way", True)}
    assert [guest["guest"] for guest in told["guests"] if not guest["passes"]] == ["10.0.0.1"]


def test_what_cannot_be_judged_is_no_broken_policy(tmp_path: Path) -> None:
    policy = tmp_path / "coverage.yaml"
    policy.write_text("minimum: much\n")
    wrong = audit("-r", str(policy), "--policy", str(policy))
    assert (wrong.returncode, f"{policy}:1:" in wrong.stderr) == (2, True)
    policy.write_text("minimum: 95\n")
    assert audit("-r", str(policy), "--policy", str(policy)).returncode == 3

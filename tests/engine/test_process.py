"""The engine as a process: what happens when one of the two sides dies, is slow, or says nonsense."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.engine.runs import BareUi, answer, engine, order, reached, until
from vpi_tui.capture.demo.scenario import FIXED_START_NS, build
from vpi_tui.engine.child import EngineClient
from vpi_tui.feed.messages import (
    PROTOCOL_VERSION,
    FlowDetail,
    GetAlert,
    GetFlow,
    GetRules,
    Goodbye,
    Hello,
    Notice,
    SetSpeed,
    SnapshotMessage,
    Stop,
    Toggle,
    ToggledMessage,
    Watch,
)
from vpi_tui.model.errors import ConfigError
from vpi_tui.model.snapshot import Snapshot
from vpi_tui.view.flow_table import FlowTable

NAN = float("nan")


def test_a_killed_engine_is_told_of_and_started_again() -> None:
    with engine(order()) as client:
        reached(client, "running")
        first = client.pid
        os.kill(first, signal.SIGKILL)
        until(lambda: not client.alive())
        assert "killed by signal 9 (SIGKILL)" in client.failure()
        assert not client.finished()
        client.restart()
        assert client.pid != first
        assert client.failure() == ""
        seen = reached(client, "running")
        until(lambda: (s := client.latest()) is not None and s.seq > seen.seq and s.total.counters.pkts_in)


def test_sigterm_ends_in_order() -> None:
    with engine(order()) as client:
        reached(client, "running")
        os.kill(client.pid, signal.SIGTERM)
        until(client.finished)
        assert client.failure() == ""
        last = client.latest()
        assert last is not None
        assert last.state == "finished"
        assert "SIGTERM" in last.state_text
        assert last.total.counters.pkts_in == last.stats["decoder.pkts"], "the last picture has all of it"


def test_the_engine_ends_when_the_ui_is_killed() -> None:
    """The ui's process is killed outright: nobody says goodbye, the socket just closes."""
    ui = (
        "import sys, time\n"
        "from tests.engine.runs import order, reached\n"
        "from vpi_tui.engine.child import EngineClient\n"
        "client = EngineClient(order())\n"
        "reached(client, 'running')\n"
        "print(client.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", ui], stdout=subprocess.PIPE, cwd=root) as process:
        assert process.stdout is not None
        orphan = psutil.Process(int(process.stdout.readline()))
        process.kill()
    assert psutil.wait_procs([orphan], timeout=5)[0], "the engine lives on without a ui"


def test_a_ui_that_leaves_while_the_engine_starts_is_noticed() -> None:
    ui = BareUi(order())
    ui.read_until(lambda m: isinstance(m, SnapshotMessage) and m.snapshot.state == "starting")
    ui.close()
    assert ui.process.returncode == 0


def test_a_ui_that_does_not_read_holds_nothing_up(demo_file: Path) -> None:
    """It finds the newest picture and every alert when it reads again."""
    ui = BareUi(order("replay", files=(str(demo_file),), speed=0.0, interval=0.1))
    ui.send(Hello(PROTOCOL_VERSION, "test"), Watch(flows=True, interval=0.1))
    process = psutil.Process(ui.process.pid)

    def cpu() -> float:
        times = process.cpu_times()
        return times.user + times.system

    # Done when it uses next to no CPU any more: the socket, which is full, cannot tell. It rests before, too,
    # while processes of its own compile the kernels.
    until(lambda: cpu() > 0.5 and not process.children() and _at_rest(cpu) and not process.children())
    began = time.monotonic()
    last = ui.read_until(lambda m: isinstance(m, SnapshotMessage) and m.snapshot.state == "finished")
    assert time.monotonic() - began < 5
    assert isinstance(last, SnapshotMessage)
    assert last.snapshot.stats["decoder.pkts"] > 100_000
    assert last.snapshot.flows.count > 1_000
    pictures = [m.snapshot.seq for m in ui.messages if isinstance(m, SnapshotMessage)]
    assert len(pictures) < last.snapshot.seq, "old pictures were kept for a ui that did not look"
    ui.send(Stop())
    ui.read_until(lambda m: isinstance(m, Goodbye))
    ui.close()


def _at_rest(cpu: object) -> bool:
    assert callable(cpu)
    before = cpu()
    time.sleep(0.5)
    return bool(cpu() - before < 0.1)


def test_nonsense_is_answered_and_changes_nothing() -> None:
    ui = BareUi(order("demo", interval=0.1))
    ui.send(Hello(PROTOCOL_VERSION, "test"))
    ui.read_until(lambda m: isinstance(m, SnapshotMessage) and m.snapshot.state == "running")
    ui.socket.sendall(struct.pack("!I", 4) + b"\xc1\xc1\xc1\xc1")
    ui.send({"type": "FormatDisk"}, {"type": "SetSpeed", "speed": "fast"}, [1, 2, 3])
    ui.send(
        GetFlow(-1), GetFlow((1 << 64) - 1), GetAlert(-7), SetSpeed(NAN), SetSpeed(-1.0),
        SetSpeed(float("inf")),
        Watch("guest:\x1b[31m", True, -5, NAN), Watch("switch:nowhere", True, 1 << 60, -1.0),
        Toggle(False, ((1, 1), (-1, 1 << 62))), Toggle(False, pack="no such pack"),
    )  # fmt: skip
    ui.send(GetRules(), Watch("", True, 1000, 0.1))
    ui.read_until(lambda m: isinstance(m, SnapshotMessage) and m.snapshot.flows.count > 0)
    notices = [m.text for m in ui.messages if isinstance(m, Notice)]
    assert sum("not understood" in text for text in notices) == 4
    assert sum("makes no sense" in text for text in notices) == 3
    told = [m for m in ui.messages if isinstance(m, ToggledMessage)]
    assert [m.changed for m in told] == [0, 0]
    assert sum(isinstance(m, FlowDetail) and m.flow is None for m in ui.messages) == 2
    ui.close()
    assert ui.process.returncode == 0


def test_another_version_of_the_feed_is_refused() -> None:
    ui = BareUi(order())
    ui.send(Hello(PROTOCOL_VERSION + 1, "later"))
    last = ui.read_until(lambda m: isinstance(m, Goodbye))
    assert isinstance(last, Goodbye)
    assert last.failed
    assert f"version {PROTOCOL_VERSION + 1}" in last.text
    ui.close()
    assert ui.process.returncode == 1


# Starts that fail -----------------------------------------------------------------------------


def why_it_fails(**more: object) -> str:
    with engine(order("replay", **more)) as client:
        until(lambda: not client.alive())
        assert not client.finished()
        return client.failure()


def test_a_start_that_fails_says_why(tmp_path: Path, demo_file: Path) -> None:
    rules = tmp_path / "broken.rules"
    rules.write_text('\nalert tcp any any -> any any (msg:"x"; no_such_keyword; sid:1;)\n')
    why = why_it_fails(files=(str(demo_file),), rules=(str(rules),))
    assert f"{rules}:2:" in why
    assert "no_such_keyword" in why
    inventory = tmp_path / "inventory.yaml"
    inventory.write_text("guests:\n  - {nam: web-01}\n")
    why = why_it_fails(files=(str(demo_file),), inventory=str(inventory))
    assert f"{inventory}:2" in why
    why = why_it_fails(files=(str(rules),))
    assert "no capture file" in why


def test_a_flaw_of_the_engine_is_said_before_it_ends(demo_file: Path) -> None:
    """However long a large process takes to end: what it leaves on standard error comes too late then."""
    ui = BareUi(order("replay", files=(str(demo_file),), max_flows=-1))
    told = ui.read_until(lambda message: isinstance(message, Goodbye))
    assert isinstance(told, Goodbye)
    assert told.failed
    assert told.text.startswith("The engine failed: ValueError: ")
    ui.close()


def test_a_capture_that_is_cut_off_is_read_as_far_as_it_goes(tmp_path: Path, demo_file: Path) -> None:
    cut = tmp_path / "cut.pcapng"
    cut.write_bytes(demo_file.read_bytes()[:2_000_000])
    with engine(order("replay", files=(str(cut),), speed=0.0)) as client:
        failed = reached(client, "failed")
        assert failed.stats["decoder.pkts"] > 3_000
        assert "cut off" in failed.state_text
        offset = int(failed.state_text.split("at byte ")[1].split()[0])
        assert 1_990_000 < offset < 2_000_000
        assert client.alive(), "what was read can still be looked at"
        client.send(Watch(flows=True, interval=0.1))
        flows = until(lambda: (latest := client.latest()) and latest.flows.count and FlowTable(latest.flows))
        assert answer(client, GetFlow(int(flows["flow_id"][0])), FlowDetail).flow is not None


# Rule switches --------------------------------------------------------------------------------


def sql_alerts(client: EngineClient) -> set[int]:
    found: set[int] = set()

    def over() -> bool:
        found.update(alert.sid for alert in client.take_alerts()[0])
        snapshot = client.latest()
        return snapshot is not None and snapshot.state == "finished" and snapshot.packet_ns > 0

    until(over)
    time.sleep(0.2)
    over()
    return found


def test_switches_outlast_the_engine(tmp_path: Path) -> None:
    spec = order("demo", speed=0.0, state_dir=str(tmp_path), demo_start_ns=FIXED_START_NS)
    with engine(spec) as client:
        before = sql_alerts(client)
        assert {9000300, 9000100} <= before
        told = answer(client, Toggle(False, ((1, 9000300),)), ToggledMessage)
        assert told.changed == 1
        told = answer(client, Toggle(False, pack="recon"), ToggledMessage)
        assert told.changed > 1
        client.restart()
        after = sql_alerts(client)
        assert 9000300 not in after
        assert not {sid for sid in after if 9000100 <= sid < 9000200}
        assert 9000301 in after


def test_switching_while_packets_rush_loses_none(demo_file: Path) -> None:
    with engine(order("replay", files=(str(demo_file),) * 3, speed=0.0, interval=0.1)) as client:
        reached(client, "running")
        switched = 0
        end: Snapshot | None = None
        while end is None:
            client.send(Toggle(bool(switched % 2), pack=("recon", "web-attack")[switched // 2 % 2]))
            switched += 1
            time.sleep(0.01)
            snapshot = client.latest()
            assert client.alive(), client.failure()
            end = snapshot if snapshot is not None and snapshot.state == "finished" else None
        assert switched > 20
        assert any(isinstance(m, ToggledMessage) for m in client.take_messages())
    assert end.stats["decoder.pkts"] == 3 * len(build().offset)


@pytest.mark.parametrize("place", ["a file", "a file in the way"])
def test_a_state_directory_that_cannot_be_used_is_told(tmp_path: Path, place: str) -> None:
    in_the_way = tmp_path / "state"
    in_the_way.write_text("")
    state = in_the_way if place == "a file" else in_the_way / "below"
    with engine(order("demo", state_dir=str(state), interval=0.1)) as client:
        snapshot = reached(client, "running")
        assert any("not be kept" in text or "not kept" in text for text in snapshot.notices), snapshot.notices
        told = answer(client, Toggle(False, ((1, 9000300),)), ToggledMessage)
        assert told.changed == 1
        until(lambda: (s := client.latest()) is not None and s.rules_enabled == snapshot.rules_enabled - 1)


def test_a_name_that_is_no_utf_8_is_an_error_that_says_so() -> None:
    with pytest.raises(ConfigError, match="is not UTF-8"):
        EngineClient(order("replay", files=(os.fsdecode(b"/tmp/\xff.pcap"),)))

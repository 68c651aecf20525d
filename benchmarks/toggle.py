"""How long a rule switch takes to act in a busy engine with 25,000 rules, and whether a packet is lost.

    python -m benchmarks.toggle [--rules 25000] [--times 40]

The engine replays the demo's traffic over and over at full speed; one rule is switched off and on again. The
time is from the command's sending to the answer, which the engine gives between two batches when the switch
holds.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.scan import count_packets
from vpi_tui.config import paths
from vpi_tui.engine.child import EngineClient
from vpi_tui.engine.spec import EngineSpec
from vpi_tui.feed.messages import Toggle, ToggledMessage

ROUNDS = 30
PATIENCE = 300.0


def rules_file(folder: Path, count: int) -> Path:
    path = folder / "many.rules"
    path.write_text(
        "\n".join(
            f'alert tcp any any -> any any (msg:"benchmark {n}"; flow:established;'
            f' content:"bench-{n * 7919:09x}-mark"; sid:{n};)'
            for n in range(1, count + 1)
        )
    )
    return path


def wait_until_running(client: EngineClient) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        shown = client.latest()
        if shown is not None and shown.state == "running" and shown.stats.get("decoder.pkts", 0):
            return
        if not client.alive():
            sys.exit(f"the engine ended: {client.failure()}")
        time.sleep(0.01)
    sys.exit("the engine did not start")


def switch(client: EngineClient, enabled: bool) -> float:
    """Seconds until the engine says that the switch holds."""
    began = time.perf_counter()
    client.send(Toggle(enabled, sids=((1, 1),)))
    while time.perf_counter() - began < 10:
        if any(isinstance(message, ToggledMessage) for message in client.take_messages()):
            return time.perf_counter() - began
        time.sleep(0.0005)
    sys.exit("the engine did not answer within 10 s")


def packets_at_the_end(client: EngineClient) -> int:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        shown = client.latest()
        if shown is not None and shown.state in ("finished", "failed"):
            return int(shown.stats["decoder.pkts"])
        time.sleep(0.05)
    sys.exit("the replay did not end")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rules", type=int, default=25_000)
    parser.add_argument("--times", type=int, default=40)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        capture = folder / "demo.pcap"
        demo = [sys.executable, "-m", "vpi_tui.capture.demo", str(capture)]
        subprocess.run(demo, check=True, stdout=subprocess.DEVNULL)
        spec = EngineSpec(
            mode="replay",
            files=(str(capture),) * ROUNDS,
            speed=0.0,
            rules=(str(rules_file(folder, options.rules)),),
            cache_dir=str(paths.prepare_numba_cache()),
            state_dir=str(folder / "state"),
        )
        client = EngineClient(spec)
        try:
            wait_until_running(client)
            taken = sorted(switch(client, bool(turn % 2)) for turn in range(options.times))
            replayed = client.latest()
            busy = replayed is not None and replayed.state == "running"
            seen = packets_at_the_end(client)
        finally:
            client.close()
        sent = count_packets(capture) * ROUNDS
    if not busy:
        sys.exit("the replay was over before the last switch: raise ROUNDS")
    half, longest = 1000 * taken[len(taken) // 2], 1000 * taken[-1]
    print("| rule switches | rules | p50 | longest | packets replayed | packets lost |")
    print("|---|---|---|---|---|---|")
    lost = sent - seen
    print(f"| {options.times} | {options.rules:,} | {half:.1f} ms | {longest:.1f} ms | {sent:,} | {lost:,} |")


if __name__ == "__main__":
    main()

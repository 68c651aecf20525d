"""What the matrix and the policy cost: 500 guests, a million flows that all had packets in one tick.

    python -m benchmarks.matrix [--flows 1000000] [--guests 500] [--lines 500]

CPU time. `tick`: talkers and matrix together, and the matrix's share of it. `snapshot`: the pairs of a window
made into what the ui gets, which is only done while it shows them. `judge`: the policy over
flows that all began.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.flows import BATCH, fill, frames
from vpi_tui.decode.decoder import Decoder
from vpi_tui.detect.behaviour.segmentation import Segmentation
from vpi_tui.feed.codec import encode
from vpi_tui.flow.facts import Facts
from vpi_tui.flow.table import FlowTable
from vpi_tui.flow.talkers import Talkers
from vpi_tui.model.policy import Policy, PolicyLine, PortRange, Selector
from vpi_tui.model.topology import Guest, Locality, Topology


def cpu(work: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds, and what came of it."""
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def policy(lines: int, guests: int) -> Policy:
    """Each line names two guests and two ports; none allows port 80."""
    made = tuple(
        PolicyLine(
            "allow",
            (Selector("guest", f"vm{n % guests}"), Selector("tag", f"t{n % 20}")),
            (Selector("guest", f"vm{(n * 7) % guests}"),),
            (PortRange(6, 443, 443), PortRange(6, 5432, 5432)),
            n + 1,
        )
        for n in range(lines)
    )
    return Policy("policy.yaml", "deny", made)


class TimedPairs(Talkers):
    """Talkers that say what the matrix took of their time."""

    def __init__(self) -> None:
        super().__init__()
        self.spent = 0.0
        take, tick = self.pairs.take, self.pairs.tick

        def timed_take(facts: Facts) -> None:
            self.spent += cpu(lambda: take(facts))[0]

        def timed_tick(now_ns: int) -> None:
            self.spent += cpu(lambda: tick(now_ns))[0]

        self.pairs.take, self.pairs.tick = timed_take, timed_tick  # type: ignore[method-assign]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--flows", type=int, default=1_000_000)
    parser.add_argument("--guests", type=int, default=500)
    parser.add_argument("--lines", type=int, default=500)
    args = parser.parse_args()
    decoder, table, talkers = Decoder(verify_checksums=False), FlowTable(args.flows), TimedPairs()
    fill(table, decoder, args.flows)
    random = np.random.default_rng(1)
    for side in ("src_guest", "dest_guest"):
        table.records[side] = random.integers(0, args.guests, len(table.records))
    table.records["locality"] = Locality.EAST_WEST
    talkers.tick(table, 10**9)  # compiles
    fill(table, decoder, args.flows)
    talkers.spent = 0.0
    tick, _ = cpu(lambda: talkers.tick(table, 2 * 10**9))
    names = [f"vm{n}" for n in range(args.guests)]
    talkers.pairs.told("1m", ("br0",), names)
    told, rows = cpu(lambda: talkers.pairs.told("1m", ("br0",), names))
    packed, frame = cpu(lambda: encode(rows))

    guests = tuple(Guest(name, "br0", tags=(f"t{n % 20}",)) for n, name in enumerate(names))
    judge = Segmentation()
    judge.attach(table.records)
    judge.use(policy(args.lines, args.guests))
    compiled, _ = cpu(lambda: judge.follow(Topology(1, guests=guests)))
    packets = frames(0, BATCH)
    decoded = decoder.decode(packets)
    flows = table.update(packets, decoded)._replace(first=np.ones(BATCH, np.uint8))
    judge.observe(packets, decoded, flows)
    rounds = 50
    judging, _ = cpu(lambda: [judge.observe(packets, decoded, flows) for _ in range(rounds)])

    print("| what | cost |")
    print("|---|---|")
    print(f"| tick, {args.flows:,} flows touched | {tick * 1e3:,.0f} ms |")
    print(f"| of it the matrix, {len(rows):,} pairs told | {talkers.spent * 1e3:,.0f} ms |")
    print(f"| snapshot of the pairs, while shown | {told * 1e3:.1f} ms |")
    print(f"| packed for the feed, {len(frame) / 1e3:,.0f} kB | {packed * 1e3:.1f} ms |")
    print(f"| policy of {args.lines:,} lines compiled for {args.guests:,} guests | {compiled * 1e3:.1f} ms |")
    print(f"| a new flow judged, all of them breaking it | {judging / rounds / BATCH * 1e9:,.0f} ns |")


if __name__ == "__main__":
    main()

"""CPU of `vpi-tui scan` over CPU of `tcpdump -n -r`, on the same capture, in one run.

    python -m benchmarks.scan CAPTURE [--rules FILE …] [--times 5]

Start-up is taken off by a run of the same command on an empty capture; tcpdump's likewise.
"""

from __future__ import annotations

import argparse
import struct
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cost import Cost, best

EMPTY_PCAP = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
VPI = [sys.executable, "-m", "vpi_tui"]


@dataclass(frozen=True)
class Row:
    """One command on the capture: net CPU seconds, start-up, and peak memory."""

    name: str
    net: float
    startup: float
    peak: int


def compare(capture: Path, rules: Sequence[str], times: int) -> list[Row]:
    """The commands take turns, so that no slow moment of the machine falls on one of them alone."""
    with tempfile.TemporaryDirectory() as folder:
        empty, none = Path(folder, "empty.pcap"), Path(folder, "none.rules")
        empty.write_bytes(EMPTY_PCAP)
        none.write_text("# no rules\n")
        eve = ["--eve", "/dev/null", "--events", "alert"]
        commands = {
            "tcpdump -n -r": ["tcpdump", "-n", "-r"],
            "scan, no rules": [*VPI, "scan", *eve, "-S", str(none), "-r"],
            "scan, bundled packs": [*VPI, "scan", *eve, "-r"],
        } | {f"scan, {Path(path).name}": [*VPI, "scan", *eve, "-S", path, "-r"] for path in rules}
        rounds = [
            {
                name: (best([*command, str(capture)], 1), best([*command, str(empty)], 1))
                for name, command in commands.items()
            }
            for _ in range(times)
        ]
    return [_cheapest(name, [one[name] for one in rounds]) for name in commands]


def _cheapest(name: str, costs: Sequence[tuple[Cost, Cost]]) -> Row:
    """costs: of the capture, and of the empty one. Noise only ever adds."""
    full, start = (min(some, key=lambda cost: cost.cpu) for some in zip(*costs, strict=True))
    return Row(name, full.cpu - start.cpu, start.cpu, full.peak)


def table(rows: Sequence[Row], packets: int) -> str:
    base = rows[0].net
    lines = [
        "| command | CPU s | over tcpdump | ns a packet | start-up s | peak MB |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.name} | {row.net:.2f} | {row.net / base:.3f} | {row.net / packets * 1e9:.0f} "
        f"| {row.startup:.2f} | {row.peak / 1e6:.0f} |"
        for row in rows
    ]
    return "\n".join(lines)


def count_packets(capture: Path) -> int:
    """Records of a little-endian pcap file."""
    data = capture.read_bytes()
    at, count = 24, 0
    while at + 16 <= len(data):
        at += 16 + struct.unpack_from("<I", data, at + 8)[0]
        count += 1
    return count


def main() -> None:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("capture", type=Path)
    args.add_argument("--rules", nargs="*", default=[])
    args.add_argument("--times", type=int, default=5)
    opt = args.parse_args()
    print(table(compare(opt.capture, opt.rules, opt.times), count_packets(opt.capture)))


if __name__ == "__main__":
    main()

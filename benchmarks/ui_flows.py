"""What one refresh of the Flows screen costs with many flows: columns read, sorted, drawn.

usage: python -m benchmarks.ui_flows [ROWS]
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Sequence
from datetime import UTC

import numpy as np

from vpi_tui.feed.messages import Command, EngineMessage
from vpi_tui.model.event import Alert
from vpi_tui.model.snapshot import Counters, FlowColumns, Snapshot, SwitchStat

SIZE = (120, 40)
SORTS = ("bytes", "src", "app", "last", "share")
_NUMBERS = {
    "flow_id": ("<u8", 2**63), "src_port": ("<u2", 65_535), "dest_port": ("<u2", 65_535), "state": ("u1", 3),
    "locality": ("u1", 5), "alerted": ("u1", 2), "switch": ("<u2", 2), "src_guest": ("<u2", 40),
    "dest_guest": ("<u2", 40), "app_proto": ("<u2", 20), "vlan": ("<u2", 3), "proto": ("u1", 255),
    "pkts_toserver": ("<u8", 10**6), "pkts_toclient": ("<u8", 10**6), "bytes_toserver": ("<u8", 10**9),
    "bytes_toclient": ("<u8", 10**9), "start_ns": ("<i8", 2**60), "end_ns": ("<i8", 2**60),
}  # fmt: skip
"""Type and bound of each column."""


def random_flows(rows: int, seed: int) -> FlowColumns:
    """Flows of forty guests with random figures."""
    random = np.random.default_rng(seed)
    packed = {
        n: random.integers(0, high, rows).astype(kind).tobytes() for n, (kind, high) in _NUMBERS.items()
    }
    names = ("", *(f"guest-{number}" for number in range(1, 40)))
    addresses = [_addresses(rows, random), _addresses(rows, random)]
    return FlowColumns(rows, rows, names, src_ip=addresses[0], dest_ip=addresses[1], **packed)


def _addresses(rows: int, random: np.random.Generator) -> bytes:
    """IPv4, mapped into IPv6."""
    out = np.zeros((rows, 16), np.uint8)
    out[:, 10:12] = 0xFF
    out[:, 12:] = random.integers(0, 256, (rows, 4))
    return out.tobytes()


class _Pictures:
    """An engine that only has pictures."""

    def __init__(self) -> None:
        self.shown: Snapshot | None = None

    def latest(self) -> Snapshot | None:
        return self.shown

    def take_alerts(self) -> tuple[list[Alert], int]:
        return [], 0

    def take_messages(self) -> list[EngineMessage]:
        return []

    def send(self, command: Command) -> None:
        """Nobody listens."""

    def alive(self) -> bool:
        return True

    def finished(self) -> bool:
        return False

    def failure(self) -> str:
        return ""

    def restart(self) -> None:
        """There is nothing to start."""

    def close(self) -> None:
        """There is nothing to close."""


def refresh_cost(rows: int = 100_000, rounds: int = 15) -> dict[str, tuple[float, float]]:
    """By sort: milliseconds of CPU (median) of a refresh at the top of the table, and in its middle."""
    return asyncio.run(_refresh(rows, rounds))


async def _refresh(rows: int, rounds: int) -> dict[str, tuple[float, float]]:
    from vpi_tui.ui.app import VpiApp
    from vpi_tui.ui.screens.flows import FlowsPage
    from vpi_tui.ui.state import Session
    from vpi_tui.ui.theme import DEFAULT_THEME, load_themes, theme_dirs

    pictures = [_picture(number, random_flows(rows, number)) for number in range(1, 5)]
    themes = load_themes(theme_dirs())
    engine = _Pictures()
    session = Session(engine, zone=UTC)
    app = VpiApp(engine, themes=themes, theme=themes[DEFAULT_THEME], session=session)
    costs: dict[str, tuple[float, float]] = {}
    async with app.run_test(size=SIZE) as pilot:
        await app.action_open_page("flows")
        page = app.page
        assert isinstance(page, FlowsPage)
        for sort in SORTS:
            page.sort_key = sort
            taken: list[list[float]] = []
            for place in (0, rows // 2):
                page.table.move_to(place)
                taken.append([])
                for turn in range(rounds):
                    session.snapshot = pictures[turn % len(pictures)]
                    begun = time.process_time()
                    page.show(session)
                    await pilot.pause()
                    taken[-1].append(1000 * (time.process_time() - begun))
            costs[sort] = _median(taken[0]), _median(taken[1])
    return costs


def _picture(number: int, flows: FlowColumns) -> Snapshot:
    total = SwitchStat("all", "", 2, Counters(), (0, 0, 0))
    return Snapshot(number, 2**60, 2**60, "demo", "benchmark", "running", "", total, flows=flows)


def _median(taken: Sequence[float]) -> float:
    return statistics.median(taken[1:])


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    print(f"one refresh of {rows:,} flows at {SIZE[0]}x{SIZE[1]}, ms of CPU (median)")
    print(f"{'sorted by':<12}{'top':>8}{'middle':>8}")
    for sort, (top, middle) in refresh_cost(rows).items():
        print(f"{sort:<12}{top:>8.1f}{middle:>8.1f}")


if __name__ == "__main__":
    main()

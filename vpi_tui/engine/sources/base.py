"""What the engine's loop needs of a source, whatever the mode."""

from __future__ import annotations

import time
from collections.abc import Callable

from vpi_tui.capture.source import CaptureSource
from vpi_tui.coverage.arrangement import Setting
from vpi_tui.model.batch import PacketBatch
from vpi_tui.model.coverage import TrueCount
from vpi_tui.model.errors import CaptureError
from vpi_tui.model.topology import Topology


class EngineSource:
    """A capture source and its topology. Subclasses say where the topology comes from."""

    learns = False
    """True when hosts are to be learned from the wire, because nothing else names them."""
    live = False
    """True when time is the wall clock's and not the packets'."""

    tally: Callable[[PacketBatch], None] | None = None
    """Told of every batch as it came, before copies are taken out of it."""

    def __init__(self, capture: CaptureSource, topology: Topology) -> None:
        self.capture = capture
        self.topology = topology
        self.speed = 1.0
        self.paused = False
        self._failure: CaptureError | None = None
        self._names: dict[int, str] = {}
        self._remember_ports(topology)

    # Packets ----------------------------------------------------------------------------------

    def start(self) -> None:
        """Called when the engine is ready to take packets."""

    def read(self, timeout_s: float) -> PacketBatch | None:
        batch = self.capture.read(timeout_s)
        if batch is not None and self.tally is not None:
            self.tally(batch)
        return batch

    def ahead(self) -> PacketBatch | None:
        """Packets that were read already and will come next; None = nobody knows."""
        return None

    def close(self) -> None:
        self.capture.close()

    @property
    def notices(self) -> list[str]:
        """What the operator should know of the source, whole sentences."""
        return []

    def fail(self, error: CaptureError) -> None:
        """Remember why the source cannot be read any more."""
        self._failure = error

    @property
    def finished(self) -> bool:
        return self._failure is not None or self.capture.exhausted

    @property
    def error(self) -> CaptureError | None:
        return self._failure or self.capture.error

    def stats(self) -> dict[str, float]:
        """What only the source knows, by EVE path."""
        return {}

    def set_speed(self, speed: float, paused: bool) -> None:
        """Live traffic has its own pace: nothing happens."""

    # Coverage ---------------------------------------------------------------------------------

    def true_counts(self) -> tuple[TrueCount, ...]:
        """What others than the sensor counted at the ports, now; () = nobody counts. Raises VpiError."""
        return ()

    @property
    def whole(self) -> Topology:
        """All that is there, whether it is watched or not."""
        return self.topology

    def arrangement(self) -> Setting:
        """How the whole is watched."""
        return Setting()

    @property
    def own_macs(self) -> tuple[int, ...]:
        """Addresses of the interfaces that are watched, when they are the sensor's own."""
        return ()

    @property
    def drops(self) -> int:
        """Packets that the kernel dropped so far because nobody read them in time."""
        return 0

    # Topology ---------------------------------------------------------------------------------

    def poll_topology(self) -> Topology | None:
        """The topology when it changed since the last call."""
        return None

    def port_name(self, ifindex: int) -> str:
        """Name of the port, also of one that has gone; "" for an unknown."""
        return self._names.get(ifindex, "")

    def _remember_ports(self, topology: Topology) -> None:
        self._names.update((port.ifindex, port.name) for port in topology.ports if port.ifindex)

    # Words ------------------------------------------------------------------------------------

    def describe(self) -> str:
        return self.capture.describe()

    def state(self) -> tuple[str, str]:
        """State of a Snapshot and the sentence beside it."""
        if self.finished:
            failed = self.error
            return ("failed", str(failed)) if failed else ("finished", "All packets have been read.")
        if self.paused:
            return "paused", "Paused."
        return "running", self._running_text()

    def _running_text(self) -> str:
        done, total = self.capture.position()
        return f"{100 * done // total} % played" if total else ""

    def now_ns(self, packet_ns: int) -> int:
        """The time for time-outs: the wall clock live, the newest packet's otherwise."""
        return time.time_ns() if self.live else packet_ns

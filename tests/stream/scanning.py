"""A capture and rules through the whole pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from scapy.layers.inet import IP, TCP
from scapy.packet import Packet, Raw
from scapy.utils import wrpcap

from vpi_tui.engine.pipeline import Pipeline
from vpi_tui.engine.rulebook import RuleBook
from vpi_tui.engine.sources.replay import ReplayFeed
from vpi_tui.engine.spec import EngineSpec
from vpi_tui.model.event import Alert

CLIENT, SERVER = ("10.0.0.1", 40000), ("10.0.0.2", 80)


@dataclass
class Connection:
    """A TCP connection as scapy packets. isn: of the client; the server's is 7000. scale: of the windows."""

    isn: int = 1000
    start: float = 1_000.0
    scale: int = 0

    def __post_init__(self) -> None:
        self.packets: list[Packet] = []
        self.client_next, self.server_next = self.isn, 7000

    def open(self) -> Connection:
        self.raw("S", self.isn, ack=0)
        self.raw("SA", 7000, ack=self.isn + 1, client=False)
        self.client_next, self.server_next = self.isn + 1, 7001
        return self.raw("A", self.client_next, ack=self.server_next)

    def raw(
        self, flags: str, seq: int, data: bytes = b"", *, ack: int | None = None, client: bool = True,
        after: float = 0.01,
    ) -> Connection:  # fmt: skip
        """One segment with numbers as given."""
        (src, sport), (dst, dport) = (CLIENT, SERVER) if client else (SERVER, CLIENT)
        if ack is None:
            ack = self.server_next if client else self.client_next
        header = TCP(sport=sport, dport=dport, flags=flags, seq=seq % (1 << 32), ack=ack % (1 << 32))
        header.options = [("WScale", self.scale)] if self.scale and "S" in flags else []
        packet = IP(src=src, dst=dst) / header / Raw(data)
        packet.time = self.packets[-1].time + after if self.packets else self.start
        self.packets.append(packet)
        return self

    def at(self, place: int, data: bytes, flags: str = "PA", **more: float) -> Connection:
        """Client data at a position of its stream, 0 = the first byte."""
        return self.raw(flags, self.isn + 1 + place, data, **more)  # type: ignore[arg-type]

    def answer(self, place: int, data: bytes, flags: str = "PA", **more: float) -> Connection:
        return self.raw(flags, 7001 + place, data, client=False, **more)  # type: ignore[arg-type]

    def acked(self, place: int) -> Connection:
        """The server has everything of the client up to a position."""
        return self.raw("A", self.server_next, ack=self.isn + 1 + place, client=False)


def content(*patterns: str, sid: int = 1, options: str = "") -> str:
    """A rule about client data."""
    steps = "".join(f'content:"{pattern}"; ' for pattern in patterns)
    return f'alert tcp any any -> any 80 (msg:"m"; {steps}{options} sid:{sid}; rev:1;)'


RULE = [content("secret-word")]
HANDSHAKE = 3
"""Packets of it."""


def scan(
    folder: Path,
    rules: Sequence[str],
    packets: Iterable[Packet],
    *,
    apart: int = 0,
    link: int = 101,
    **settings: object,
) -> tuple[list[Alert], dict[str, float]]:
    """Alerts and statistics. apart: so many of the packets come in a batch before the others. link: type of
    the capture's link layer, 101 = none. settings: fields of EngineSpec."""
    every, text = list(packets), folder / "some.rules"
    files = []
    for number, part in enumerate(filter(None, (every[:apart], every[apart:]))):
        files.append(str(folder / f"{number}.pcap"))
        wrpcap(files[-1], part, linktype=link)
    text.write_text("\n".join(rules))
    spec = replace(EngineSpec("replay", files=tuple(files), speed=0, rules=(str(text),)), **settings)  # type: ignore[arg-type]
    source, book = ReplayFeed(spec), RuleBook.load(spec)
    assert not book.refused
    pipeline = Pipeline(spec, book, source)
    alerts: list[Alert] = []
    while not source.finished:
        batch = source.read(0.5)
        if batch is not None:
            alerts += pipeline.process(batch)
    alerts += pipeline.finish()
    source.close()
    return alerts, pipeline.stats()


def numbers(alerts: Iterable[Alert]) -> list[int]:
    """Packet number of each alert, 1 = the first."""
    return [alert.packet_number for alert in alerts]

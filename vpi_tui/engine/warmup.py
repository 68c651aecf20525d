"""Compiles the kernels, or loads them from their cache, before the first real packet needs them.

A small pipeline is run over a few packets of its own: so every loop is made for exactly the types that it
will meet. A kernel that this does not reach would be compiled in the middle of live traffic; a test watches
that. What is not in the cache yet is compiled by other processes (engine/compilers.py), which run this
module: `python -m vpi_tui.engine.warmup MODE|all`.
"""

from __future__ import annotations

import importlib
import pkgutil
import struct
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import numpy as np

import vpi_tui
from vpi_tui.capture.columns import allocate, as_batch
from vpi_tui.capture.files import FileSource
from vpi_tui.coverage.seen import SeenBytes
from vpi_tui.detect.applayer import kernels as applayer
from vpi_tui.detect.rules.loader import load
from vpi_tui.detect.rules.state import RuleSwitches
from vpi_tui.engine.compilers import compile_rooms, one_at_a_time
from vpi_tui.engine.pacing import cut
from vpi_tui.engine.pipeline import Pipeline
from vpi_tui.engine.rulebook import RuleBook
from vpi_tui.engine.sources import EngineSource
from vpi_tui.engine.spec import EngineSpec, Mode
from vpi_tui.engine.stopwatch import Stopwatch
from vpi_tui.flow import kernels_index
from vpi_tui.model.policy import Policy
from vpi_tui.model.topology import Topology

Progress = Callable[[str, int, int], None]
Step = Callable[[Callable[[], None]], None]
DOING = "Compiling kernels"
ALL = "all"
RULES = """
alert tcp any any -> any any (msg:"scanned and checked"; content:"warm"; sid:1; rev:1;)
alert tcp any any -> any any (msg:"left to Python"; content:"warm"; content:"up"; distance:1; sid:2; rev:1;)
alert tcp any any -> any any (msg:"in a stream"; flow:established,to_server; content:"GET"; sid:3; rev:1;)
alert tcp any any -> any any (msg:"measured"; stream_size:client,<,9; sid:7; rev:1;)
alert http any any -> any any (msg:"in a transaction"; http.method; content:"GET"; sid:5; rev:1;)
alert http any any -> any any (msg:"without a pattern"; urilen:>1; sid:6; rev:1;)
alert dns any any -> any any (msg:"asked for"; dns.query; content:"warm"; sid:8; rev:1;)
alert tcp any any -> any any (msg:"judged"; stream-event:pkt_invalid_ack; sid:80;)
alert tcp any any -> any any (msg:"recognised"; app-layer-event:applayer_unexpected_protocol; sid:81;)
alert tcp any any -> any any (msg:"counted"; flags:S; sid:4; rev:1; \
threshold:type limit, track by_src, count 1, seconds 9;)
"""
CROWD = "".join(
    f'alert tcp any any -> any any (msg:"many"; content:"{n:08}"; sid:{n};)\n' for n in range(100, 120)
)
"""So many patterns that they are put behind a sieve."""


_warm: set[Mode] = set()
"""The modes for which this process has loaded all that it needs."""


def warm(mode: Mode, progress: Progress) -> None:
    """What an engine of this mode needs, unless this process has it. progress: kernels ready, and all."""
    if mode not in _warm:
        _reach(mode, progress)
        _warm.add(mode)


def warmup(progress: Progress) -> None:
    """Every kernel of the program."""
    _reach(ALL, progress)


def seal_cache() -> None:
    """From now on write no compiled code: the user that the engine becomes may not, and numba would raise."""
    for kernel in kernels(helpers=True).values():
        kernel._cache.disable()


def kernels(*, helpers: bool = False) -> dict[str, Any]:
    """The kernels whose code is kept in the cache, of all modules that are imported.

    helpers: also those that only other kernels call, and that are compiled into them.
    """
    from numba.core.dispatcher import Dispatcher

    found = {}
    for name, module in list(sys.modules.items()):
        for attribute, value in list(vars(module).items()) if _is_kernels(name) else ():
            mine = isinstance(value, Dispatcher) and value.__module__ == name
            if mine and value.stats.cache_path and (helpers or not attribute.startswith("_")):
                found[f"{name}.{attribute}"] = value
    return found


def _is_kernels(name: str) -> bool:
    return name.startswith("vpi_tui.") and name.rpartition(".")[2].startswith("kernels")


def _is_compiled(kernel: Any) -> bool:
    """Is there code in the cache that was made of the source as it is now?"""
    return bool(kernel._cache._cache_file._load_index())


def _reach(what: str, progress: Progress) -> None:
    """Compile what is missing, then load everything."""
    steps = _steps(what)
    every = kernels().values()
    most = 0

    def tell(done: int) -> None:
        nonlocal most
        most = min(max(most, done), len(every))
        progress(DOING, most, len(every))

    def count_missing() -> int:
        return sum(not _is_compiled(kernel) for kernel in every)

    if count_missing():
        with one_at_a_time(lambda: tell(len(every) - count_missing())):
            if missing := count_missing():
                compile_rooms(what, lambda done: tell(len(every) - missing + done))
    for step in steps:
        step(lambda: tell(sum(bool(kernel.overloads) for kernel in every)))
    tell(len(every))


def _steps(what: str) -> list[Step]:
    """What reaches the kernels of a mode, or of all; these kernels are imported then."""
    if what != ALL:
        return [_READERS[what], _pipeline]
    for module in pkgutil.walk_packages(vpi_tui.__path__, "vpi_tui."):
        if _is_kernels(module.name):
            importlib.import_module(module.name)
    return [*_READERS.values(), _pipeline]


def _compile(what: str, out: TextIO) -> None:
    """As a process of `compile_rooms`: reach the kernels, write a line for each that was compiled."""
    from numba.core.event import Event, Listener, register

    class Told(Listener):  # type: ignore[misc]
        def on_start(self, event: Event) -> None:
            """Nothing is told before it is done."""

        def on_end(self, event: Event) -> None:
            if event.data["dispatcher"] in mine:
                print(file=out, flush=True)

    steps = _steps(what)
    mine = set(kernels().values())
    register("numba:compile", Told())
    for step in steps:
        step(lambda: None)


# The stages -----------------------------------------------------------------------------------


class _TellingStopwatch(Stopwatch):
    """Tells the progress whenever a stage begins."""

    def __init__(self, tell: Callable[[], None]) -> None:
        super().__init__()
        self._tell = tell

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        self._tell()
        with super().measure(stage):
            yield


def _pipeline(tell: Callable[[], None]) -> None:
    """All stages over a small conversation that trips a rule of each kind."""
    spec = EngineSpec("replay", checksums="none", max_flows=64, stream_memory=1 << 20, evidence_memory=1)
    with tempfile.TemporaryDirectory() as made:
        rules = Path(made) / "warm.rules"
        rules.write_text(RULES + CROWD, encoding="ascii")
        book = RuleBook(load((str(rules),)), RuleSwitches(None))
        source = EngineSource(_capture(Path(made) / "warm.pcap"), Topology())
        source.learns = True
        source.tally = SeenBytes().count
        pipeline = Pipeline(spec, book, source, stopwatch=_TellingStopwatch(tell))
        book.segmentation.use(Policy("warm-up"))
        batch = source.read(1.0)
        assert batch is not None
        half = len(batch.ts_ns) // 2
        # Columns of one flow are contiguous for numba, those of more are not: each makes a loop of its own.
        for part in (cut(batch, 0, half), cut(batch, half, 2 * half)):
            pipeline.process(part)
            pipeline.follow(source.topology)
            pipeline.tick()
        source.close()
    pipeline.finish()
    pipeline.end_all_flows()
    kernels_index.index_copy(np.zeros(64, np.uint64), np.zeros(128, np.uint64))
    sent = np.frombuffer(b"warm", np.uint8)
    applayer.decode_base64(sent, np.zeros(9, np.uint8), np.zeros(3, np.int64))
    applayer.blocks_are_right(sent, 0, 2)


# The sources ----------------------------------------------------------------------------------


def _files(_tell: Callable[[], None]) -> None:
    """A capture file of each kind."""
    with tempfile.TemporaryDirectory() as made:
        for name in ("warm.pcap", "warm.pcapng"):
            source = _capture(Path(made) / name)
            source.read(1.0)
            source.close()


def _ring(_tell: Callable[[], None]) -> None:
    """A block of the ring without a frame, and a batch without one."""
    from vpi_tui.capture.doubled import DoubledCopies
    from vpi_tui.capture.kernels_ring import walk_block
    from vpi_tui.capture.routed import RoutedCopies

    links = np.zeros(1 << 16, np.uint16)
    walk_block(np.zeros(4096, np.uint8), 0, 4096, sys.byteorder == "big", links, allocate(1), 0)
    routed = RoutedCopies()
    routed.set_outgoing((1, 2))
    routed.remove_from(as_batch(np.zeros(64, np.uint8), allocate(1), 1))
    doubled = DoubledCopies()
    doubled.set_sensors((1,))
    doubled.remove_from(as_batch(np.zeros(64, np.uint8), allocate(1), 1))


def _nothing(_tell: Callable[[], None]) -> None:
    """The demo reads neither."""


_READERS: dict[str, Step] = {
    "replay": _files,
    "live": _ring,
    "demo": _nothing,
}


# The packets ----------------------------------------------------------------------------------

_CLIENT, _SERVER = bytes((10, 0, 0, 1)), bytes((10, 0, 0, 2))
_SYN, _ACK, _PUSH = 0x02, 0x10, 0x18
_HELLO = b"\x16\x03\x01\0\x2f\1\0\0\x2b\3\3" + bytes(33) + b"\0\2\0\x2f\1\0\0\0"
"""ClientHello of TLS 1.2 without extensions (RFC 5246, 7.4.1.2)."""
_SECRET = b"\x17\3\3\0\4warm"
_QUERY = struct.pack("!6H", 1, 0x0100, 1, 0, 0, 0) + b"\4warm\2up\0" + struct.pack("!HH", 1, 1)


def _capture(path: Path) -> FileSource:
    """A file with the conversation in it, open."""
    path.write_bytes(_pcapng() if path.suffix == ".pcapng" else _pcap())
    source = FileSource(path)
    source.open()
    return source


def _conversation() -> list[bytes]:
    """Twice: a connection with a handshake, a request, its answer, and what waits for more; one that becomes
    encrypted; a question for a name; and a datagram in two fragments. No checksums."""
    request, answer = b"GET /warm-up HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"
    return [
        frame
        for port in (40_000, 40_001)
        for frame in (
            _frame(_CLIENT, _SERVER, port, 99, 0, _SYN),
            _frame(_SERVER, _CLIENT, port, 199, 100, _SYN | _ACK),
            _frame(_CLIENT, _SERVER, port, 100, 200, _ACK),
            _frame(_CLIENT, _SERVER, port, 100, 200, _PUSH, request),
            _frame(_SERVER, _CLIENT, port, 200, 100 + len(request), _PUSH, answer),
            _frame(_CLIENT, _SERVER, port, 100 + len(request), 200 + len(answer), _ACK, b"held back"),
            _frame(_CLIENT, _SERVER, port, 99, 0, _SYN, server=443),
            _frame(_SERVER, _CLIENT, port, 199, 100, _SYN | _ACK, server=443),
            _frame(_CLIENT, _SERVER, port, 100, 200, _PUSH, _HELLO + _SECRET, server=443),
            _frame(_SERVER, _CLIENT, port, 200, 100 + len(_HELLO + _SECRET), _PUSH, _SECRET, server=443),
            _ip_frame(_CLIENT, _SERVER, 17, struct.pack("!HHHH", port, 53, 8 + len(_QUERY), 0) + _QUERY),
            _ip_frame(
                _CLIENT, _SERVER, 17, struct.pack("!HHHH", port, 99, 24, 0) + b"in two p", offset=0x2000
            ),
            _ip_frame(_CLIENT, _SERVER, 17, b"ieces...", offset=2),
        )
    ]


def _frame(
    src: bytes,
    dest: bytes,
    port: int,
    seq: int,
    ack: int,
    flags: int,
    payload: bytes = b"",
    *,
    server: int = 80,
) -> bytes:
    """Ethernet, IPv4, TCP (RFC 9293). port: the client's; server: the server's."""
    ports = (port, server) if src == _CLIENT else (server, port)
    tcp = struct.pack("!HHIIBBHHH", *ports, seq, ack, 5 << 4, flags, 65_535, 0, 0) + payload
    return _ip_frame(src, dest, 6, tcp)


def _ip_frame(src: bytes, dest: bytes, proto: int, data: bytes, offset: int = 0) -> bytes:
    """Ethernet, IPv4 (RFC 791). offset: of a fragment, with its flags."""
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(data), 1, offset, 64, proto, 0, src, dest)
    return b"\x02\0\0\0\0\2\x02\0\0\0\0\1\x08\0" + ip + data


def _pcap() -> bytes:
    head = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65_535, 1)
    frames = _conversation()
    return head + b"".join(struct.pack("<IIII", 1, 0, len(f), len(f)) + f for f in frames)


def _pcapng() -> bytes:
    """draft-ietf-opsawg-pcapng: section header, one interface, enhanced packets."""
    blocks = [(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)), (1, struct.pack("<HHI", 1, 0, 0))]
    for frame in _conversation():
        padding = b"\0" * (-len(frame) % 4)
        blocks.append((6, struct.pack("<IIIII", 0, 0, 1, len(frame), len(frame)) + frame + padding))
    return b"".join(
        struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)
        for kind, body in blocks
    )


if __name__ == "__main__":
    _compile(sys.argv[1], sys.stdout)

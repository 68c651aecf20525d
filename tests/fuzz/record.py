"""Seeds for the parsers: what is said to each parser while something else runs.

    python -m tests.fuzz.record FOLDER               what the tests of the parsers say
    python -m tests.fuzz.record --brief FOLDER       what the quickest of them say
    python -m tests.fuzz.record FOLDER CAPTURE...    what flows in captures say

FOLDER/PROTOCOL then holds conversations, the shortest first.
"""

from __future__ import annotations

import functools
import hashlib
import random
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final
from weakref import WeakKeyDictionary

import pytest

from tests.detect.applayer.conversations import AGAIN, FRAMES, Step, conversation_of
from vpi_tui.cli.main import main as vpi_tui
from vpi_tui.detect.applayer.base import Limits, Parser
from vpi_tui.detect.applayer.registry import APPLICATIONS

MOST_SEEDS: Final = 400
"""Conversations that are kept of a protocol."""
MOST_BYTES: Final = 16_384
LONG: Final = ("noise", "raises", "endless", "bounded", "cut", "grows", "datagrams", "scan")
"""In names of tests that say the same over and over, or noise."""
PARSERS: Final = Path("tests/detect/applayer")


class Recorder:
    """Notes what the parsers of all protocols are fed."""

    def __init__(self) -> None:
        self._said: WeakKeyDictionary[Parser, list[Step]] = WeakKeyDictionary()
        self._inside: set[int] = set()
        self.found: defaultdict[str, list[list[Step]]] = defaultdict(list)
        for application in APPLICATIONS:
            self._listen_to(type(application.parser(Limits())), application.name)

    def _listen_to(self, parser: type[Parser], protocol: str) -> None:
        def noting(said: Callable[..., Any], *, datagram: bool) -> Callable[..., Any]:
            @functools.wraps(said)
            def noted(this: Parser, direction: int, data: bytes, gap: int = 0) -> Any:
                rest = () if datagram else (gap,)
                if id(this) in self._inside:
                    return said(this, direction, data, *rest)
                self._steps(this, protocol).append(Step(direction, bytes(data), datagram, gap))
                self._inside.add(id(this))
                try:
                    return said(this, direction, data, *rest)
                finally:
                    self._inside.discard(id(this))

            return noted

        parser.feed = noting(parser.feed, datagram=False)  # type: ignore[method-assign]
        parser.datagram = noting(parser.datagram, datagram=True)  # type: ignore[method-assign]

    def _steps(self, parser: Parser, protocol: str) -> list[Step]:
        if parser not in self._said:
            self._said[parser] = []
            self.found[protocol].append(self._said[parser])
        return self._said[parser]

    def conversations(self, protocol: str) -> Iterator[bytes]:
        """Some of all lengths; every third with frames wanted, every fifth said over and over."""
        made = sorted({conversation_of(steps) for steps in self.found[protocol]}, key=len)
        made = [one for one in made if len(one) <= MOST_BYTES]
        chosen = random.Random(1).sample(made, min(MOST_SEEDS, len(made)))
        for number, one in enumerate(sorted(chosen, key=len)):
            switches = FRAMES * (number % 3 == 0) | AGAIN * (number % 5 == 0)
            yield bytes([switches]) + one[1:]


class ParsersAlone:
    """Of the tests, those that make no file: they run no more than a parser. brief: none that says much."""

    def __init__(self, *, brief: bool) -> None:
        self._brief = brief

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [one for one in items if "tmp_path" not in getattr(one, "fixturenames", ())]
        if self._brief:
            items[:] = [one for one in items if not any(word in one.name for word in LONG)]


def main() -> None:
    arguments = sys.argv[1:]
    brief = arguments[:1] == ["--brief"]
    if len(arguments) <= brief:
        sys.exit("usage: record [--brief] FOLDER [CAPTURE...]")
    folder, captures = Path(arguments[brief]), arguments[brief + 1 :]
    recorder = Recorder()
    if captures:
        _scan(captures)
    else:
        pytest.main(["-q", "-p", "no:cacheprovider", str(PARSERS)], plugins=[ParsersAlone(brief=brief)])
    for protocol in recorder.found:
        place = folder / protocol
        place.mkdir(parents=True, exist_ok=True)
        for conversation in recorder.conversations(protocol):
            (place / hashlib.sha1(conversation).hexdigest()).write_bytes(conversation)


def _scan(captures: list[str]) -> None:
    """With a rule for each protocol, so that all are parsed."""
    with tempfile.TemporaryDirectory() as place:
        rules = Path(place) / "all.rules"
        rules.write_text(
            "\n".join(
                f'alert {one.name} any any -> any any (frame:stream; content:"{"?" * 32}"; sid:{n};)'
                for n, one in enumerate(APPLICATIONS, 1)
            )
        )
        for number, capture in enumerate(captures):
            vpi_tui(["scan", "-r", capture, "-S", str(rules), "-l", str(Path(place) / str(number))])


if __name__ == "__main__":
    main()

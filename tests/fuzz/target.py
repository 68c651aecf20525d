"""What a fuzzer needs to know of what it looks at."""

from __future__ import annotations

import os
import pkgutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import CodeType
from typing import Final

LONGEST_WORD: Final = 32
MOST_WORDS: Final = 2_000


def _none() -> list[bytes]:
    return []


@dataclass(frozen=True, slots=True)
class Target:
    """one_input raises when what is promised of any bytes does not hold for these.

    seeds: inputs to begin with. words: what the inputs are made of, for the fuzzer's dictionary. recorded:
    `tests.fuzz.record` has more seeds under its name. grow: says an input over and over, so many bytes in
    all, and tells how much is kept then; it raises when that is too much. most_bytes: of an input. said:
    bytes that an input comes to; it may ask to be said several times.
    """

    name: str
    one_input: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]] = _none
    words: Callable[[], Iterable[bytes]] = _none
    recorded: bool = False
    grow: Callable[[bytes, int], int] | None = None
    most_bytes: int = 4_096
    said: Callable[[bytes], int] = len


@contextmanager
def file_of(data: bytes, suffix: str) -> Iterator[Path]:
    """A file of this process, for as long as it is looked at."""
    path = Path(tempfile.gettempdir(), f"vpi-tui-fuzz-{os.getpid()}{suffix}")
    path.write_bytes(data)
    try:
        yield path
    finally:
        path.unlink()


def words_in(*modules: str) -> list[bytes]:
    """The words that the code of these modules, and of those inside them, knows: constants of bytes."""
    found: dict[bytes, None] = {}
    for name in modules:
        for module in _with_inner(name):
            source = Path(str(sys.modules[module].__file__)).read_text()
            found.update(dict.fromkeys(_constants(compile(source, module, "exec"))))
    return list(found)[:MOST_WORDS]


def _with_inner(name: str) -> Iterator[str]:
    module = import_module(name)
    yield name
    for inner in pkgutil.iter_modules(getattr(module, "__path__", ())):
        yield from _with_inner(f"{name}.{inner.name}")


def _constants(code: CodeType) -> Iterator[bytes]:
    waiting: list[object] = list(code.co_consts)
    while waiting:
        one = waiting.pop(0)
        match one:
            case CodeType():
                waiting += one.co_consts
            case tuple() | frozenset():
                waiting += one
            case bytes() if 2 <= len(one) <= LONGEST_WORD:
                yield one

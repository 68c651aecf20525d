"""Any text as a rule file or a pack: signatures or refusals with their place, never another exception.

The first byte of an input says which of the two it is. What is taken is put into words and compiled too.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from tests.fuzz.run import fuzz, require_plain_python

require_plain_python()

import atheris  # noqa: E402

with atheris.instrument_imports(include=["vpi_tui.detect.rules"]):
    from vpi_tui.detect.match.ruleset import RuleSet
    from vpi_tui.detect.rules.explain import describe
    from vpi_tui.detect.rules.loader import load

FOLDER = Path(tempfile.gettempdir())
FILES = (FOLDER / "vpi-tui-fuzz.rules", FOLDER / "vpi-tui-fuzz.yaml")
PACKS = sorted((Path(__file__).resolve().parents[2] / "rules").glob("*.yaml"))


def one_input(data: bytes) -> None:
    if not data:
        return
    path = FILES[data[0] & 1]
    path.write_bytes(data[1:])
    result = load([path])
    assert all(error.path == str(path) and error.line >= 1 and error.reason for error in result.errors)
    for signature in result.signatures:
        assert describe(signature)
    with np.errstate(over="ignore"):
        RuleSet.compile(result.signatures)


def seeds() -> list[bytes]:
    """Rules one by one; packs are long, and found by their own rules soon."""
    rules = [b"\0" + signature.raw.encode() for signature in load(PACKS).signatures]
    packs = [b"\1" + path.read_bytes()[:1500] for path in PACKS]
    return rules + packs


if __name__ == "__main__":
    fuzz(one_input, seeds())

"""Says to all parsers what their tests say, when nothing can be imported any more. Fails when something is.

    python -m tests.fuzz.late_imports SEEDS

SEEDS: the folder that `tests.fuzz.record` has filled.
"""

from __future__ import annotations

import sys
from pathlib import Path

import vpi_tui.engine.worker  # noqa: F401 (what an engine has loaded when it gives up its rights)
from tests.fuzz.applayer import TARGETS
from tests.fuzz.encodings import TARGETS as ENCODINGS
from vpi_tui.engine.startup import load_what_is_late


def main(folder: str) -> None:
    said = {
        target: [path.read_bytes() for path in sorted(Path(folder, target.name).glob("*"))]
        for target in TARGETS
    }
    said |= {target: [bytes(seed) for seed in target.seeds()] for target in ENCODINGS}
    load_what_is_late()
    sys.meta_path.clear()
    for target, seeds in said.items():
        for seed in seeds:
            try:
                target.one_input(seed)
            except (ImportError, LookupError) as error:
                print(f"{target.name}: {error!r}")
                raise SystemExit(1) from None
    print(sum(map(len, said.values())))


if __name__ == "__main__":
    main(sys.argv[1])

"""Any conversation to the parser of one application layer, and to those that its flow changes to.

    NUMBA_DISABLE_JIT=1 python -m tests.fuzz.fuzz_applayer PROTOCOL FOLDER -max_total_time=600

Seeds are what `tests.fuzz.record` has put into FOLDER; without it the fuzzer begins with nothing.
"""

from __future__ import annotations

import sys

from tests.fuzz.run import fuzz, require_plain_python

require_plain_python()

import atheris  # noqa: E402

with atheris.instrument_imports(include=["vpi_tui.detect.applayer"]):
    from tests.detect.applayer.conversations import drive
    from vpi_tui.detect.applayer.registry import by_name


def main() -> None:
    protocol = sys.argv.pop(1) if len(sys.argv) > 1 else ""
    application = by_name().get(protocol)
    if application is None:
        sys.exit(f"usage: fuzz_applayer PROTOCOL FOLDER [libFuzzer options]\n\n{' '.join(sorted(by_name()))}")

    def one_input(data: bytes) -> None:
        drive(application, data)

    fuzz(one_input, [b"\0", b"\1"])


if __name__ == "__main__":
    main()

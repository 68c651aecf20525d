"""The start of the program, also as `python -m vpi_tui`. It looks after Ctrl+C before it loads the rest."""

from __future__ import annotations

import gc
import os
import signal
from types import FrameType

from vpi_tui.cli import EXIT_INTERRUPTED


def main() -> int:
    """Run the command line; the exit code."""
    handled = signal.getsignal(signal.SIGINT)
    if handled is signal.default_int_handler:
        # While modules are loaded nothing is under way that would have to be put in order.
        signal.signal(signal.SIGINT, _leave)
    from vpi_tui.cli.main import main as run

    try:
        signal.signal(signal.SIGINT, handled)
        return run()
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    finally:
        gc.freeze()  # or the interpreter walks all there is once more before it ends


def _leave(_signal: int, _frame: FrameType | None) -> None:
    os._exit(EXIT_INTERRUPTED)


if __name__ == "__main__":
    raise SystemExit(main())

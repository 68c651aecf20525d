"""The engine process: `python -m vpi_tui.engine FD SPEC`, started by engine.child and by nobody else.

FD: number of the connected feed socket. SPEC: an EngineSpec as JSON. What it writes to standard
error last is what the ui shows when it dies.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys

import msgspec

from vpi_tui.capture.privileges import shed_thread_rights
from vpi_tui.engine.garbage import hold_off
from vpi_tui.engine.spec import EngineSpec
from vpi_tui.feed.messages import Goodbye
from vpi_tui.feed.server import FeedServer
from vpi_tui.model.errors import VpiError


def main(argv: list[str]) -> int:
    """0 when the engine ended in order, 1 when it failed and said why."""
    hold_off()
    feed_fd, order = argv
    spec = msgspec.json.decode(order, type=EngineSpec)
    # numpy's library would start threads, which keep what rights the process had: see capture.privileges.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the ui's to handle; it tells us
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until there is a log that could be opened anew
    server = FeedServer(socket.socket(fileno=int(feed_fd)), spec.mode, os.getpid(), shed_thread_rights)
    try:
        # Imported only now: the ui already shows what it waits for.
        from vpi_tui.engine.worker import Worker

        worker = Worker(spec, server)
        signal.signal(signal.SIGTERM, lambda _number, _frame: worker.stop("it was told to (SIGTERM)"))
        signal.signal(signal.SIGHUP, lambda _number, _frame: worker.reopen_log())
        worker.run()
    except VpiError as error:
        server.reply(Goodbye(str(error), failed=True))
        print(error, file=sys.stderr)
        return 1
    except Exception as error:
        # Said before the long end of a large process, which nobody waits for; the trace follows.
        server.reply(Goodbye(f"The engine failed: {type(error).__name__}: {error}", failed=True))
        raise
    finally:
        server.close()
        gc.freeze()  # or the interpreter walks all there is once more before it ends
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

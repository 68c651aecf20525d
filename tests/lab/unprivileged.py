"""What a live source can do with which rights: run as root in a process of its own, tells on standard output.

    python -m tests.lab.unprivileged NAMESPACE none|net_raw

Becomes nobody with that one capability or none, and opens a live source in the namespace. Then it gives up
the rest, says "ready", and on each line of standard input says which ports are watched, and the texts of the
frames that came.
"""

from __future__ import annotations

import ctypes
import os
import sys
import time

from tests.lab.frames import texts
from vpi_tui.capture import privileges
from vpi_tui.capture.privileges import CAP_NET_RAW, LINUX_CAPABILITY_VERSION_3, drop_to
from vpi_tui.engine.sources.live import LiveFeed
from vpi_tui.engine.spec import EngineSpec
from vpi_tui.engine.warmup import warm
from vpi_tui.lab.namespaces import CLONE_NEWNET
from vpi_tui.model.errors import PrivilegeError

NOBODY = 65534
PR_SET_KEEPCAPS = 8


def become_nobody(capabilities: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    header = privileges._CapHeader(LINUX_CAPABILITY_VERSION_3, 0)
    wanted = (privileges._CapData * 2)()
    wanted[0].effective = wanted[0].permitted = capabilities
    assert libc.capset(ctypes.byref(header), wanted) == 0
    assert privileges.effective_capabilities() == capabilities


def main(namespace: str, kept: str) -> None:
    with open(f"/run/netns/{namespace}") as file:  # noqa: PTH123 (a file descriptor is wanted)
        assert ctypes.CDLL(None).setns(file.fileno(), CLONE_NEWNET) == 0
    warm("live", lambda *_: None)  # nobody may not be able to read what numba still imports
    become_nobody(1 << CAP_NET_RAW if kept == "net_raw" else 0)
    try:
        feed = LiveFeed(EngineSpec("live", ring_memory=16 << 20))
    except PrivilegeError as error:
        print(error, flush=True)
        return
    drop_to("nobody")
    assert privileges.effective_capabilities() == 0
    feed.start()
    print("ready", flush=True)
    for _ in sys.stdin:
        end = time.monotonic() + 0.6
        found: list[str] = []
        while time.monotonic() < end:
            feed.poll_topology()
            found += [f"{port}:{text}" for port, text, _ in texts(feed, feed.read(0.05))]
        print(",".join(port.name for port in feed.topology.ports), *found, flush=True)
    feed.close()


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Giving up root, in a process of its own; and the hint for those who have no rights."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.rights import needs_root
from vpi_tui.capture.privileges import drop_to, effective_capabilities, net_raw_hint
from vpi_tui.model.errors import PrivilegeError

DROP = """
import os
from vpi_tui.capture.privileges import drop_to, effective_capabilities
drop_to("nobody")
status = dict(line.split(":", 1) for line in open("/proc/thread-self/status"))
for name in ("NoNewPrivs", "CapEff", "CapPrm", "CapInh"):
    print(name, status[name].strip())
print("uid", *os.getresuid(), "groups", len(os.getgroups()) <= 1 or os.getuid())
try:
    os.setuid(0)
    print("root again")
except PermissionError:
    print("no way back")
"""


def dropped() -> str:
    return subprocess.run([sys.executable, "-c", DROP], capture_output=True, text=True, check=True).stdout


def test_nothing_is_left_and_nothing_comes_back() -> None:
    text = dropped()
    assert "NoNewPrivs 1" in text
    for name in ("CapEff", "CapPrm", "CapInh"):
        assert f"{name} {0:016x}" in text
    assert "no way back" in text


@needs_root
def test_root_becomes_the_user() -> None:
    assert f"uid {65534} {65534} {65534}" in dropped()


THREAD = """
import sys, threading
from tests.lab.unprivileged import become_nobody
from vpi_tui.capture.privileges import CAP_NET_RAW, drop_to, effective_capabilities, shed_thread_rights
become_nobody(1 << CAP_NET_RAW)
ready, done = threading.Event(), threading.Event()
def run():
    if sys.argv[1] == "sheds":
        shed_thread_rights()
    ready.set()
    done.wait()
threading.Thread(target=run, daemon=True).start()
ready.wait()
try:
    drop_to("nobody")
    print("dropped", effective_capabilities())
except Exception as reason:
    print(reason)
"""


@needs_root
@pytest.mark.parametrize(("thread", "said"), [("sheds", "dropped 0"), ("keeps", "A thread kept")])
def test_no_thread_may_keep_what_the_process_gives_up(thread: str, said: str) -> None:
    command = [sys.executable, "-c", THREAD, thread]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(said)


@needs_root
@pytest.mark.parametrize("user", ["root", "no-such-user-here"])
def test_bad_users_are_refused_before_anything_is_dropped(user: str) -> None:
    before = effective_capabilities()
    with pytest.raises(PrivilegeError, match=user):
        drop_to(user)
    assert os.geteuid() == 0
    assert effective_capabilities() == before


def test_hint_names_the_ways_out() -> None:
    hint = net_raw_hint()
    assert "sudo setcap cap_net_raw+ep " + os.path.realpath(sys.executable) in hint
    assert "vpi-tui demo" in hint


def test_privileges_is_cheap_to_import() -> None:
    code = "import sys, vpi_tui.capture.privileges; print({'numba', 'numpy'} & set(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "set()"

"""Which privileges the process has, and how it gives them up once the ring is open."""

from __future__ import annotations

import ctypes
import os
import pwd
import sys
from pathlib import Path

from vpi_tui.model.errors import PrivilegeError

CAP_NET_RAW = 13
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4
LINUX_CAPABILITY_VERSION_3 = 0x20080522


class _CapHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _CapData(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def effective_capabilities() -> int:
    """Bit set of CAP_ numbers of this thread; 0 when /proc does not tell."""
    return _effective_in(Path("/proc/thread-self/status"))


def _effective_in(status: Path) -> int:
    try:
        # Bytes: once the user is changed, an encoding may not be importable any more.
        lines = status.read_bytes().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1], 16) for line in lines if line.startswith(b"CapEff:")), 0)


def net_raw_hint() -> str:
    """What to do about a missing CAP_NET_RAW: whole sentences with commands to copy."""
    interpreter = os.path.realpath(sys.executable)
    return (
        "Run it with sudo, or let the interpreter do it: "
        f"sudo setcap cap_net_raw+ep {interpreter} "
        "(every program that this interpreter runs gets these rights). "
        "To look around without privileges: vpi-tui demo"
    )


def drop_to(user: str) -> None:
    """Become `user` for good: its groups and ids, no capabilities, none to be gained by exec.

    Needs no root: a process that is not root keeps its ids and only gives up capabilities. These and
    no_new_privs belong to a thread; later threads inherit them, and one that runs already must call
    `shed_thread_rights` itself. Raises PrivilegeError when the user is unknown, is root, or the kernel
    refuses; nothing that was dropped comes back then, so the caller should end.
    """
    if os.geteuid() == 0:
        _change_user(user)
    _shed(keep_capabilities=False)
    if any(map(_effective_in, Path("/proc/self/task").glob("*/status"))):
        raise PrivilegeError("A thread kept its capabilities when the process gave them up.")


def shed_thread_rights() -> None:
    """For a thread that starts before `drop_to` and never needs rights: gives up those of its own.

    Not the capabilities of root: without CAP_SETUID the thread could not follow when the process changes its
    user, which takes them from all threads.
    """
    _shed(keep_capabilities=os.geteuid() == 0)


def _shed(*, keep_capabilities: bool) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    _check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "setting no_new_privs")
    if keep_capabilities:
        return
    # EINVAL on kernels before 4.3, which have no ambient capabilities.
    libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = _CapHeader(LINUX_CAPABILITY_VERSION_3, 0)
    none = (_CapData * 2)()
    _check(libc.capset(ctypes.byref(header), none), "dropping capabilities")


def _change_user(user: str) -> None:
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        hint = "Name an existing one in the setting that chooses the engine's user."
        raise PrivilegeError(f"There is no user {user!r} to run as.", hint=hint) from None
    if entry.pw_uid == 0:
        raise PrivilegeError(f"The user {user!r} is root; the engine gives root up.", hint="Name another.")
    try:
        os.setgroups([entry.pw_gid])
        os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
        os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)
    except OSError as reason:
        raise PrivilegeError(f"Becoming the user {user!r} was refused: {reason.strerror}.") from reason


def _check(result: int, what: str) -> None:
    if result != 0:
        raise PrivilegeError(f"The kernel refused {what}: {os.strerror(ctypes.get_errno())}.")

"""A real OpenSSH server inside a guest, with a host key of its own and nobody who may log in."""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

from vpi_tui.lab.namespaces import daemons
from vpi_tui.lab.plan import Guest

PATH: Final = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin"))
EMPTY_DIRECTORY: Final = Path("/run/sshd")
"""For its privilege separation; sshd(8) does not start without it. The system's own unit makes it."""
OURS: Final = "made-run-sshd"
"""File in the folder of a lab that made the directory, because no sshd of the system had."""


def program() -> str | None:
    """Its full path, without which it refuses to start; None when it is not installed."""
    return shutil.which("sshd", path=PATH)


def prepare(folder: Path) -> None:
    """What all sshds of a lab need."""
    if program() and not EMPTY_DIRECTORY.exists():
        (folder / OURS).touch()
        EMPTY_DIRECTORY.mkdir(mode=0o755, exist_ok=True)


def clean_up(folder: Path) -> None:
    """Undo `prepare`, unless an sshd that is not ours has begun to use the directory."""
    if (folder / OURS).exists() and not daemons(["sshd"], ""):
        with suppress(OSError):
            EMPTY_DIRECTORY.rmdir()


async def serve(guest: Guest, folder: Path) -> None:
    """Start sshd in the foreground, as a child that goes when the guest goes. Raises OSError."""
    here = folder / f"{guest.name}.ssh"
    here.mkdir(mode=0o700, exist_ok=True)
    key = here / "host_key"
    made = await asyncio.create_subprocess_exec(
        "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key), env=os.environ | {"PATH": PATH}
    )
    if await made.wait():
        raise OSError("ssh-keygen failed")
    config = here / "sshd_config"
    config.write_text(
        f"ListenAddress {guest.ip}:22\nHostKey {key}\nPidFile none\nUsePAM no\nStrictModes no\n"
        "PasswordAuthentication yes\nPubkeyAuthentication no\nKbdInteractiveAuthentication no\n"
        "PermitRootLogin no\nDenyUsers *\nMaxStartups 100:100:100\nLoginGraceTime 10\n"
    )
    await asyncio.create_subprocess_exec(program() or "sshd", "-D", "-e", "-f", str(config))

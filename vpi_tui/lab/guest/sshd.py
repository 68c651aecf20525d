"""A real OpenSSH server inside a guest, with a host key of its own and nobody who may log in."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Final

from vpi_tui.lab.plan import Guest

PATH: Final = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin"))
PRIVILEGE_SEPARATION: Final = Path("/run/sshd")
"""sshd(8) does not start without it; the system's own unit makes it, and so do we where it never ran."""


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
    PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)
    await asyncio.create_subprocess_exec(_program(), "-D", "-e", "-f", str(config))


def _program() -> str:
    """Its full path, without which it refuses to start."""
    import shutil

    return shutil.which("sshd", path=PATH) or "/usr/sbin/sshd"

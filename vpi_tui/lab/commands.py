"""Programs that the lab runs, and what to say when one fails or is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from vpi_tui.config import paths
from vpi_tui.lab.namespaces import inside
from vpi_tui.model.errors import PrivilegeError, VpiError

PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"))
PATIENCE = 30.0
"""Seconds for one command."""


def program(name: str) -> str | None:
    """Path of a program, also of those for administrators; None when it is not installed."""
    return shutil.which(name, path=PATH)


def require() -> None:
    """Raises VpiError, with the next step, unless a lab is possible here."""
    if os.geteuid() != 0:
        raise PrivilegeError(
            "A lab needs root: it makes network namespaces and a switch.",
            hint="Run it with sudo. Without rights there is `vpi-tui demo`.",
        )
    if program("ip") is None:
        raise VpiError(
            "The program `ip` is missing.", hint="Install iproute2 (apt install iproute2). Linux only."
        )
    if not Path("/proc/self/ns/net").exists():
        raise VpiError("This kernel has no network namespaces.", hint="A lab needs Linux with CONFIG_NET_NS.")


class Shell:
    """Runs short programs. lock: a descriptor that each of them holds while it runs, so that whoever wants to
    clean up after a killed lab waits for what it has started."""

    def __init__(self, lock: int) -> None:
        self._lock = lock

    def run(self, *words: str, text: str = "") -> str:
        """Standard output. Raises VpiError with what the program said."""
        path = program(words[0]) or words[0]
        try:
            done = subprocess.run(
                [path, *words[1:]], input=text, capture_output=True, text=True, check=False,
                timeout=PATIENCE, pass_fds=(self._lock,),
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise VpiError(f"`{' '.join(words)[:120]}` failed: {error}") from error
        if done.returncode:
            said = (done.stderr.strip() or f"exit {done.returncode}").splitlines()[0][:300]
            raise VpiError(f"`{' '.join(words)[:120]}` failed: {said}")
        return done.stdout

    def attempt(self, *words: str) -> bool:
        """The same where failing is an answer."""
        try:
            self.run(*words)
        except VpiError:
            return False
        return True

    def ip(self, lines: Iterable[str], namespace: str = "") -> None:
        """Commands of `ip`, one a line, in one go."""
        where = ("-n", namespace) if namespace else ()
        self.run("ip", *where, "-batch", "-", text="\n".join([*lines, ""]))


def launch(
    words: Sequence[str], log: Path, namespace: str = "", more: Mapping[str, str] | None = None
) -> int:
    """Start a program that stays, in a session of its own; its process id. more: environment."""
    environment = paths.child_environment() | dict(more or {})

    def start() -> int:
        with log.open("ab") as out:
            options: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": out, "stderr": out}
            return subprocess.Popen(
                list(words), start_new_session=True, cwd="/", env=environment, **options
            ).pid

    return inside(namespace, start) if namespace else start()

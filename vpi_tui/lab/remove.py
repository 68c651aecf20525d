"""`lab down`: nothing of a lab is left, however far `up` had come and whatever ended it.

What to remove is found by name, never by what a file says: the file may be older than the last step, or gone.
"""

from __future__ import annotations

import json
import shutil

from vpi_tui.lab import state
from vpi_tui.lab.commands import Shell, require
from vpi_tui.lab.guest import sshd
from vpi_tui.lab.names import Names
from vpi_tui.lab.namespaces import dwellers, end, named
from vpi_tui.lab.switches import KINDS
from vpi_tui.model.errors import VpiError


def down(names: Names) -> bool:
    """Remove the lab; False when there was none. Raises VpiError, naming what resists."""
    require()
    with state.locked(names) as lock:
        shell = Shell(lock)
        removed = clean(shell, names)
        if left := remains(shell, names):
            raise VpiError(
                f"Could not be removed: {', '.join(left[:8])}.", hint="Run `vpi-tui lab down` again."
            )
        return removed


def clean(shell: Shell, names: Names) -> bool:
    """Remove all that is there; whether there was something. Held by the lock."""
    spaces, links = named(names.prefix), _links(shell, names)
    if not (spaces or links or names.folder.exists()):
        return False
    end(process for inside in dwellers(spaces).values() for process in inside)
    for kind in KINDS.values():
        kind.remove(shell, names)
    sshd.clean_up(names.folder)
    for link in _links(shell, names):
        shell.attempt("ip", "link", "del", link)  # the other end of a cable has gone with the first
    for space in spaces:
        shell.attempt("ip", "netns", "del", space)
    shutil.rmtree(names.folder, ignore_errors=True)
    return True


def remains(shell: Shell, names: Names) -> list[str]:
    """What there is of a lab, by name."""
    left = [f"namespace {name}" for name in named(names.prefix)]
    left += [f"link {name}" for name in _links(shell, names)]
    return left + ([str(names.folder)] if names.folder.exists() else [])


def _links(shell: Shell, names: Names) -> list[str]:
    return [
        link["ifname"]
        for link in json.loads(shell.run("ip", "-j", "link", "show") or "[]")
        if names.owns_link(link.get("ifname", ""))
    ]

"""A bridge of Open vSwitch with the userspace datapath, which needs no kernel module.

Where the system's own Open vSwitch runs, the bridge is made there; else daemons of our own run on a database
in the folder of the lab (ovsdb-server(1), ovs-vswitchd(8)).
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from vpi_tui.lab.commands import Shell, launch, program
from vpi_tui.lab.names import Names
from vpi_tui.lab.namespaces import daemons, end, same_network
from vpi_tui.lab.plan import LabSwitch
from vpi_tui.lab.switches.kind import Kind
from vpi_tui.model.errors import VpiError

SYSTEM_SOCKET: Final = Path("/run/openvswitch/db.sock")
SCHEMA: Final = Path("/usr/share/openvswitch/vswitch.ovsschema")
PROGRAMS: Final = ("ovsdb-tool", "ovsdb-server", "ovs-vswitchd", "ovs-vsctl")
DAEMONS: Final = ("ovs-vswitchd", "ovsdb-server")
DATAPATH_DEVICE: Final = "ovs-netdev"
"""What ovs-vswitchd makes for its userspace datapath, one for each network namespace."""
START_SECONDS: Final = 15.0


def folder(names: Names) -> Path:
    return names.folder / "ovs"


def _missing() -> str:
    lacking = [name for name in PROGRAMS if program(name) is None]
    if lacking or not SCHEMA.exists():
        what = ", ".join(lacking) or str(SCHEMA)
        return f"Open vSwitch is not installed ({what} is missing): apt install openvswitch-switch."
    return ""


def control(shell: Shell, names: Names, ours: bool, *words: str) -> str:
    """`ovs-vsctl …` for the lab's database."""
    socket = folder(names) / "db.sock" if ours else SYSTEM_SOCKET
    return shell.run("ovs-vsctl", f"--db=unix:{socket}", "--timeout=10", *words)


def _answers(shell: Shell, socket: Path) -> bool:
    return socket.exists() and shell.attempt("ovs-vsctl", f"--db=unix:{socket}", "--timeout=2", "show")


def _make(shell: Shell, names: Names, switch: LabSwitch) -> bool:
    ours = not _answers(shell, SYSTEM_SOCKET)
    if ours:
        _start(shell, names)
    words = ["add-br", switch.name, "--", "set", "bridge", switch.name, "datapath_type=netdev"]
    for port in switch.ports:
        words += ["--", "add-port", switch.name, port]
    control(shell, names, ours, *words)
    shell.ip([f"link set {switch.name} addrgenmode none", f"link set {switch.name} up"])
    return ours


def _start(shell: Shell, names: Names) -> None:
    here = folder(names)
    here.mkdir(mode=0o755)
    database, socket = here / "conf.db", here / "db.sock"
    shell.run("ovsdb-tool", "create", str(database), str(SCHEMA))
    server = [f"--remote=punix:{socket}", f"--unixctl={here / 'ovsdb.ctl'}", str(database)]
    launch([program("ovsdb-server") or "", *server], here / "ovsdb-server.log")
    _await(shell, socket)
    shell.run("ovs-vsctl", f"--db=unix:{socket}", "--no-wait", "init")
    launch(
        [program("ovs-vswitchd") or "", f"--unixctl={here / 'vswitchd.ctl'}", f"unix:{socket}"],
        here / "ovs-vswitchd.log",
    )


def _await(shell: Shell, socket: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while not (socket.exists() and shell.attempt("ovs-vsctl", f"--db=unix:{socket}", "--no-wait", "show")):
        if time.monotonic() > until:
            raise VpiError(
                "ovsdb-server did not start.", hint=f"It says why in {socket.parent / 'ovsdb-server.log'}."
            )
        time.sleep(0.05)


def _remove(shell: Shell, names: Names) -> None:
    ours = folder(names).exists()
    end(daemons(DAEMONS, f"{folder(names)}/"))
    if _missing() == "" and SYSTEM_SOCKET.exists():
        shell.attempt(
            "ovs-vsctl", f"--db=unix:{SYSTEM_SOCKET}", "--timeout=10", "--if-exists", "del-br", names.ovs
        )
    if ours and not any(same_network(process) for process in daemons(DAEMONS[:1], "")):
        shell.attempt("ip", "link", "del", DATAPATH_DEVICE)  # its taps outlive the daemon


KIND = Kind("Open vSwitch, userspace datapath", _missing, _make, _remove)

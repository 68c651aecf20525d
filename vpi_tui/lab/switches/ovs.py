"""A bridge of Open vSwitch with the userspace datapath, which needs no kernel module.

Where the system's own Open vSwitch runs, the bridge is made there; else daemons of our own run on a database
in the folder of the lab (ovsdb-server(1), ovs-vswitchd(8)), with a link to it where the system's would be.
"""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from vpi_tui.lab.cables import raise_links
from vpi_tui.lab.commands import Shell, launch, program
from vpi_tui.lab.names import DEFAULT, Names
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


def _runs_here() -> bool:
    """True when some ovs-vswitchd works in this network namespace."""
    return any(same_network(process) for process in daemons(DAEMONS[:1], ""))


def _system_answers(shell: Shell) -> bool:
    """True when the system's Open vSwitch can make a bridge here."""
    asked = ("ovs-vsctl", f"--db=unix:{SYSTEM_SOCKET}", "--timeout=2", "show")
    return SYSTEM_SOCKET.exists() and _runs_here() and shell.attempt(*asked)


def _make(shell: Shell, names: Names, switch: LabSwitch) -> bool:
    socket = SYSTEM_SOCKET
    if not _system_answers(shell):
        socket = folder(names) / "db.sock"
        _start(shell, names)
    words = ["add-br", switch.name, "--", "set", "bridge", switch.name, "datapath_type=netdev"]
    for port in (*switch.ports, switch.span):
        words += ["--", "add-port", switch.name, port]
    words += ["--", "set", "interface", switch.span, "type=internal"]
    shell.run("ovs-vsctl", f"--db=unix:{socket}", "--timeout=20", *words)
    shell.run("ovs-vsctl", f"--db=unix:{socket}", "--timeout=20", *_mirror(switch))
    raise_links(shell, [switch.name, switch.span])
    return True


def _mirror(switch: LabSwitch) -> list[str]:
    """Copy what the ports take and give to the span port; a frame that two of them see is copied once."""
    handles = {port: f"@p{number}" for number, port in enumerate(switch.copied_ports)}
    words = ["--", "--id=@out", "get", "port", switch.span]
    for port, handle in handles.items():
        words += ["--", f"--id={handle}", "get", "port", port]
    every = ",".join(handles.values())
    words += ["--", "--id=@m", "create", "mirror", f"name={switch.span}", "output-port=@out"]
    words += [f"select-src-port={every}", f"select-dst-port={every}"]
    return [*words, "--", "add", "bridge", switch.name, "mirrors", "@m"]


def _start(shell: Shell, names: Names) -> None:
    here = folder(names)
    here.mkdir(mode=0o755)
    database, socket = here / "conf.db", here / "db.sock"
    places = dict.fromkeys(("OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR"), str(here))
    shell.run("ovsdb-tool", "create", str(database), str(SCHEMA))
    server = [f"--remote=punix:{socket}", f"--unixctl={here / 'ovsdb.ctl'}", str(database)]
    launch([program("ovsdb-server") or "", *server], here / "ovsdb-server.log", more=places)
    _await(shell, socket)
    shell.run("ovs-vsctl", f"--db=unix:{socket}", "--no-wait", "init")
    switch = [f"--unixctl={here / 'vswitchd.ctl'}", f"unix:{socket}"]
    launch([program("ovs-vswitchd") or "", *switch], here / "ovs-vswitchd.log", more=places)
    if names.lab == DEFAULT:
        _at_the_usual_place(socket)


def _at_the_usual_place(socket: Path) -> None:
    """Let sensors and `ovs-vsctl` find the database where they look for it."""
    with suppress(FileExistsError):
        SYSTEM_SOCKET.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        SYSTEM_SOCKET.symlink_to(socket)


def hidden_database(names: Names) -> Path | None:
    """The lab's own database when sensors do not look there by themselves, else None."""
    socket = folder(names) / "db.sock"
    return socket if socket.exists() and SYSTEM_SOCKET.resolve() != socket.resolve() else None


def _remove_from_the_usual_place(names: Names) -> None:
    try:
        if SYSTEM_SOCKET.readlink() == folder(names) / "db.sock":
            SYSTEM_SOCKET.unlink()
            SYSTEM_SOCKET.parent.rmdir()
    except OSError:
        return


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
    _remove_from_the_usual_place(names)
    if _missing() == "" and SYSTEM_SOCKET.exists():
        shell.attempt(
            "ovs-vsctl", f"--db=unix:{SYSTEM_SOCKET}", "--timeout=10", "--if-exists", "del-br", names.ovs
        )
    if ours and not _runs_here():
        shell.attempt("ip", "link", "del", DATAPATH_DEVICE)  # its taps outlive the daemon


KIND = Kind("Open vSwitch, userspace datapath", _missing, _make, _remove)

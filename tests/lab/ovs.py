"""A real Open vSwitch for tests: ovsdb-server and ovs-vswitchd with the userspace datapath, in a namespace.

Each has its own directory for database, sockets and logs, so that several can run at the same time.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from tests.lab.net import until
from vpi_tui.lab.namespaces import inside

PREFIX = "vpt-ovs-"
SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")
PROGRAMS = ("ovsdb-tool", "ovsdb-server", "ovs-vswitchd", "ovs-vsctl", "ovs-appctl")
START_SECONDS = 10.0
SIOCETHTOOL, ETHTOOL_STXCSUM = 0x8946, 0x17
"""linux/sockios.h, linux/ethtool.h"""


def why_no_ovs() -> str:
    """Why there can be no Open vSwitch on this machine; "" when there can."""
    missing = [name for name in PROGRAMS if shutil.which(name, path=_path()) is None]
    if missing or not SCHEMA.exists():
        return f"needs Open vSwitch (apt-get install openvswitch-switch): no {', '.join(missing) or SCHEMA}"
    return "" if Path("/dev/net/tun").exists() else "the userspace datapath needs /dev/net/tun"


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def remove_orphans() -> None:
    """Daemons and directories of tests that were killed before they could remove them."""
    for directory in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        owner = directory.name.removeprefix(PREFIX).partition("-")[0]
        if owner.isdigit() and not Path("/proc", owner).exists():
            for process in Path("/proc").glob("[0-9]*"):
                if f"--unixctl={directory}/".encode() in _command_line(process):
                    with suppress(ProcessLookupError):
                        os.kill(int(process.name), signal.SIGKILL)
            shutil.rmtree(directory, ignore_errors=True)


def _command_line(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


def without_offload(namespace: str, interface: str) -> None:
    """Have the guest finish its checksums, which the userspace datapath sends on as a veth left them."""

    def switch_off() -> None:
        order = ctypes.create_string_buffer(struct.pack("II", ETHTOOL_STXCSUM, 0))
        request = struct.pack("16sP16x", interface.encode(), ctypes.addressof(order))
        with socket.socket() as sock:
            fcntl.ioctl(sock, SIOCETHTOOL, request)

    inside(namespace, switch_off)


class OpenVSwitch:
    """Open vSwitch in a network namespace. Use as a context manager, or `start` and `stop`."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        # A short path: the name of a Unix socket has 107 bytes at most.
        self.directory = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def socket(self) -> Path:
        """Where the database listens."""
        return self.directory / "db.sock"

    def __enter__(self) -> OpenVSwitch:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # Life -------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start both daemons with an empty database."""
        remove_orphans()
        self._call("ovsdb-tool", "create", str(self.directory / "conf.db"), str(SCHEMA))
        self.start_database()
        self._call("ovs-vsctl", f"--db=unix:{self.socket}", "--no-wait", "init")
        self.start_switch()

    def start_database(self) -> None:
        self._daemon("ovsdb-server", str(self.directory / "conf.db"), f"--remote=punix:{self.socket}")
        assert until(self.socket.exists, START_SECONDS), self.log("ovsdb-server")

    def start_switch(self) -> None:
        self._daemon("ovs-vswitchd", f"unix:{self.socket}")
        control = self.directory / "ovs-vswitchd.ctl"
        assert until(control.exists, START_SECONDS), self.log("ovs-vswitchd")

    def signal_database(self, number: int) -> None:
        self._daemons["ovsdb-server"].send_signal(number)

    def stop_database(self) -> None:
        self._end("ovsdb-server")

    def stop_switch(self) -> None:
        self._end("ovs-vswitchd")

    def stop(self) -> None:
        """End both, and remove all that they left."""
        for name in ("ovs-vswitchd", "ovsdb-server"):
            self._end(name)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _daemon(self, program: str, *words: str) -> None:
        # It names its control socket after its process id, unless it is told.
        command = [program, *words, f"--unixctl={self.directory}/{program}.ctl", "-vconsole:off"]
        command += [f"--log-file={self.directory}/{program}.log"]
        self._daemons[program] = inside(
            self.namespace,
            lambda: subprocess.Popen(
                command, env=self._environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            ),
        )

    def _end(self, program: str) -> None:
        process = self._daemons.pop(program, None)
        if process is None:
            return
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for left in (f"{program}.ctl", "db.sock" if program == "ovsdb-server" else ""):
            if left:
                (self.directory / left).unlink(missing_ok=True)

    def log(self, program: str) -> str:
        path = self.directory / f"{program}.log"
        return path.read_text(errors="replace")[-2000:] if path.exists() else f"{program} wrote no log"

    def _environment(self) -> dict[str, str]:
        places = dict.fromkeys(("OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR"), str(self.directory))
        return {**os.environ, **places, "PATH": _path()}

    def _call(self, *command: str) -> str:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, env=self._environment(), timeout=20
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()} {self.log('ovs-vswitchd')}")
        return done.stdout.strip()

    # What is in it ----------------------------------------------------------------------------

    def vsctl(self, *words: str) -> str:
        """`ovs-vsctl …`; waits until ovs-vswitchd has done it."""
        return self._call("ovs-vsctl", f"--db=unix:{self.socket}", "--timeout=15", *words)

    def appctl(self, *words: str) -> str:
        """`ovs-appctl …` to ovs-vswitchd."""
        return self._call("ovs-appctl", "-t", str(self.directory / "ovs-vswitchd.ctl"), *words)

    def add_bridge(self, name: str) -> None:
        """A bridge of the userspace datapath; its own device is up, so that the host can send into it."""
        self.vsctl("add-br", name, "--", "set", "bridge", name, "datapath_type=netdev")
        self._up(name)

    def add_port(
        self, bridge: str, name: str, *settings: str, kind: str = "", options: Iterable[str] = ()
    ) -> None:
        """settings: of the port (tag=20, trunks=[10,20]). kind: of the interface, with its options."""
        words = ["add-port", bridge, name, *settings]
        if kind:
            words += ["--", "set", "interface", name, f"type={kind}", *(f"options:{one}" for one in options)]
        self.vsctl(*words)
        if kind == "internal":
            self._up(name)

    def patch(self, bridge: str, other: str) -> None:
        """Join two bridges by patch ports, named patch-BRIDGE and patch-OTHER."""
        near, far = f"patch-{bridge}", f"patch-{other}"
        self.add_port(bridge, near, kind="patch", options=[f"peer={far}"])
        self.add_port(other, far, kind="patch", options=[f"peer={near}"])

    def mirror(self, bridge: str, name: str, output: str, ports: Iterable[str] = ()) -> None:
        """Copy all that the ports take and give (none named: the whole bridge) to the port `output`."""
        chosen = tuple(ports)
        words = ["--", "--id=@out", "get", "port", output]
        words += [
            word for n, port in enumerate(chosen) for word in ("--", f"--id=@p{n}", "get", "port", port)
        ]
        refs = ",".join(f"@p{n}" for n in range(len(chosen)))
        what = [f"select-src-port={refs}", f"select-dst-port={refs}"] if chosen else ["select-all=true"]
        words += ["--", "--id=@m", "create", "mirror", f"name={name}", *what, "output-port=@out"]
        self.vsctl(*words, "--", "add", "bridge", bridge, "mirrors", "@m")

    def remove_mirror(self, bridge: str, name: str) -> None:
        self.vsctl("--", "--id=@m", "get", "mirror", name, "--", "remove", "bridge", bridge, "mirrors", "@m")

    def _up(self, name: str) -> None:
        subprocess.run(["ip", "-n", self.namespace, "link", "set", name, "up"], check=True)

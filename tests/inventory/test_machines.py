"""Machines by their processes: command lines, and taps that a real process holds open."""

from __future__ import annotations

import ctypes
import fcntl
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpi_tui.inventory.links import Link
from vpi_tui.inventory.machines.command_line import NAME_BYTES, CommandLine, parse
from vpi_tui.inventory.machines.probe import picture_of
from vpi_tui.inventory.machines.processes import Held, Machine, Processes

MAC = 0x525400123456


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            "-name guest=web,debug-threads=on -uuid u-1 -netdev tap,fd=33,id=n0"
            " -device virtio-net-pci,netdev=n0,mac=52:54:00:12:34:56",
            CommandLine("qemu-system-x86_64", "web", "u-1", (MAC,)),
        ),
        (
            '-name web -netdev {"type":"tap","ifname":"vnet7","id":"n0"}'
            ' -device {"driver":"virtio-net-pci","mac":"52:54:00:12:34:56","mq":true}',
            CommandLine("qemu-system-x86_64", "web", "", (MAC,), ("vnet7",)),
        ),
        (
            "-nic tap,ifname=tap3,mac=52:54:00:12:34:56 -name guest=a,,b",
            CommandLine("qemu-system-x86_64", "a,b", "", (MAC,), ("tap3",)),
        ),
        ("-netdev {broken -device mac=nothing -name", CommandLine("qemu-system-x86_64")),
    ],
)
def test_a_command_line_of_qemu(words: str, expected: CommandLine) -> None:
    assert parse(["/usr/bin/qemu-system-x86_64", *words.split()]) == expected


def test_other_programs() -> None:
    assert parse(["/usr/bin/cloud-hypervisor", "--net", "tap=tap0,mac=52:54:00:12:34:56"]) == CommandLine(
        "cloud-hypervisor", "", "", (MAC,), ("tap0",)
    )
    assert parse(["firecracker", "--id", "fn-1"]) == CommandLine("firecracker", "fn-1")
    assert parse(["/usr/sbin/ovs-vswitchd"]) is None
    assert parse([]) is None


@given(
    st.lists(st.sampled_from(["-name", "-netdev", "-device", "-uuid"]) | st.text(max_size=300), max_size=20)
)
def test_whatever_stands_there(words: list[str]) -> None:
    found = parse(["qemu-kvm", *words])
    assert found is not None
    assert len(found.name) <= NAME_BYTES
    assert (found.name + found.uuid).isprintable()


def test_machines_of_one_name_are_told_apart() -> None:
    command = CommandLine("qemu", "web")
    machines = [Machine(7, command, Held(("vnet0", "elsewhere"))), Machine(9, command, Held((), (12,)))]
    links = [Link(11, "vnet0", "tap"), Link(12, "macvtap0", "macvtap")]
    assert [(guest.name, guest.ports) for guest in picture_of(machines, links).guests] == [
        ("web 7", ("vnet0",)),
        ("web 9", ("macvtap0",)),
    ]


HOLDER = "import os, sys; print(os.getpid(), flush=True); sys.stdin.read()"


@pytest.mark.skipif(
    os.geteuid() != 0 or not Path("/dev/net/tun").exists(), reason="needs root and /dev/net/tun"
)
def test_who_holds_a_tap(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"vpt{os.getpid()}"
    fd = os.open("/dev/net/tun", os.O_RDWR)
    try:
        fcntl.ioctl(fd, 0x400454CA, struct.pack("16sH22x", name.encode(), 0x1002))  # TUNSETIFF: a tap
    except OSError as reason:
        os.close(fd)
        pytest.skip(f"no tap can be made here: {reason}")
    words = ["qemu-system-x86_64", "-c", HOLDER, "-name", "guest=holder"]
    process = subprocess.Popen(
        words, executable=sys.executable, pass_fds=(fd,), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    os.close(fd)
    try:
        assert process.stdout is not None
        assert int(process.stdout.readline()) == process.pid
        processes = Processes()

        def held() -> Held:
            (machine,) = [one for one in processes.machines() if one.pid == process.pid]
            assert machine.command.name == "holder"
            return machine.held

        assert held() == Held((name,))
        os.seteuid(65534)
        try:
            assert Processes()._look(process.pid) is None, "without root it cannot be seen"
            assert held() == Held((name,)), "and is remembered"
        finally:
            os.seteuid(0)
            ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE, which a change of user clears
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()

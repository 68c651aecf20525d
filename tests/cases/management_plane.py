"""Cases of rules/management-plane.yaml."""

from __future__ import annotations

from tests.cases.build import Case, answered, get, post, probed, said, sent
from vpi_tui.capture.demo import hosts

_METADATA = hosts.outside("169.254.169.254")
_IQN = b"InitiatorName=iqn.1993-08.org.debian:01:abcdef\0SessionType=Discovery\0"


def _approached(port: int, near: int) -> Case:
    """A SYN to the port, and one to a port beside it."""
    return Case(lambda: probed([port]), lambda: probed([near]))


def _rpc(program: int) -> bytes:
    call = (
        b"\x11\x22\x33\x44"
        + b"\0\0\0\0"
        + b"\0\0\0\x02"
        + program.to_bytes(4, "big")
        + b"\0\0\0\x03"
        + b"\0" * 20
    )
    return (0x80000000 | len(call)).to_bytes(4, "big") + call


def _libvirt(program: int) -> bytes:
    body = program.to_bytes(4, "big") + b"\0\0\0\x01" + b"\0\0\0\x42" + b"\0" * 12
    return (len(body) + 4).to_bytes(4, "big") + body


def _created(privileged: bytes) -> bytes:
    return post("/v1.47/containers/create", b'{"Image":"a","HostConfig":{"Privileged":' + privileged + b"}}")


CASES = {
    9000600: _approached(16509, 16508),
    9000601: Case(lambda: said(16509, _libvirt(0x20008086)), lambda: said(16509, _libvirt(0x11111111))),
    9000602: Case(lambda: said(2375, get("/version")), lambda: said(2374, get("/version"))),
    9000603: Case(lambda: said(2375, _created(b"true")), lambda: said(2375, _created(b"false"))),
    9000604: _approached(8006, 8007),
    9000605: Case(lambda: said(5901, b"RFB 003.008\n"), lambda: said(5901, b"HTTP 003.008\n")),
    9000606: Case(
        lambda: said(5930, b"REDQ\x02\0\0\0\x02\0\0\0" + b"\0" * 20), lambda: said(5930, b"REDX\x02\0\0\0")
    ),
    9000607: _approached(902, 903),
    9000608: Case(
        lambda: answered(902, b"220 VMware Authentication Daemon Version 1.10: SSL Required\r\n"),
        lambda: answered(902, b"220 mail.corp.example ESMTP\r\n"),
    ),
    9000609: _approached(5901, 5899),
    9000610: Case(
        lambda: said(3260, b"\x43\x87" + b"\0" * 46 + _IQN),
        lambda: said(3260, b"\x01\x80" + b"\0" * 46 + b"\0" * 40),
    ),
    9000611: Case(lambda: said(2049, _rpc(100003)), lambda: said(2049, _rpc(100005))),
    9000612: Case(
        lambda: sent(623, bytes.fromhex("0600ff07000000000000000000092018c88100388e04b5")),
        lambda: sent(623, bytes.fromhex("0600ff06000011be80000000")),
    ),
    9000613: _approached(427, 428),
    9000614: Case(
        lambda: said(80, post("/ui/vropspluginui/rest/services/uploadova", b"x")),
        lambda: said(80, get("/ui/login")),
    ),
    9000615: Case(
        lambda: said(80, post("/analytics/telemetry/ph/api/hyper/send?_c=&_i=/etc", b"{}")),
        lambda: said(80, post("/analytics/telemetry/ph/api/status", b"{}")),
    ),
    9000616: Case(
        lambda: said(4444, b'{"execute": "qmp_capabilities"}\n'),
        lambda: said(4444, b'{"execute": "status"}\n'),
    ),
    9000617: Case(lambda: said(10255, get("/pods")), lambda: said(10255, get("/healthz"))),
    9000618: Case(
        lambda: said(6640, b'{"method":"transact","params":["Open_vSwitch",{"op":"insert"}],"id":1}'),
        lambda: said(6640, b'{"method":"monitor","params":["Open_vSwitch",null],"id":1}'),
    ),
    9000619: Case(
        lambda: said(
            80, post("/", b"<methodCall><methodName>session.login_with_password</methodName></methodCall>")
        ),
        lambda: said(80, post("/", b"<methodCall><methodName>host.get_all</methodName></methodCall>")),
    ),
    9000620: Case(
        lambda: said(80, get("/latest/meta-data/iam/security-credentials/"), server=_METADATA),
        lambda: said(80, get("/latest/meta-data/hostname"), server=_METADATA),
    ),
}

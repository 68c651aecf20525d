"""The everyday traffic of production: what its switch carries when nothing is wrong.

Each function adds one kind of traffic to the timeline. Rates are densities over the loop
(0 to 1), so that the graphs rise and fall as over a day.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from vpi_tui.capture.demo import hosts as h
from vpi_tui.capture.demo import payloads as p
from vpi_tui.capture.demo import smb
from vpi_tui.capture.demo.conversation import Conversation, Tcp, udp
from vpi_tui.capture.demo.timeline import Timeline

REPLICATION_VLAN = 30


def wave(peaks: float, phase: float, depth: float = 0.6) -> Callable[[Any], Any]:
    """A density with `peaks` crests in a loop; depth 0 = flat, 1 = down to nothing."""
    return lambda x: (
        1 + depth * np.sin(2 * math.pi * (peaks * x + phase)) + 0.2 * np.sin(9 * math.pi * x + phase)
    )


def http(
    client: h.Host,
    server: h.Host,
    port: int,
    *exchanges: tuple[bytes, bytes],
    rtt: float = 0.0008,
    pause: float = 0.02,
) -> Conversation:
    """One connection with requests and responses in turn."""
    talk = Tcp(client, server, port, rtt=rtt).open()
    for question, answer in exchanges:
        talk.send(question).wait(pause).reply(answer).wait(pause)
    return talk.close().done()


def tls(
    client: h.Host,
    server: h.Host,
    port: int,
    name: str,
    *sizes: tuple[int, int],
    seed: int,
    rtt: float = 0.004,
) -> Conversation:
    """A TLS session; sizes: bytes up and down, a turn each."""
    talk = Tcp(client, server, port, rtt=rtt).open()
    talk.send(p.client_hello(name, seed)).reply(p.server_flight(seed)).send(p.app_data(58, seed + 1))
    for number, (up, down) in enumerate(sizes):
        talk.send(p.app_data(up, seed + 10 + number)).wait(0.01).reply(p.app_data(down, seed + 50 + number))
    return talk.close().done()


def _shop_pages() -> list[tuple[bytes, bytes, int]]:
    """Request, response, and how often in a loop."""
    shop = "shop.example"
    jpeg, png = "image/jpeg", "image/png"
    return [
        (p.request("/", shop), p.response(p.page("Shop", 18)), 110),
        (p.request("/products?category=garden&page=2", shop), p.response(p.page("Garden", 40)), 80),
        (p.request("/products/4711", shop), p.response(p.page("Spade", 9)), 90),
        (
            p.request("/static/site.css?v=3", shop),
            p.response(b"body{margin:0;padding:1em}\n" * 90, kind="text/css"),
            70,
        ),
        (
            p.request("/img/spade.jpg", shop),
            p.response(b"\xff\xd8\xff\xe0" + p.noise(24_000, 3), kind=jpeg),
            60,
        ),
        (
            p.request("/img/logo.png", shop),
            p.response(b"\x89PNG\r\n\x1a\n" + p.noise(5_000, 4), kind=png),
            60,
        ),
        (
            p.request("/basket", shop, method="POST", body=b"item=4711&amount=2"),
            p.response(p.page("Basket", 3)),
            40,
        ),
        (p.request("/favicon.ico", shop), p.response(p.page("Not found", 1), status="404 Not Found"), 20),
    ]


def web(line: Timeline) -> None:
    """Visitors at the two web servers: plain HTTP, TLS, and some over IPv6."""
    visitor, visitor6 = h.outside(h.VISITORS[0]), h.outside("2001:db8:77::5")
    for number, (question, answer, count) in enumerate(_shop_pages()):
        server = (h.WEB1, h.WEB2)[number % 2]
        rate = wave(2, number * 0.03, 0.7)
        talk = http(visitor, server, 80, (question, answer), rtt=0.012)
        line.often(talk, count, rate=rate, clients=h.VISITORS)
        if number < 3:
            talk = http(visitor6, server.v6(), 80, (question, answer), rtt=0.018)
            line.often(talk, 14, rate=rate)
    for number, server in enumerate((h.WEB1, h.WEB2)):
        rate = wave(2, 0.1 + number * 0.05, 0.7)
        short = tls(
            visitor, server, 443, "shop.example", (420, 6_000), (380, 1_900), seed=100 + number, rtt=0.012
        )
        long = tls(
            visitor, server, 443, "shop.example", (520, 48_000), (300, 9_000), seed=200 + number, rtt=0.02
        )
        line.often(short, 190, rate=rate, clients=h.VISITORS)
        line.often(long, 34, rate=rate, clients=h.VISITORS)


def application(line: Timeline) -> None:
    """Web servers ask the application, the application asks the databases."""
    service = "app-01.prod.example:8080"
    for number, server in enumerate((h.WEB1, h.WEB2)):
        turns = [
            (p.request(f"/api/v1/items?from={n * 20}", service, agent="shop-frontend/7.2"),
             p.response(p.rows_json(6 + n * 5), kind="application/json"))
            for n in range(6)
        ]  # fmt: skip
        line.often(http(server, h.APP1, 8080, *turns), 400, rate=wave(2, 0.05 + number * 0.07, 0.7))
    for number in range(6):
        line.often(postgres(h.DB1, number, 60, 0.9), 1, stretch=0.02)
        line.often(postgres(h.DB1, number, 7, 0.03), 45, rate=wave(2, 0.1, 0.6))
    line.often(postgres(h.DB2, 8, 9, 0.05), 70, rate=wave(3, 0.4))
    shop = Tcp(h.WEB2, h.DB2, 3306).open().reply(p.MYSQL_GREETING).send(p.MYSQL_LOGIN).reply(p.MYSQL_OK)
    for number in range(8):
        shop.send(p.mysql_packet(0, f"\x03select title, body from posts where id = {number + 50}".encode()))
        shop.wait(0.01).reply(p.mysql_packet(1, p.page("post", 2 + number)))
    line.often(shop.close().done(), 60, rate=wave(1, 0.6))


def postgres(server: h.Host, number: int, queries: int, pause: float) -> Conversation:
    """A session of the application at a PostgreSQL server."""
    talk = Tcp(h.APP1, server, 5432).open().send(p.pg_startup("shop", "shop")).reply(p.PG_AUTH_OK)
    for n in range(queries):
        talk.send(
            p.pg_query(
                f"select note from orders where customer_id = {number * 100 + n} order by placed limit 20"
            )
        )
        talk.wait(0.003).reply(p.pg_rows(1 + (n * 7 + number) % 20, 120)).wait(pause)
    return talk.send(p.pg_message("X", b"")).close().done()


def names(line: Timeline) -> None:
    """Lookups at dns-01, its own at the world, and those of the operations network."""
    prod = {
        "db-01.prod.example": h.DB1.ip,
        "app-01.prod.example": h.APP1.ip,
        "files.corp.example": h.FS1.ip,
        "api.payments.example": "192.0.2.200",
        "updates.example": "192.0.2.201",
    }
    clients = (h.WEB1, h.WEB2, h.APP1, h.DB1, h.FS1, h.BACKUP1)
    for number, (name, address) in enumerate(prod.items()):
        for client in (clients[number], clients[(number + 2) % 6]):
            turns = [p.lookup(name, "A", address, ident=0x2000 + number)]
            turns.append(p.lookup(name, "AAAA", "2001:db8:20::99", ident=0x3000 + number))
            line.often(udp(client, h.DNS1, 53, turns, gap=0.001), 45, rate=wave(2, number * 0.1))
    world = h.outside("192.0.2.53", ttl=57)
    turns = [p.lookup("www.payments.example", "A", "192.0.2.200", ident=0x4242)]
    line.often(udp(h.DNS1, world, 53, turns, rtt=0.014), 130, rate=wave(2, 0.3))
    for client in (h.JUMP1, h.BUILD1, h.MAIL1, h.HV1):
        turns = [p.lookup("mirror.example", "A", "192.0.2.210", ident=0x5100)]
        line.often(udp(client, h.GATEWAY_OPS, 53, turns, rtt=0.002), 30, rate=wave(2, 0.2))


def backup(line: Timeline) -> None:
    """The bandwidth hog: dumps from db-01 to backup-01, and replication on its own VLAN."""
    dump = Tcp(h.DB1, h.BACKUP1, 873, rtt=0.0004, gap=0.0014).open()
    dump.reply(b"@RSYNCD: 31.0\n").send(b"@RSYNCD: 31.0\nnightly\n").reply(b"@RSYNCD: OK\n")
    block = p.noise(MEGABYTE, 77)
    for _ in range(3):
        dump.send(block).wait(0.3)
    line.often(dump.close().done(), 7, rate=wave(1, 0.5, 0.8), stretch=0.4)
    stream = Tcp(h.DB1, h.DB2, 5432, vlan=REPLICATION_VLAN, rtt=0.0005).open()
    stream.send(p.pg_startup("replicator", "replication")).reply(p.PG_AUTH_OK)
    for number in range(240):
        size = 300 + (number * 977) % 5_000
        stream.send(p.pg_message("d", b"w" + p.noise(size, number))).wait(0.26)
    line.often(stream.close().done(), 1, stretch=0.01)


MEGABYTE = 1 << 20


def files(line: Timeline) -> None:
    """Documents read from the Windows file server."""
    share, name = r"\\win-fs01\projects", r"2026\plans\roof-garden.docx"
    for client, count in ((h.APP1, 20), (h.BACKUP1, 14)):
        talk = smb_session(client, h.FS1, "svc-files", share)
        talk.send(smb.create(4, name)).reply(smb.created(4))
        for number in range(5, 9):
            talk.send(smb.read(number, 16_384)).reply(smb.read_done(number, p.noise(16_384, number)))
        talk.send(smb.close(9)).reply(smb.close(9, reply=True))
        line.often(talk.close().done(), count, rate=wave(1, 0.9))


def smb_session(client: h.Host, server: h.Host, user: str, share: str) -> Tcp:
    """Negotiation, NTLM login and a tree connect; the caller goes on with message 4."""
    talk = Tcp(client, server, 445).open().send(smb.negotiate()).reply(smb.negotiate(reply=True))
    talk.send(smb.session_setup(1, smb.ntlm(1)))
    talk.reply(smb.session_setup(1, smb.ntlm(2), reply=True, status=smb.STATUS_MORE))
    talk.send(smb.session_setup(2, smb.ntlm(3, user))).reply(smb.session_setup(2, b"", reply=True))
    return talk.send(smb.tree_connect(3, share)).reply(smb.tree_connected(3))


EVERYDAY = (web, application, names, backup, files)
"""What the production switch and its visitors add to the timeline."""

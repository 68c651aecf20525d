"""The everyday traffic of the operations network, and the small change of both switches."""

from __future__ import annotations

import ipaddress

from vpi_tui.capture.demo import hosts as h
from vpi_tui.capture.demo import payloads as p
from vpi_tui.capture.demo.background import tls, wave
from vpi_tui.capture.demo.conversation import Conversation, Frame, Tcp, arp, datagram, icmp, ping, udp
from vpi_tui.capture.demo.timeline import Timeline


def shell(client: h.Host, server: h.Host, keys: int, pause: float, *, rtt: float = 0.001) -> Conversation:
    """An SSH session with `keys` keystrokes, each echoed, some followed by output."""
    talk = Tcp(client, server, 22, rtt=rtt).open().send(p.SSH_CLIENT).reply(p.SSH_SERVER)
    talk.send(p.ssh_kexinit(1)).reply(p.ssh_kexinit(2)).send(p.noise(48, 3)).reply(p.noise(452, 4))
    talk.send(p.noise(60, 5)).reply(p.noise(44, 6)).send(p.noise(148, 7)).reply(p.noise(28, 8))
    for number in range(keys):
        talk.send(p.noise(36, number)).reply(
            p.noise(36 if number % 9 else 900 + number * 31 % 1900, number)
        ).wait(pause)
    return talk.close().done()


def operations(line: Timeline) -> None:
    """Administrators, mail, the build machine's downloads."""
    admin = h.outside("198.51.100.9", h.OPS)
    line.often(shell(admin, h.JUMP1, 220, 0.18, rtt=0.018), 1, stretch=0.05)
    line.often(shell(admin, h.JUMP1, 60, 0.2, rtt=0.022), 4)
    line.often(shell(h.JUMP1, h.BUILD1, 90, 0.15), 3, rate=wave(1, 0.2))
    line.often(shell(h.JUMP1, h.HV1, 50, 0.2), 2)
    mirror = h.outside("192.0.2.210", h.OPS)
    line.often(
        tls(h.BUILD1, mirror, 443, "mirror.example", (350, 60_000), (350, 220_000), seed=300),
        20,
        rate=wave(3, 0.1),
    )
    line.often(tls(h.HV1, mirror, 443, "updates.example", (350, 9_000), seed=310), 12)
    sender = h.outside(h.VISITORS[9], h.OPS)
    line.often(smtp(sender), 60, rate=wave(2, 0.15), clients=h.VISITORS)
    mailbox = tls(sender, h.MAIL1, 993, "mail.corp.example", (90, 700), (120, 14_000), seed=320, rtt=0.015)
    line.often(mailbox, 70, rate=wave(2, 0.25), clients=h.VISITORS)


def smtp(sender: h.Host) -> Conversation:
    """One mail delivered to mail-01."""
    talk = Tcp(sender, h.MAIL1, 25, rtt=0.015).open().reply(b"220 mail.corp.example ESMTP\r\n")
    for said, answer in (
        (b"EHLO out.shop.example\r\n", b"250-mail.corp.example\r\n250-SIZE 52428800\r\n250 8BITMIME\r\n"),
        (b"MAIL FROM:<orders@shop.example>\r\n", b"250 2.1.0 Ok\r\n"),
        (b"RCPT TO:<desk@corp.example>\r\n", b"250 2.1.5 Ok\r\n"),
        (b"DATA\r\n", b"354 End data with <CR><LF>.<CR><LF>\r\n"),
        (p.MAIL_BODY, b"250 2.0.0 Ok: queued as 4XyZ1\r\n"),
        (b"QUIT\r\n", b"221 2.0.0 Bye\r\n"),
    ):
        talk.send(said).reply(answer)
    return talk.close(by_client=False).done()


def housekeeping(line: Timeline) -> None:
    """NTP, ping, ARP and neighbour discovery, DHCP, mDNS, syslog."""
    for number, guest in enumerate(h.GUESTS):
        clock = h.outside("192.0.2.123", guest.switch)
        gateway = h.GATEWAY_PROD if guest.switch == h.PROD else h.GATEWAY_OPS
        line.often(
            udp(guest, clock, 123, [(p.ntp(3), p.ntp(4))], client_port=123, rtt=0.009)._replace(
                client_port=0
            ),
            3,
        )
        line.often(ping(gateway, guest, count=3, ident=0x700 + number), 4)
        line.often(_resolved(guest, gateway), 4)
    for guest in (h.WEB1, h.WEB2):
        line.often(ping(h.GATEWAY_PROD.v6(), guest.v6(), count=3, ident=0x800), 3)
        line.often(_neighbour(h.GATEWAY_PROD.v6(), guest.v6()), 3)
    lease = datagram(
        h.BUILD1, h.GATEWAY_OPS, 68, 67, p.dhcp("request", h.BUILD1.mac, h.BUILD1.ip, h.GATEWAY_OPS.ip)
    )
    granted = datagram(
        h.GATEWAY_OPS, h.BUILD1, 67, 68, p.dhcp("ack", h.BUILD1.mac, h.BUILD1.ip, h.GATEWAY_OPS.ip)
    )
    frames = (Frame(0.0, True, h.BUILD1.ifindex, lease), Frame(0.01, False, h.GATEWAY_OPS.ifindex, granted))
    line.often(Conversation(frames), 2)
    group = h.Host("mdns", h.PROD, 0, 0x01005E0000FB, "224.0.0.251")
    question = datagram(h.FS1, group, 5353, 5353, p.dns_question("_ipp._tcp.local", "PTR", ident=0))
    line.often(Conversation((Frame(0.0, True, h.FS1.ifindex, question),)), 8)
    text = b"<30>Nov 24 10:00:00 hv-mgmt virtqemud[811]: guest web-02: balloon 4096 MiB"
    log = datagram(h.HV1, h.JUMP1, 514, 514, text)
    line.often(Conversation((Frame(0.0, True, h.HV1.ifindex, log),)), 60, rate=wave(4, 0.0))


def _resolved(guest: h.Host, gateway: h.Host) -> Conversation:
    """An ARP request and its reply."""
    asked = Frame(0.0, True, guest.ifindex, arp(guest, gateway.ip))
    answered = Frame(0.0003, False, gateway.ifindex, arp(gateway, guest.ip, to=guest))
    return Conversation((asked, answered))


def _neighbour(asker: h.Host, target: h.Host) -> Conversation:
    """Neighbour solicitation and advertisement (RFC 4861, 4.3 and 4.4), sent to each other directly."""
    address = ipaddress.IPv6Address(target.ip).packed
    asked = icmp(asker, target, 135, 0, b"\0\0\0\0", address + b"\x01\x01" + asker.mac.to_bytes(6, "big"))
    told = icmp(target, asker, 136, 0, b"\x60\0\0\0", address + b"\x02\x01" + target.mac.to_bytes(6, "big"))
    return Conversation((Frame(0.0, True, asker.ifindex, asked), Frame(0.0004, False, target.ifindex, told)))


EVERYDAY = (operations, housekeeping)

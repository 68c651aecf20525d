"""SMTP: what rules see of mails, however they are sent and cut."""

from __future__ import annotations

import base64
import hashlib
import time
from email.message import EmailMessage
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.detect.applayer import feeding
from tests.fuzz.bounds import SECONDS, cpu_seconds
from vpi_tui.detect.applayer.base import Limits
from vpi_tui.detect.applayer.smtp import SMTP
from vpi_tui.detect.applayer.smtp.mime import MOST_PARTS, decoded, leaves, parse_part, urls
from vpi_tui.detect.applayer.smtp.parser import LINE_LIMIT, SmtpParser
from vpi_tui.detect.applayer.smtp.reader import MailReader
from vpi_tui.detect.applayer.smtp.transaction import MAIL_LIMIT, SmtpTransaction
from vpi_tui.detect.applayer.transaction import Transaction
from vpi_tui.model.batch import Direction

from .test_scan import Connection, scan, sids

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
Pieces = list[tuple[int, bytes]]
Seen = dict[str, list[bytes]]
ATTACHED = bytes(range(256)) * 3


@cache
def mail() -> bytes:
    """Made by the standard library: text, HTML, and two attachments."""
    made = EmailMessage()
    made["From"], made["To"], made["Cc"] = "Ann <a@example>", "b@example", "c@example"
    made["Subject"] = "hello"
    made["Received"] = "from one by two"
    made["X-Mailer"] = "probe"
    made.set_content("See http://Example.org/Path?q=1 now\n.\n..dots\n")
    made.add_alternative('<a href="https://second.example/x">x</a>', subtype="html")
    made.add_attachment(ATTACHED, maintype="application", subtype="octet-stream", filename="a.bin")
    made.add_attachment("plain text = attached é\n", filename="b.txt", cte="quoted-printable")
    return made.as_bytes().replace(b"\n", b"\r\n")


ENVELOPE = (
    b"EHLO client.example\r\nMAIL FROM:<a@example> SIZE=9\r\nrcpt to: <b@example>\r\nRCPT TO:<c@example>\r\n"
)
NAMED = b"Content-Type: a/b; name=c\r\n"
REPLIES = b"220 hi\r\n250-me\r\n250 SIZE\r\n250 ok\r\n250 ok\r\n250 ok\r\n354 go on\r\n"


def stuffed(data: bytes) -> bytes:
    return data.replace(b"\r\n.", b"\r\n..") + b".\r\n"


TALK: Pieces = [
    (CLIENT, REPLIES),
    (SERVER, ENVELOPE + b"DATA\r\n" + stuffed(mail())),
    (CLIENT, b"250 done\r\n"),
    (
        SERVER,
        b"MAIL FROM:<second@example>\r\nRCPT TO:<d@example>\r\nDATA\r\n" + stuffed(b"Subject: 2\r\n\r\n"),
    ),
    (SERVER, b"QUIT\r\n"),
]


def seen(transaction: Transaction, direction: int = SERVER) -> Seen:
    found = feeding.seen(SMTP, transaction)
    return {name: data for (name, side), data in found.items() if side == direction}


def transactions(pieces: Pieces, side: int = SERVER) -> list[Seen]:
    parser = SmtpParser()
    found: dict[Transaction, None] = {}
    for direction, data in pieces:
        found.update(dict.fromkeys(parser.feed(direction, data, 0)))
    found.update(dict.fromkeys(parser.finish()))
    return [seen(one, side) for one in found]


def test_mails_and_their_envelopes() -> None:
    first, second = transactions(TALK)
    assert first["smtp.helo"] == second["smtp.helo"] == [b"client.example"]
    assert first["smtp.mail_from"] == [b"<a@example>"]
    assert first["smtp.rcpt_to"] == [b"<b@example>", b"<c@example>"]
    assert first["email.from"] == [b"Ann <a@example>"]
    assert first["email.cc"] == [b"c@example"]
    assert first["email.received"] == [b"from one by two"]
    assert first["email.x_mailer"] == [b"probe"]
    assert first["email.url"] == [b"Example.org/Path?q=1", b"second.example/x"]
    binary, text = first["file.data"]
    assert binary == ATTACHED
    assert text.decode().split() == ["plain", "text", "=", "attached", "é"]
    assert second["smtp.mail_from"] == [b"<second@example>"]
    assert second["email.subject"] == [b"2"]


def test_dots_are_unstuffed() -> None:
    (found,) = SmtpParser().feed(SERVER, b"DATA\r\n" + stuffed(mail()), 0)
    assert isinstance(found, SmtpTransaction)
    assert found.mail == parse_part(mail())
    assert b"\r\n..dots" in found.mail.body


@pytest.mark.parametrize("step", [1, 2, 3, 7])
def test_cuts_change_nothing(step: int) -> None:
    cut = [(d, data[at : at + step]) for d, data in TALK for at in range(0, len(data), step)]
    assert transactions(cut) == transactions(TALK)


def test_every_single_cut_changes_nothing() -> None:
    data = (
        ENVELOPE
        + b"DATA\r\n"
        + stuffed(b"Subject: 1\r\n\r\n.\r\nx\r\n")
        + b"RSET\r\nMAIL FROM:<x>\r\nQUIT\r\n"
    )
    whole = transactions([(SERVER, data)])
    assert len(whole) == 2
    for at in range(1, len(data)):
        assert transactions([(SERVER, data[:at]), (SERVER, data[at:])]) == whole


def test_chunks() -> None:
    data = b"Subject: chunks\r\n\r\n.\r\n"
    talk = (
        b"EHLO x\r\nMAIL FROM:<a>\r\nBDAT 9\r\n" + data[:9] + b"BDAT %d LAST\r\n" % (len(data) - 9) + data[9:]
    )
    first, second = transactions([(SERVER, talk + b"MAIL FROM:<b>\r\nBDAT 12 LAST\r\nSubject: 2\r\n")])
    assert first["email.subject"] == [b"chunks"]
    assert second["email.subject"] == [b"2"]


def test_refused_data_is_followed_by_commands() -> None:
    talk = [
        (CLIENT, b"220 hi\r\n"),
        (SERVER, ENVELOPE + b"DATA\r\n"),
        (CLIENT, REPLIES.replace(b"354", b"554").removeprefix(b"220 hi\r\n")),
        (SERVER, b"MAIL FROM:<z>\r\n"),
    ]
    first, second = transactions(talk)
    assert first["app-layer-event"] == [b"smtp.data_command_rejected", b"smtp.duplicate_fields"]
    assert second["smtp.mail_from"] == [b"<z>"]
    assert b"smtp.data_command_rejected" in transactions(talk, CLIENT)[0]["app-layer-event"]


def test_the_first_envelope_counts() -> None:
    talk = b"EHLO one\r\nHELO two\r\nMAIL FROM:<a>\r\nMAIL FROM:<b>\r\nRCPT TO <c> NOTIFY=never\r\nDATA\r\n"
    (found,) = transactions([(CLIENT, b"220 hi\r\n"), (SERVER, talk + stuffed(b"Subject: a\r\n\tb\r\n\r\n"))])
    assert found["smtp.helo"] == [b"one"]
    assert found["smtp.mail_from"] == [b"<a>"]
    assert found["smtp.rcpt_to"] == [b"<c>"]
    assert found["email.subject"] == [b"ab"]
    assert b"smtp.duplicate_fields" in found["app-layer-event"]


def test_replies_before_anybody_has_spoken_are_of_no_mail() -> None:
    assert transactions([(CLIENT, b"what?\r\n299 hm\r\n")], CLIENT) == []
    talk = [(CLIENT, b"220 hi\r\n"), (SERVER, b"NOOP\r\n"), (CLIENT, b"299 hm\r\n")]
    assert transactions(talk, CLIENT) == [{"app-layer-event": [b"smtp.invalid_reply"]}]


def test_an_odd_reply_or_chunk_ends_the_reading() -> None:
    mail = (SERVER, ENVELOPE + b"DATA\r\n" + stuffed(b"Subject: a\r\n\r\n"))
    for before in ([(SERVER, b"NOOP\r\n"), (CLIENT, b"299 hm\r\n")], [(SERVER, b"BDAT x\r\n")]):
        assert not any("email.subject" in one for one in transactions([*before, mail]))
    for before in (
        [(CLIENT, b"220 hi\r\n\n250 ok\r\n")],
        [(CLIENT, b"220 hi\r\n"), (SERVER, b"BDAT 1 LAST\r\nx")],
    ):
        assert any("email.subject" in one for one in transactions([*before, mail]))


def test_events_of_replies() -> None:
    talk = [(SERVER, b"EHLO a\r\nSTARTTLS\r\n"), (CLIENT, b"220 hi\r\n250 ok\r\n454 no\r\nwhat?\r\n")]
    (found,) = transactions(talk, CLIENT)
    assert found["app-layer-event"] == [b"smtp.tls_rejected", b"smtp.invalid_reply"]


@pytest.mark.parametrize(
    ("mail", "event"),
    [
        (b"Content-Type: multipart/mixed; boundary=%s\r\n\r\n" % (b"A" * 255), b"mime_long_boundary"),
        (b"A" * 76 + b": x\r\n\r\n", b"mime_long_header_name"),
        (b"A: " + b"x" * 2001 + b"\r\n\r\n", b"mime_long_header_value"),
        (b"A: b\r\n\r\n" + b"x" * 999 + b"\r\n", b"mime_long_line"),
        (b"A: " + b"x" * 999 + b"\r\n\r\nx\r\n", b"mime_long_line"),
        (b"Content-Type: a/b; name=%s\r\n\r\nx\r\n" % (b"A" * 256), b"mime_long_filename"),
        (b"Content-Transfer-Encoding: base64\r\n\r\naG!Vsa===\r\n", b"mime_invalid_base64"),
        (b"Content-Transfer-Encoding: base64\r\n\r\n" + b"aGVs" * 20 + b"\r\n", b"mime_long_enc_line"),
        (b"%sContent-Transfer-Encoding: base64\r\n\r\n%s" % (NAMED, b"aGVs" * 20), b"mime_long_enc_line"),
        (b"%sContent-Transfer-Encoding: quoted-printable\r\n\r\na=3Db=zz\r\n" % NAMED, b"mime_invalid_qp"),
        (b"%sContent-Transfer-Encoding: quoted-printable\r\n\r\na=3db\r\n" % NAMED, b"mime_invalid_qp"),
        (
            b"%sContent-Transfer-Encoding: quoted-printable\r\n\r\n%s" % (NAMED, b"a" * 77),
            b"mime_long_enc_line",
        ),
    ],
)
def test_what_is_odd_about_a_mail(mail: bytes, event: bytes) -> None:
    (found,) = transactions([(SERVER, ENVELOPE + b"DATA\r\n" + stuffed(mail))])
    assert b"smtp." + event in found["app-layer-event"]


@pytest.mark.parametrize(
    "mail",
    [
        b"A: x\r\n" + b" y\r\n" * 2_000 + b"\r\nx",
        b"Content-Transfer-Encoding: base64\r\n\r\naG*Vs-bG8=\r\n--\r\nanother's footer\r\n",
        b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\na===" + b"aGVs" * 20,
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\na=3Db=zz\r\n" + b"a" * 77,
        b"%sContent-Transfer-Encoding: quoted-printable\r\n\r\na=3Db=\r\nc=\r\n" % NAMED,
        b"Content-Disposition: attachment; filename=a\r\nContent-Type: a/b; name=%s\r\n\r\nx" % (b"A" * 256),
    ],
)
def test_what_is_not_odd_about_a_mail(mail: bytes) -> None:
    (found,) = transactions([(SERVER, ENVELOPE + b"DATA\r\n" + stuffed(mail))])
    assert not [name for name in found.get("app-layer-event", []) if b"mime" in name]


def urls_in(*lines: bytes) -> list[bytes]:
    (found,) = transactions([(SERVER, ENVELOPE + b"DATA\r\n" + stuffed(b"\r\n".join(lines)))])
    return found.get("email.url", [])


def test_where_urls_are_looked_for() -> None:
    text = b"see http://a.example/1 there"
    coded = b"Content-Transfer-Encoding: "
    assert urls_in(b"A: b", b"", text) == [b"a.example/1"]
    assert urls_in(b"Content-Type: text/plain; charset=utf-8", b"", text) == [b"a.example/1"]
    assert urls_in(b"Content-Type: Text/Plain", b"", text) == []
    assert urls_in(b"Content-Type: image/png; name=x", b"", text) == [b"a.example/1"], "in attachments too"
    assert urls_in(coded + b"base64", b"", base64.b64encode(text)) == [b"a.example/1"]
    assert urls_in(coded + b"quoted-printable", b"", b"at http://a.example/?b=3D1 .") == [b"a.example/?b=3D1"]
    assert urls_in(b"", b"at http://a.example/(b)?c] or") == [b"a.example/(b)?c"]
    parts = b"Content-Type: multipart/mixed; boundary=b", b"", b"--b"
    assert urls_in(*parts, b"", text) == [], "a part without a media type has that of the one before it"
    assert urls_in(*parts, b"Content-Type: text/html", b"", b"", b"--b", b"", text) == [b"a.example/1"]


FORWARDED = (
    b"Subject: outer", b"Content-Type: multipart/mixed; boundary=b", b"", b"front", b"--b",
    b"Content-Type: message/rfc822; name=f.eml", b"", b"Subject: inner",
    b"Content-Type: multipart/mixed; boundary=cc", b"", b"inner front", b"--cc",
    b"Content-Type: text/plain; name=f.txt", b"Content-Transfer-Encoding: base64", b"", b"aGVsbG8=",
    b"--cc--", b"--b", b"Content-Type: message/partial; name=g.eml", b"", b"Subject: part", b"", b"its body",
    b"--b--", b"",
)  # fmt: skip


@pytest.mark.parametrize("lines", [1, 2, len(FORWARDED)])
def test_what_is_attached_to_an_attached_mail_is_found(lines: int) -> None:
    """However its lines come; what the mail itself holds goes by its name."""
    made = SmtpTransaction(b"")
    reader = MailReader(made, Limits())
    for at in range(0, len(FORWARDED), lines):
        reader.feed(b"".join(line + b"\r\n" for line in FORWARDED[at : at + lines]))
    reader.close(truncated=False)
    found = {file.name: file.tail() for file in made.files}
    assert found == {b"f.eml": b"inner front", b"f.txt": b"hello", b"g.eml": b"its body"}
    assert made.fields["email.subject"] == [b"outer"]


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        (b"Content-Type: a/b; name=one\r\nContent-Disposition: x; filename=two", b"one"),
        (b"Content-Disposition: x; filename=two\r\nContent-Type: a/b; name=one", b"two"),
        (b"Content-Disposition: x; filename=my file.txt; size=1", b"my file.txt"),
        (b"Content-Disposition: x; filename*0=my; filename*1=file", b"myfile"),
        (b"Content-Disposition: x; filename*=UTF-8''a", b""),
        (b"Content-Disposition: x; Filename=a", b""),
        (b"Content-Disposition: x; filename=" + b"a" * 300, b"a" * 255),
    ],
)
def test_the_name_of_an_attachment(fields: bytes, name: bytes) -> None:
    assert parse_part(fields + b"\r\n\r\n").file_name == name


MAIL_DONE = b"Subject: x\r\n\r\nx\r\n.\r\n"


@pytest.mark.parametrize(
    ("talk", "side", "event"),
    [
        ([(SERVER, ENVELOPE)], CLIENT, "no_server_welcome_message"),
        ([(CLIENT, b"220 hi\r\n"), (SERVER, b"EHLO x\r\nSTARTTLS\r\nMAIL FROM:<a>\r\n")], SERVER,
         "invalid_pipelined_sequence"),
        ([(CLIENT, b"220 hi\r\n"), (SERVER, ENVELOPE + b"DATA\r\n" + MAIL_DONE)], SERVER,
         "invalid_pipelined_sequence"),
        ([(SERVER, ENVELOPE + b"BDAT 3\r\nabc\0\0\0\r\n")], SERVER, "bdat_chunk_len_exceeded"),
        ([(SERVER, b"DATA\r\n"), (CLIENT, b"220 hi\r\n250 what\r\n")], CLIENT, "data_command_rejected"),
        ([(SERVER, b"NOOP " + b"x" * 5_000 + b"\r\n")], SERVER, "truncated_line"),
        ([(CLIENT, b"220 " + b"x" * 5_000)], CLIENT, "truncated_line"),
        ([(CLIENT, b"220 hi\r\n"), (SERVER, ENVELOPE + b"DATA\r\n"),
          (CLIENT, b"250 a\r\n" * 4 + b"554 no\r\n"), (SERVER, b"DATA\r\n")], SERVER, "unparsable_content"),
    ],
)  # fmt: skip
def test_events_of_a_conversation(talk: Pieces, side: Direction, event: str) -> None:
    assert [name for one in transactions(talk, side) for name in one.get("app-layer-event", [])].count(
        f"smtp.{event}".encode()
    ) == 1


def test_a_plain_conversation_raises_nothing() -> None:
    talk: Pieces = [
        (CLIENT, b"220 hi\r\n"),
        (SERVER, b"EHLO x\r\n"),
        (CLIENT, b"250-me\r\n250 PIPELINING\r\n"),
        (SERVER, b"MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n"),
        (CLIENT, b"250 ok\r\n250 ok\r\n354 go on\r\n"),
        (SERVER, stuffed(mail())),
        (CLIENT, b"250 done\r\n"),
        (SERVER, b"MAIL FROM:<a>\r\nRCPT TO:<b>\r\n"),
        (CLIENT, b"250 ok\r\n250 ok\r\n"),
        (SERVER, b"BDAT 3\r\nabcBDAT 3 LAST\r\ndefQUIT\r\n"),
        (CLIENT, b"250 ok\r\n250 ok\r\n221 bye\r\n"),
    ]
    for side in (SERVER, CLIENT):
        assert all("app-layer-event" not in one for one in transactions(talk, side))


def test_after_starttls_nothing_is_read() -> None:
    parser = SmtpParser()
    parser.feed(SERVER, b"EHLO a\r\nSTARTTLS\r\n", 0)
    parser.feed(CLIENT, b"220 hi\r\n250 ok\r\n220 go\r\n", 0)
    successor = parser.successor()
    assert successor is not None
    assert successor.application == "tls"
    assert parser.feed(SERVER, b"MAIL FROM:<a>\r\nDATA\r\n", 0) == []


def test_a_greeting_alone_is_seen_at_the_end() -> None:
    assert transactions([(SERVER, b"HELO me there\r\nQUIT\r\n")]) == [
        {"smtp.helo": [b"me"], "app-layer-event": [b"smtp.no_server_welcome_message"]}
    ]


def test_a_mail_that_is_cut_off_is_seen_at_the_end() -> None:
    (found,) = transactions([(SERVER, ENVELOPE + b"DATA\r\nSubject: cut\r\n\r\nbo")])
    assert found["email.subject"] == [b"cut"]


@pytest.mark.parametrize(
    ("coding", "body", "expected"),
    [
        (b"base64", b"aGVs\r\nbG8=\r\n", b"hello"),
        (b"BASE64", b"a*G!Vs bG8", b"hello"),
        (b"base64", b"aGVsbG8h!!a", b"hello!"),
        (b"quoted-printable", b"a=3Db=\r\nc", b"a=bc"),
        (b"7bit", b"as it is", b"as it is"),
    ],
)
def test_codings(coding: bytes, body: bytes, expected: bytes) -> None:
    part = parse_part(b"Content-Transfer-Encoding: " + coding + b"\r\n\r\n" + body)
    assert decoded(part) == expected


def test_parts_in_parts_end_somewhere() -> None:
    head = b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n"
    (left,) = leaves(parse_part(b"".join(head % (n, n) for n in range(100))))
    assert left.kind == b"multipart/mixed"
    head = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
    many = head + b"\r\n--b\r\n".join([b"Content-Type: text/plain; name=x\r\n\r\n"] * 1000)
    assert len(leaves(parse_part(many))) == MOST_PARTS


PIECES = [
    b"EHLO a\r\n",
    b"MAIL FROM:<a>\n",
    b"DATA\r\n",
    b"BDAT 5\r\n",
    b"BDAT 3 LAST\r\n",
    b"\r\n.\r\n",
    b".\n",
    b"250 x\r\n",
    b"354\r\n",
    b"554 no\r\n",
    b"STARTTLS\r\n",
    b"RSET\r\n",
    b'Content-Type: multipart/mixed; boundary="b"\r\n',
    b"Content-Transfer-Encoding: base64\r\nContent-Type: a/b; name=c\r\n\r\n",
    b"\n--b\r\n",
    b"--b--",
    b"\r\n\r\n",
    base64.b64encode(b"hello"),
    b"http://x/",
]
piece = st.one_of(st.sampled_from(PIECES), st.binary(max_size=30))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([SERVER, SERVER, CLIENT]), piece, st.sampled_from([0, 0, 0, 7])),
        max_size=25,
    )
)
def test_nothing_raises(pieces: list[tuple[int, bytes, int]]) -> None:
    parser = SmtpParser()
    found: list[Transaction] = []
    for direction, data, gap in pieces:
        found += parser.feed(direction, data, gap)
    found += parser.finish()
    for transaction in found:
        assert all(isinstance(one, bytes) for data in seen(transaction).values() for one in data)


@given(st.binary(max_size=300))
def test_no_mail_raises(data: bytes) -> None:
    mail_of_it = parse_part(data)
    urls(mail_of_it)
    for part in leaves(mail_of_it):
        decoded(part)


LINES = [
    b"Content-Type: multipart/mixed; boundary=b",
    b'Content-Type: multipart/alternative; boundary="cc"',
    b"Content-Type: message/rfc822",
    b"Content-Type: message/rfc822; name=m.eml",
    b"Content-Type: multipart/mixed; boundary=b; name=n",
    b"Content-Type: text/plain; name=f.txt",
    b"Content-Disposition: attachment; filename=g",
    b"Content-Transfer-Encoding: base64",
    b"Content-Transfer-Encoding: quoted-printable",
    b"Subject: x",
    b"--b", b"--b", b"--cc", b"--b--", b"--cc--", b"--b ", b"--bad", b"--", b"-",
    b"", b"", b"", b"aGVsbG8", b"aGk=", b"a=3Db=", b"=", b"see HTTP://a.example/1 or http://b", b"x\r",
]  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(LINES), st.sampled_from([b"\r\n", b"\r\n", b"\n"])), max_size=40),
    st.integers(1, 60),
)
def test_a_mail_in_pieces_is_what_it_is_as_a_whole(lines: list[tuple[bytes, bytes]], step: int) -> None:
    text = b"Subject: y\r\n" + b"".join(line + end for line, end in lines)
    made = SmtpTransaction(b"")
    reader = MailReader(made, Limits())
    for at in range(0, len(text), step):
        reader.feed(text[at : at + step])
    reader.close(truncated=False)
    whole = parse_part(text)
    attached = [part for part in leaves(whole) if part.file_name]
    assert [(file.name, file.tail()) for file in made.files] == [(p.file_name, decoded(p)) for p in attached]
    assert list(made.urls) == urls(whole)
    assert made.fields["email.subject"] == whole.get(b"subject")[:1]
    assert made.body_md5 == (hashlib.md5(whole.body).hexdigest().encode() if whole.body else b"")


def test_a_head_byte_by_byte_is_searched_once() -> None:
    """Lines of it that may be boundaries are not looked at again with each byte, which took many seconds."""
    parser = SmtpParser()
    parser.feed(SERVER, b"DATA\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", 0)

    def hear(data: bytes) -> None:
        for at in range(len(data)):
            parser.feed(SERVER, data[at : at + 1], 0)

    assert cpu_seconds(hear, b"a\n--" * 4_000) < SECONDS


def test_attachments_are_seen_while_they_come() -> None:
    """Beyond what is kept of a mail, and before its end."""
    head = b"Subject: big\r\nContent-Type: a/b; name=f\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    data = bytes(range(256)) * 8192
    lines = base64.encodebytes(data).replace(b"\n", b"\r\n")
    parser, windows, held = SmtpParser(), 0, 0
    (now,) = parser.feed(SERVER, b"MAIL FROM:<a>\r\nDATA\r\n" + head + lines[:1], 0)
    assert {name: [one.data for one in found] for name, found in now.grown(SERVER).items()} == {
        "email.subject": [b"big"], "file": [], "file.name": [b"f"]
    }  # fmt: skip
    for at in range(1, len(lines), 50_000):
        parser.feed(SERVER, lines[at : at + 50_000], 0)
        windows += len(now.grown(SERVER).get("file.data", ()))
        held = max(held, parser.held())
    parser.feed(SERVER, b".\r\n", 0)
    assert windows > 20
    assert held <= MAIL_LIMIT + 200_000
    assert now.files[0].digests["md5"] == hashlib.md5(data).digest()


def test_a_gap_in_an_attachment() -> None:
    parser = SmtpParser()
    head = b"DATA\r\nContent-Type: a/b; name=f\r\n\r\n"
    (now,) = parser.feed(SERVER, head + b"one", 0)
    parser.feed(SERVER, b"two\r\n.\r\n", 100)
    assert now.files[0].gaps


@pytest.mark.parametrize("start", [b"", b"DATA\r\n", b"BDAT 999999999999\r\n"])
@pytest.mark.parametrize("endless", [b"A" * 9000, b"\r\n" * 4000, b"RCPT TO:<a>\r\n" * 500])
def test_endless_input_is_bounded(start: bytes, endless: bytes) -> None:
    parser = SmtpParser()
    parser.feed(SERVER, start, 0)
    for _ in range(200):
        parser.feed(SERVER, endless, 0)
        parser.feed(CLIENT, endless, 0)
        assert parser.held() <= MAIL_LIMIT + 4 * LINE_LIMIT + 64 * 1024


def test_a_head_that_comes_byte_by_byte_is_searched_no_more_than_once() -> None:
    parser = SmtpParser()
    parser.feed(SERVER, b"MAIL FROM:<a>\r\n", 0)
    began = time.process_time()
    for _ in range(8):
        parser.feed(SERVER, b"BDAT 1\r\nx" * 3_000, 0)
    assert time.process_time() - began < 2


def test_md5_of_a_body() -> None:
    text = b"Subject: x\r\n\r\none\r\n.two\r\n"
    (found,) = transactions([(SERVER, b"MAIL FROM:<a@b>\r\nDATA\r\n" + stuffed(text))])
    assert found["email.body_md5"] == [hashlib.md5(b"one\r\n.two\r\n").hexdigest().encode()]
    assert "email.body_md5" not in transactions([(SERVER, b"MAIL FROM:<a@b>\r\nDATA\r\n" + b".\r\n")])[0]


def spoken(text: bytes) -> Connection:
    """A connection in which one mail is sent."""
    made = Connection(port=25).server(b"220 hi\r\n")
    made.client(ENVELOPE + b"DATA\r\n").server(REPLIES.removeprefix(b"220 hi\r\n"))
    return made.client(stuffed(text)).server(b"250 done\r\n")


def test_rules_about_a_mail(tmp_path: Path) -> None:
    conditions = {
        'email.subject; content:"hello"; startswith; endswith;': 1,
        'email.from; content:"Ann"; email.subject; content:"hello"; bsize:5;': 1,
        'email.from; content:"Ann"; email.subject; content:!"hello";': 0,
        'email.url; content:"second.example";': 1,
        'email.received; content:"one"; fast_pattern; file.data; content:"|01 02 03|";': 1,
        'smtp.rcpt_to; content:"c@example"; file.name; content:"b.txt";': 1,
        'file.data; content:"attached";': 1,
        "email.message_id; absent;": 1,
        "email.cc; absent;": 0,
        'email.x_mailer; content:"probe"; email.cc; content:"nobody";': 0,
    }
    rules = [f"alert smtp any any -> any any ({condition})" for condition in conditions]
    counts = sids(scan(tmp_path, spoken(mail()).packets, *rules))
    assert dict(zip(conditions, (counts[n] for n in range(1, len(rules) + 1)), strict=True)) == conditions
    # A field is told of with the packet that ends the head, not with the last one of the mail.
    long = mail() + b"epilogue\r\n" * 3000
    first, last = rules[0], "alert smtp any any -> any any (email.body_md5; bsize:32;)"
    found = scan(tmp_path, spoken(long).packets, first, last)
    assert [event["alert"]["signature_id"] for event in found] == [1, 2]  # type: ignore[index]
    assert found[0]["pcap_cnt"] < found[1]["pcap_cnt"] - 20  # type: ignore[operator]


def test_an_event_is_told_to_rules_about_either_side(tmp_path: Path) -> None:
    """Of the whole transaction, as in Suricata: once to rules about one side, twice to those about both."""
    long = spoken(b"Subject: s\r\n\r\n" + b"x" * 1_200 + b"\r\n").close().packets
    sides = ("flow:to_server;", "flow:to_client;", "flow:established;")
    rules = [f"alert smtp any any -> any any ({side} app-layer-event:smtp.mime_long_line;)" for side in sides]
    assert sids(scan(tmp_path, long, *rules)) == {1: 1, 2: 1, 3: 2}


def test_of_a_flow_that_ends_each_side_sees_its_own_events(tmp_path: Path) -> None:
    sides = ("flow:to_server;", "flow:to_client;")
    rules = [f"alert smtp any any -> any any ({side} app-layer-event:smtp.tls_rejected;)" for side in sides]
    begun = Connection(25).server(b"220 hi\r\n").client(b"STARTTLS\r\n").server(b"454 no\r\n")
    assert sids(scan(tmp_path, begun.close().packets, *rules)) == {2: 1}
    ended = Connection(25).server(b"220 hi\r\n").client(b"STARTTLS\r\n").server(b"454 no\r\n")
    ended.client(b"RSET\r\n").server(b"250 ok\r\n")
    assert sids(scan(tmp_path, ended.close().packets, *rules)) == {1: 1, 2: 1}

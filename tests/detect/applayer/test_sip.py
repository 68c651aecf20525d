"""SIP: what rules see of messages in datagrams and in streams, however they are cut."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.detect.applayer import feeding
from vpi_tui.detect.applayer.sip import SIP
from vpi_tui.detect.applayer.sip.parser import BODY_LIMIT, HEAD_LIMIT, SipParser
from vpi_tui.detect.applayer.transaction import Transaction
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
BODY = (
    b"v=0\r\no=me 1 2 IN IP4 10.0.0.1\r\ns=call\r\ni=of the session\r\nt=0 0\r\na=one\r\na=two\r\n"
    b"m=audio 3000 RTP/AVP 0\r\ni=of the medium\r\nk=prompt\r\na=not of the session\r\n"
)
INVITE = (
    b"INVITE sip:b@example SIP/2.0\r\nv: SIP/2.0/UDP a\r\nVia: SIP/2.0/UDP b,\r\n c\r\nf:<sip:a@example>\r\n"
    b"User-Agent : probe\r\nc: application/sdp\r\nl: %d\r\n\r\n" % len(BODY)
) + BODY
RINGING = b"SIP/2.0 180 Ringing now\r\nTo: <sip:b@example>\r\nContent-Length: 0\r\n\r\n"
Seen = dict[tuple[str, int], list[bytes]]


seen = partial(feeding.seen, SIP)


def streamed(*pieces: tuple[int, bytes]) -> list[Seen]:
    parser = SipParser()
    found = [seen(t) for direction, data in pieces for t in parser.feed(direction, data, 0)]
    return found + [seen(t) for t in parser.finish()]


def test_a_request() -> None:
    (found,) = map(seen, SipParser().datagram(SERVER, INVITE))
    assert found["sip.method", SERVER] == [b"INVITE"]
    assert found["sip.uri", SERVER] == [b"sip:b@example"]
    assert found["sip.request_line", SERVER] == [b"INVITE sip:b@example SIP/2.0"]
    assert found["sip.protocol", SERVER] == [b"SIP/2.0"]
    assert found["sip.via", SERVER] == [b"SIP/2.0/UDP a", b"SIP/2.0/UDP b, c"]
    assert found["sip.from", SERVER] == [b"<sip:a@example>"]
    assert found["sip.user_agent", SERVER] == [b"probe"]
    assert found["sip.content_length", SERVER] == [str(len(BODY)).encode()]
    assert found["sdp.origin", SERVER] == [b"me 1 2 IN IP4 10.0.0.1"]
    assert found["sdp.attribute", SERVER] == [b"one", b"two"]
    assert found["sdp.session_info", SERVER] == [b"of the session"]
    assert found["sdp.media.media", SERVER] == [b"audio 3000 RTP/AVP 0"]
    assert found["sdp.media.media_info", SERVER] == [b"of the medium"]
    assert found["sdp.media.encryption_key", SERVER] == [b"prompt"]
    assert not [key for key in found if key[1] == CLIENT]


HEAD, TIME = b"v=0\no=-  1 2 IN IP4 a.example\ns=a call\n", b"t=1 2\n"


@pytest.mark.parametrize(
    ("body", "buffer", "instances"),
    [
        (HEAD + TIME, "sdp.origin", [b"- 1 2 IN IP4 a.example"]),
        (HEAD, "sdp.origin", []),  # no time
        (HEAD.replace(b"a call", b"-") + TIME, "sdp.origin", []),
        (HEAD.replace(b"v=0", b"v=1") + TIME, "sdp.origin", []),
        (HEAD + b"e=a@b\np=\xff\n" + TIME, "sdp.email", []),
        (HEAD + b"p=+1\ne=a@b\n" + TIME, "sdp.phone_number", []),  # e= comes first
        (HEAD + b"c=IN  IP4 224.2.1.1/127/3\n" + TIME, "sdp.connection_data", [b"IN IP4 224.2.1.1/127/3"]),
        (HEAD + b"c=IN IP4 224.2.1.1\n" + TIME, "sdp.connection_data", []),
        (HEAD + b"c=IN IP4 10.0.0.1/3\n" + TIME, "sdp.connection_data", [b"IN IP4 10.0.0.1/3"]),
        (HEAD + b"c=IN IP4 10.0.0.1/256\n" + TIME, "sdp.connection_data", []),
        (HEAD + b"c=IN IP6 FF15:0::101/3\n" + TIME, "sdp.connection_data", [b"IN IP6 ff15::101/3"]),
        (HEAD + b"c=IN IP4 a.example\n" + TIME, "sdp.origin", []),
        (HEAD + b"b=AS:64\nb=CT:1\n" + TIME, "sdp.bandwidth", [b"AS:64", b"CT:1"]),
        (HEAD + b"b=XX:64\n" + TIME, "sdp.origin", []),
        (
            HEAD + TIME + b"r=7d  1h 0 25h\n" + TIME + TIME + b"r=1 2 3 4\n",
            "sdp.repeat_time",
            [b"7d 1h 0 25h"],
        ),
        (HEAD + TIME + b"r=7d 1h\na=one\n", "sdp.attribute", []),  # all behind it is not read
        (HEAD + TIME + b"r=7d 1h\na=one\n", "sdp.time", [b"1 2"]),
        (HEAD + TIME + b"a=one:1 2\na=two\na=x-3:y\n", "sdp.attribute", [b"one:1 2", b"two"]),
        (
            HEAD + TIME + b"m=audio 00080/2 RTP/AVP 0  8\nm=video 9 RTP/SAVPF 1\n",
            "sdp.media.media",
            [b"audio 80/2 RTP/AVP 0 8"],
        ),
        (HEAD + TIME + b"m=image 80 udp 0\n", "sdp.media.media", []),
        (HEAD + TIME + b"m=text 65536 udp 0\n", "sdp.media.media", []),
        (HEAD + TIME + b"m=text 1 udp 0\nm=text 2 udp 0\nk=prompt\n", "sdp.media.encryption_key", []),
    ],
)
def test_sessions_are_read_as_strictly_as_there(body: bytes, buffer: str, instances: list[bytes]) -> None:
    head, _, _ = INVITE.partition(b"\r\n\r\n")
    for end in (b"\n", b"\r\n"):
        message = (
            head.replace(b"c: application/sdp", b"c: text/plain") + b"\r\n\r\n" + body.replace(b"\n", end)
        )
        (found,) = map(seen, SipParser().datagram(SERVER, message))
        assert found.get((buffer, SERVER), []) == instances


def test_fields_that_are_empty_are_there() -> None:
    request = b"OPTIONS sip:b SIP/2.0\r\nTo: \r\nUser-Agent:\r\nContent-Length: 0\r\n\r\n"
    (found,) = map(seen, SipParser().datagram(SERVER, request))
    assert found["sip.to", SERVER] == found["sip.user_agent", SERVER] == [b""]
    assert ("sip.from", SERVER) not in found


def test_a_response() -> None:
    (found,) = map(seen, SipParser().datagram(CLIENT, RINGING))
    assert found["sip.stat_code", CLIENT] == [b"180"]
    assert found["sip.stat_msg", CLIENT] == [b"Ringing now"]
    assert found["sip.response_line", CLIENT] == [b"SIP/2.0 180 Ringing now"]
    assert ("sip.method", SERVER) not in found


def test_a_datagram_ends_by_itself() -> None:
    (found,) = SipParser().datagram(SERVER, INVITE.replace(b"l: %d" % len(BODY), b"l: 10"))
    assert seen(found)["sdp.media.encryption_key", SERVER] == [b"prompt"]


def test_every_cut_of_a_stream_changes_nothing() -> None:
    stream = b"\r\n\r\n" + INVITE + INVITE.replace(b"b@", b"c@") + b"\r\n" + INVITE
    whole = streamed((SERVER, stream))
    assert [one["sip.uri", SERVER] for one in whole] == [
        [b"sip:b@example"],
        [b"sip:c@example"],
        [b"sip:b@example"],
    ]
    for at in range(1, len(stream)):
        assert streamed((SERVER, stream[:at]), (SERVER, stream[at:])) == whole
    assert streamed(*((SERVER, bytes([byte])) for byte in stream)) == whole


def test_a_body_that_never_ends_is_seen_at_the_end_of_the_flow() -> None:
    (found,) = streamed((SERVER, INVITE[:-5]))
    assert found["sdp.media.media", SERVER] == [b"audio 3000 RTP/AVP 0"]


@pytest.mark.parametrize(("kept", "lost"), [(len(BODY) - 8, 8), (0, len(BODY)), (0, 5000)])
def test_lost_bytes_do_not_hide_the_next_message(kept: int, lost: int) -> None:
    parser = SipParser()
    found = [*parser.feed(SERVER, INVITE[: len(INVITE) - len(BODY) + kept], 0)]
    found += parser.feed(SERVER, INVITE.replace(b"b@", b"c@"), lost)
    assert [seen(t)["sip.uri", SERVER] for t in found] == [[b"sip:b@example"], [b"sip:c@example"]]


def test_what_is_no_message_is_said_of_the_one_before_it() -> None:
    odd = b"SIP/2.0 200 OK\r\n\r\n"
    parser = SipParser()
    (found,) = parser.feed(SERVER, INVITE + odd, 0)
    assert seen(found)["app-layer-event", SERVER] == [b"sip.invalid_data"]
    assert parser.over()
    assert not parser.feed(SERVER, INVITE, 0)
    parser = SipParser()
    parser.feed(SERVER, INVITE, 0)
    assert not parser.feed(SERVER, odd, 0), "it comes alone"
    assert not SipParser().datagram(SERVER, odd)


PIECES = [
    INVITE,
    RINGING,
    BODY,
    b"\r\n\r\n",
    b"SIP/2.0 ",
    b"INVITE a SIP/9\n",
    b"l: 99999999\n",
    b"\n",
    b": \n x",
]
piece = st.one_of(st.sampled_from(PIECES), st.binary(max_size=40))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([SERVER, CLIENT]), piece, st.sampled_from([0, 0, 7, -1])), max_size=20)
)
def test_nothing_raises(pieces: list[tuple[int, bytes, int]]) -> None:
    parser = SipParser()
    found: list[Transaction] = []
    for direction, data, gap in pieces:
        found += parser.datagram(direction, data) if gap < 0 else parser.feed(direction, data, gap)
    found += parser.finish()
    for transaction in found:
        assert all(isinstance(one, bytes) for data in seen(transaction).values() for one in data)


@pytest.mark.parametrize(
    "endless", [b"A" * 1000, b"A: b\r\n" * 200, b"INVITE a SIP/2.0\r\nl: 999999999\r\n\r\n" * 9]
)
def test_endless_input_is_bounded(endless: bytes) -> None:
    parser = SipParser()
    for _ in range(300):
        parser.feed(SERVER, endless, 0)
        assert parser.held() <= HEAD_LIMIT + BODY_LIMIT + 4096

"""Rules find what a TCP stream says, however it was cut, lost, repeated or forged on the way."""

from __future__ import annotations

from pathlib import Path

import pytest
from scapy.layers.inet import TCP

from tests.stream.scanning import HANDSHAKE, RULE, Connection, content, numbers, scan


def test_a_pattern_in_two_segments_is_found_at_the_second(tmp_path: Path, talk: Connection) -> None:
    talk.at(0, b"GET /secret").at(11, b"-word HTTP/1.1")
    alerts, _ = scan(tmp_path, RULE, talk.packets)
    assert numbers(alerts) == [HANDSHAKE + 2]
    assert alerts[0].stream
    assert (alerts[0].src_ip, alerts[0].dest_port, alerts[0].direction) == ("10.0.0.1", 80, "to_server")


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_however_small_the_segments_are(tmp_path: Path, talk: Connection, size: int) -> None:
    data = b"....secret-word...."
    for place in range(0, len(data), size):
        talk.at(place, data[place : place + size])
    alerts, _ = scan(tmp_path, RULE, talk.packets)
    assert len(alerts) == 1


LOOKS_AT_ALL = {f"app-layer.protocols.{name}.encryption-handling": "full" for name in ("tls", "ssh")}
"""Else connections are followed until they are encrypted."""


def test_without_streams_it_is_not_there(tmp_path: Path, talk: Connection) -> None:
    talk.at(0, b"GET /secret").at(11, b"-word HTTP/1.1")
    rule = content("secret-word").replace("alert tcp", "alert tcp-pkt")
    alerts, stats = scan(tmp_path, [rule], talk.packets, options=LOOKS_AT_ALL)
    assert alerts == []
    assert "stage.stream.seconds" not in stats or "tcp.sessions" not in stats


def test_data_without_push_is_found_when_the_peer_answers(tmp_path: Path, talk: Connection) -> None:
    talk.at(0, b"secret-", "A").at(7, b"word", "A").answer(0, b"200")
    alerts, _ = scan(tmp_path, RULE, talk.packets)
    assert numbers(alerts) == [HANDSHAKE + 3]
    assert alerts[0].direction == "to_server"


def test_data_without_push_is_found_after_a_second(tmp_path: Path, talk: Connection) -> None:
    talk.at(0, b"secret-word", "A").raw("A", 7001, client=False, after=1.5)
    alerts, _ = scan(tmp_path, RULE, talk.packets)
    assert numbers(alerts) == [0]
    assert alerts[0].dest_ip == "10.0.0.2"


def test_data_without_push_is_found_at_the_end_of_the_capture(tmp_path: Path, talk: Connection) -> None:
    alerts, _ = scan(tmp_path, RULE, talk.at(0, b"secret-word", "A").packets)
    assert len(alerts) == 1


def test_out_of_order(tmp_path: Path, talk: Connection) -> None:
    talk.at(7, b"word").at(0, b"secret-")
    alerts, stats = scan(tmp_path, RULE, talk.packets)
    assert numbers(alerts) == [HANDSHAKE + 2]
    assert stats["tcp.out_of_order"] == 1


def test_retransmission_alerts_once(tmp_path: Path, talk: Connection) -> None:
    talk.at(0, b"secret-word").at(0, b"secret-word").at(4, b"et-word")
    alerts, stats = scan(tmp_path, RULE, talk.packets)
    assert len(alerts) == 1
    assert stats["tcp.retransmission"] == 2


def test_bytes_given_again_do_not_alert_again(tmp_path: Path, talk: Connection) -> None:
    talk.at(0, b"secret-word").at(11, b" and more").at(20, b" and more")
    alerts, _ = scan(tmp_path, RULE, talk.packets)
    assert len(alerts) == 1


def test_several_contents_over_several_segments(tmp_path: Path, talk: Connection) -> None:
    talk.at(0, b"user=root&").at(10, b"x" * 50, "A").at(60, b"pass=1234")
    alerts, _ = scan(tmp_path, [content("user=root", "pass=")], talk.packets)
    assert len(alerts) == 1


def test_first_copy_wins_and_the_other_is_looked_at_too(tmp_path: Path, talk: Connection) -> None:
    """A copy with other bytes: which of the two the peer took cannot be known."""
    talk.at(0, b"innocent---", "A").at(0, b"secret-word", "A").at(11, b"!")
    alerts, stats = scan(tmp_path, [*RULE, content("innocent", sid=2)], talk.packets)
    assert sorted((a.sid, a.stream) for a in alerts) == [(1, False), (2, True)]
    assert stats["tcp.overlap_diff_data"] == 1


def test_overlap_of_segments_behind_a_hole(tmp_path: Path, talk: Connection) -> None:
    """BSD: the one that begins first gives the bytes, whenever it came."""
    talk.at(4, b"XXXXXXX").at(2, b"cret-wo").at(0, b"se").at(11, b"rd")
    alerts, _ = scan(tmp_path, [content("secret-woXX")], talk.packets)
    assert len(alerts) == 1


def test_sequence_numbers_wrap(tmp_path: Path) -> None:
    talk = Connection(isn=(1 << 32) - 5).open().at(0, b"secret").at(6, b"-word")
    assert len(scan(tmp_path, RULE, talk.packets)[0]) == 1
    talk = Connection(isn=(1 << 32) - 5).open().at(6, b"-word").at(0, b"secret")
    assert len(scan(tmp_path, RULE, talk.packets)[0]) == 1


def test_a_hole_that_the_peer_acknowledged_is_given_up(tmp_path: Path, talk: Connection) -> None:
    talk.at(0, b"abc").at(100, b"secret-word").acked(111)
    alerts, stats = scan(tmp_path, RULE, talk.packets)
    assert numbers(alerts) == [HANDSHAKE + 3]
    assert stats["tcp.reassembly_gap"] == 1


def test_nothing_is_joined_over_a_hole(tmp_path: Path, talk: Connection) -> None:
    talk.at(0, b"secret-").at(100, b"word").acked(104)
    assert scan(tmp_path, RULE, talk.packets)[0] == []


@pytest.mark.parametrize("seconds", [5, 40])
def test_a_hole_that_the_peer_does_not_pass_stays_open(
    tmp_path: Path, talk: Connection, seconds: int
) -> None:
    talk.at(7, b"word HTTP/1.1\r\nHost: a\r\n\r\n").acked(0)
    for _ in range(seconds):
        talk.raw("A", talk.client_next, after=1.1)
    talk.at(0, b"GET /a-")
    rules = [content("a-word"), 'alert http any any -> any any (http.uri; content:"a-word"; sid:2;)']
    assert sorted(alert.sid for alert in scan(tmp_path, rules, talk.packets)[0]) == [1, 2]


@pytest.mark.parametrize("step", [1, -1, 2])
def test_a_request_may_come_in_a_thousand_segments_of_any_order(
    tmp_path: Path, talk: Connection, step: int
) -> None:
    request = b"GET /" + b"a" * 1200 + b"secret-word HTTP/1.1\r\nHost: a\r\n\r\n"
    for place in [*range(1, len(request))[::step], *(range(2, len(request), 2) if step == 2 else ())]:
        talk.at(place, request[place : place + 1], after=0.0001)
    talk.at(0, request[:1])
    rule = 'alert http any any -> any any (http.uri; content:"secret-word"; sid:1;)'
    assert len(scan(tmp_path, [rule], talk.packets)[0]) == 1


def test_a_hole_is_given_up_at_last_where_the_peer_is_not_heard(tmp_path: Path) -> None:
    talk = Connection().open().at(100, b"secret-word")
    for _ in range(12):
        talk.raw("A", 1001, after=0.6)
    alerts, stats = scan(tmp_path, RULE, talk.packets)
    assert len(alerts) == 1
    assert stats["tcp.reassembly_gap"] == 1


ONE_SIDED = {"stream.async-oneside": "true"}


@pytest.mark.parametrize(("options", "found"), [({}, 0), (ONE_SIDED, 1)])
def test_what_follows_a_syn_that_nobody_answers_is_a_stream_only_when_asked_for(
    tmp_path: Path, options: dict[str, str], found: int
) -> None:
    talk = Connection().raw("S", 1000, ack=0)
    talk.server_next = 7001
    talk.raw("A", 1001).at(0, b"GET /secret").at(11, b"-word HTTP/1.0\r\n\r\n")
    rules = [*RULE, 'alert http any any -> any any (http.uri; content:"secret-word"; sid:2;)']
    alerts, _ = scan(tmp_path, rules, talk.packets, options=options)
    assert [alert.sid for alert in alerts] == [1, 2] * found


def test_a_lost_syn_ack_hides_nothing(tmp_path: Path) -> None:
    """The server takes what is sent, and says so."""
    talk = Connection().raw("S", 1000, ack=0)
    talk.server_next = 7001
    alerts, _ = scan(tmp_path, RULE, talk.at(0, b"secret").at(6, b"-word").acked(11).packets)
    assert numbers(alerts) == [len(talk.packets)]


@pytest.mark.parametrize(("options", "found"), [({}, 0), (ONE_SIDED, 1)])
def test_a_server_that_alone_is_seen_is_parsed_when_asked_for(
    tmp_path: Path, options: dict[str, str], found: int
) -> None:
    talk = Connection().raw("SA", 7000, ack=1001, client=False)
    talk.client_next = 1100
    talk.answer(0, b"HTTP/1.1 200 OK\r\nX: secret").answer(26, b"-word\r\nContent-Length: 0\r\n\r\n")
    said = 'flow:established,to_client; http.header; content:"secret-word";'
    rule = f"alert http any any -> any any ({said} sid:1;)"
    assert len(scan(tmp_path, [rule], talk.packets, options=options)[0]) == found


@pytest.mark.parametrize("midstream", [False, True])
def test_a_connection_that_begins_at_its_syn_ack_is_joined_only_when_asked_for(
    tmp_path: Path, midstream: bool
) -> None:
    """Also once its server acknowledges, where the client was heard before nothing was agreed on."""
    talk = Connection().raw("SA", 7000, ack=1001, client=False)
    talk.client_next, talk.server_next = 1001, 7001
    talk.raw("A", 1001).at(0, b"secret").at(6, b"-word").acked(11)
    stream = 'alert tcp-stream any any -> any any (content:"secret-word"; sid:1;)'
    alerts, _ = scan(tmp_path, [stream], talk.packets, options={"stream.midstream": str(midstream).lower()})
    assert len(alerts) == midstream


def test_midstream_only_when_asked_for(tmp_path: Path) -> None:
    talk = Connection().at(0, b"secret").at(6, b"-word")
    assert scan(tmp_path, RULE, talk.packets)[0] == []
    alerts, stats = scan(tmp_path, RULE, talk.packets, options={"stream.midstream": "true"})
    assert len(alerts) == 1
    assert stats["tcp.midstream_pickups"] == 1


def test_without_midstream_a_packet_by_itself_is_still_looked_at(tmp_path: Path) -> None:
    alerts, _ = scan(tmp_path, RULE, Connection().at(0, b"secret-word").packets)
    assert [a.stream for a in alerts] == [False]


def test_depth(tmp_path: Path, talk: Connection) -> None:
    """Beyond it nothing is put together."""
    talk.at(0, b"x" * 95).at(95, b"secret").at(101, b"-word")
    options = {"stream.reassembly.depth": "100"}
    assert scan(tmp_path, RULE, talk.packets, options=options)[0] == []
    assert len(scan(tmp_path, RULE, talk.packets)[0]) == 1


def test_fin_and_reset_let_go_of_what_waits(tmp_path: Path) -> None:
    for flags in ("FA", "R"):
        talk = Connection().open().at(0, b"secret-word", "A").at(11, b"", flags)
        assert numbers(scan(tmp_path, RULE, talk.packets)[0]) == [HANDSHAKE + 2]


def test_bytes_of_a_syn_are_of_the_stream_with_fast_open_alone(tmp_path: Path) -> None:
    """Without it a SYN is looked at as a packet, and the bytes that follow are the first of the stream."""
    plain = Connection().raw("S", 1000, b"word!", ack=0).raw("SA", 7000, b"word!", ack=1001, client=False)
    plain.client_next, plain.server_next = 1001, 7001
    plain.raw("A", 1001).at(0, b"a word!").acked(7).answer(0, b"word!").raw("A", 1008, ack=7006)
    rule = 'alert tcp any any -> any any (content:"word!"; sid:1;)'
    assert numbers(scan(tmp_path, [rule], plain.packets)[0]) == [1, 2, 4, 6]
    quick = Connection().raw("S", 1000, b"word!", ack=0).raw("SA", 7000, ack=1006, client=False)
    quick.packets[0][TCP].options = [(34, b"12345678")]
    quick.raw("A", 1006, ack=7001).at(5, b" more", ack=7001)
    assert numbers(scan(tmp_path, [rule.replace("word!", "word! more")], quick.packets)[0]) == [4]


def test_a_reset_out_of_the_blue_ends_nothing(tmp_path: Path, talk: Connection) -> None:
    talk.at(0, b"secret-").at(-900_000_000, b"", "R").at(7, b"word")
    assert len(scan(tmp_path, RULE, talk.packets)[0]) == 1


FORGED = ((-30, True), (5, True), (1 << 19, True), (0, False))
"""Of resets that their receiver does not believe: place behind what was sent, is the checksum right?"""


@pytest.mark.parametrize(("ahead", "sound"), FORGED)
def test_a_forged_reset_and_silence_hide_nothing(
    tmp_path: Path, talk: Connection, ahead: int, sound: bool
) -> None:
    talk.at(0, b"." * 40).acked(40).at(40 + ahead, b"", "R")
    if not sound:
        talk.packets[-1][TCP].chksum = 1
    talk.at(40, b"secret-", after=30.0).at(47, b"word")
    alerts, _ = scan(tmp_path, RULE, talk.packets, checksums="all")
    assert numbers(alerts) == [len(talk.packets)]


@pytest.mark.parametrize(("ahead", "sound"), FORGED)
def test_a_forged_reset_does_not_cut_a_request_in_two(
    tmp_path: Path, talk: Connection, ahead: int, sound: bool
) -> None:
    head, rest = b"GET /a?" + b"." * 33, b"secret-word HTTP/1.1\r\nHost: a\r\n\r\n"
    talk.at(0, head).acked(40).at(40 + ahead, b"", "R")
    if not sound:
        talk.packets[-1][TCP].chksum = 1
    so_far = len(talk.packets)
    talk.at(40, rest)
    rule = 'alert http any any -> any any (http.uri; content:"a?"; content:"secret-word"; sid:1;)'
    alerts, _ = scan(tmp_path, [rule], talk.packets, apart=so_far, checksums="all")
    assert len(alerts) == 1


@pytest.mark.parametrize("opens_anew", [False, True])
@pytest.mark.parametrize("ahead", [-30, 5, 1 << 19])
def test_forged_fins_do_not_cut_a_request_in_two(
    tmp_path: Path, talk: Connection, ahead: int, opens_anew: bool
) -> None:
    talk.at(0, b"GET /a?" + b"." * 33).acked(40).at(40 + ahead, b"", "FA").answer(ahead, b"", "FA")
    if opens_anew:
        talk.raw("S", 500_000_000, ack=0)
    talk.at(40, b"secret-word HTTP/1.1\r\nHost: a\r\n\r\n", after=30.0)
    rule = 'alert http any any -> any any (http.uri; content:"a?"; content:"secret-word"; sid:1;)'
    assert len(scan(tmp_path, [rule], talk.packets)[0]) == 1


def test_bytes_with_a_wrong_checksum_make_no_reset_the_next(tmp_path: Path, talk: Connection) -> None:
    talk.at(0, b"." * 40).acked(40).at(40, b"." * 10)
    talk.packets[-1][TCP].chksum = 1
    talk.at(50, b"", "R").at(40, b"secret-", after=30.0).at(47, b"word")
    alerts, _ = scan(tmp_path, RULE, talk.packets, checksums="all")
    assert numbers(alerts) == [len(talk.packets)]


@pytest.mark.parametrize(("place", "sound"), [(0, False), (5_000, True)])
def test_an_answer_that_nobody_takes_does_not_stop_a_parser(
    tmp_path: Path, talk: Connection, place: int, sound: bool
) -> None:
    """As when a server of HTTP speaks first."""
    talk.answer(place, b"220 hello")
    if not sound:
        talk.packets[-1][TCP].chksum = 1
    talk.at(0, b"GET /secret-word HTTP/1.1\r\nHost: a\r\n\r\n")
    rule = 'alert http any any -> any any (http.uri; content:"secret-word"; sid:1;)'
    assert len(scan(tmp_path, [rule], talk.packets, checksums="all")[0]) == 1
    heard = Connection().open().answer(0, b"220 hello").at(0, b"GET /secret-word HTTP/1.1\r\nHost: a\r\n\r\n")
    assert scan(tmp_path, [rule], heard.packets, checksums="all")[0] == []


@pytest.mark.parametrize("ahead", [-1, 1, 7, 30])
def test_a_forged_reset_gives_up_no_hole(tmp_path: Path, talk: Connection, ahead: int) -> None:
    talk.at(7, b"word").at(ahead, b"", "R").at(0, b"secret-")
    assert numbers(scan(tmp_path, RULE, talk.packets)[0]) == [len(talk.packets)]


def test_a_forged_reset_of_a_connection_that_is_not_answered_yet_hides_nothing(tmp_path: Path) -> None:
    talk = Connection()
    talk.raw("S", talk.isn, ack=0).raw("R", talk.isn + 7, ack=0)
    talk.raw("SA", 7000, ack=talk.isn + 1, client=False, after=20.0).raw("A", talk.isn + 1, ack=7001)
    talk.client_next, talk.server_next = talk.isn + 1, 7001
    rule = content("secret-word", options="flow:to_server,established;")
    alerts, _ = scan(tmp_path, [rule], talk.at(0, b"secret-").at(7, b"word").packets)
    assert len(alerts) == 1


def test_a_forged_syn_hides_nothing(tmp_path: Path, talk: Connection) -> None:
    talk.at(0, b"secret-").raw("S", 900_000_000, ack=0).at(7, b"word")
    assert len(scan(tmp_path, RULE, talk.packets)[0]) == 1


def test_a_connection_goes_on_behind_more_loss_than_a_window(tmp_path: Path, talk: Connection) -> None:
    """Both sides look wrong then: what the sensor knows of them is old."""
    lost = 200_000
    talk.at(0, b"hello").acked(5).at(lost, b"....").acked(lost + 4)
    talk.at(lost + 4, b"secret-").acked(lost + 11).at(lost + 11, b"word")
    assert numbers(scan(tmp_path, RULE, talk.packets)[0]) == [len(talk.packets)]


URGENT_IN_LINE = {"options": {"stream.reassembly.urgent.policy": "inline"}}


@pytest.mark.parametrize("pointer", [1, 4, 8])
def test_an_urgent_byte_goes_past_the_stream(tmp_path: Path, talk: Connection, pointer: int) -> None:
    """Its receiver's application does not read it with the others."""
    said = bytearray(b"secret-word")
    said.insert(2 + pointer, ord("!"))
    talk.at(0, bytes(said[:3]), "A").at(3, bytes(said[3:]), "PAU")
    talk.packets[-1][TCP].urgptr = pointer
    talk.at(len(said), b"more secret-word")
    first = HANDSHAKE + 2
    assert numbers(scan(tmp_path, RULE, talk.packets)[0]) == [first]
    assert numbers(scan(tmp_path, RULE, talk.packets, **URGENT_IN_LINE)[0]) == [first + 1]
    written = [content(said.decode().replace("!", "|21|"))]
    assert numbers(scan(tmp_path, written, talk.packets, **URGENT_IN_LINE)[0]) == [first]


def test_an_urgent_byte_alone_and_one_behind_the_payload(tmp_path: Path, talk: Connection) -> None:
    talk.at(0, b"secret-").at(7, b"!", "PAU").at(8, b"word")
    talk.packets[-2][TCP].urgptr = 1
    assert len(scan(tmp_path, RULE, talk.packets)[0]) == 1
    talk = Connection().open().at(0, b"secret-").at(7, b"wo", "PAU").at(9, b"rd")
    talk.packets[-2][TCP].urgptr = 500
    assert len(scan(tmp_path, RULE, talk.packets)[0]) == 1


def test_what_a_reset_says_is_no_part_of_the_stream(tmp_path: Path, talk: Connection) -> None:
    talk.at(0, b"secret-").at(7, b"word", "R")
    assert scan(tmp_path, RULE, talk.packets)[0] == []
    whole = Connection().open().at(0, b"secret-word", "R")
    assert [a.stream for a in scan(tmp_path, RULE, whole.packets)[0]] == [False]


def test_a_connection_that_was_not_followed_is_not_established_by_a_reset(tmp_path: Path) -> None:
    talk = Connection().at(0, b"secret-word").raw("R", 7000, client=False).at(0, b"secret-word")
    rule = content("secret-word", options="flow:to_server,established;")
    assert scan(tmp_path, [rule], talk.packets)[0] == []


def test_a_segment_with_a_wrong_checksum_is_left_out(tmp_path: Path, talk: Connection) -> None:
    talk.at(0, b"XXXXXX").at(0, b"secret").at(6, b"-word")
    forged = talk.packets[HANDSHAKE]
    forged["TCP"].chksum = 0x1234
    assert len(scan(tmp_path, RULE, talk.packets)[0]) == 1
    assert scan(tmp_path, RULE, talk.packets, checksums="none")[0] == []


def test_a_rule_about_the_packet_looks_at_packets(tmp_path: Path, talk: Connection) -> None:
    talk.at(0, b"secret-word", "A")
    alerts, _ = scan(tmp_path, [content("secret-word", options="dsize:11;")], talk.packets)
    assert [(a.packet_number, a.stream) for a in alerts] == [(HANDSHAKE + 1, False)]


def test_only_streams_that_some_rule_inspects_are_followed(tmp_path: Path, talk: Connection) -> None:
    rule = content("secret-word").replace("any 80", "any 81")
    _, stats = scan(tmp_path, [rule], talk.at(0, b"secret-word").packets, options=LOOKS_AT_ALL)
    assert stats["tcp.sessions"] == 0


@pytest.mark.parametrize(("acknowledged", "alerts"), [(False, [4]), (True, [4, 6])])
def test_bytes_sent_again_after_they_were_acknowledged_are_a_packet_of_their_own(
    tmp_path: Path, talk: Connection, acknowledged: bool, alerts: list[int]
) -> None:
    talk.at(0, b"secret-word")
    (talk.acked(11) if acknowledged else talk.raw("A", 7001, client=False)).at(0, b"secret-word")
    assert numbers(scan(tmp_path, RULE, talk.packets)[0]) == alerts


def test_options_count_in_every_segment(tmp_path: Path, talk: Connection) -> None:
    """A shift above 14 is none; rules about what is never seen load, and match nothing."""
    talk.at(0, b"a").at(1, b"b").at(0, b"a").at(2, b"c")
    talk.packets[3][TCP].options = [("MSS", 700), ("WScale", 7)]
    talk.packets[4][TCP].options = [("WScale", 15)]
    rules = [
        f'alert tcp any any -> any any (msg:"m"; {text} sid:{sid};)'
        for sid, text in enumerate(
            (
                "tcp.mss:700;", "tcp.wscale:7;", "tcp.wscale:0;", "tcp.wscale:>7;",
                "stream-event:reassembly_segment_before_base_seq;",
                "stream-event:3whs_synack_resend_with_diff_seq;",
            ),
            1,
        )
    ]  # fmt: skip
    found = [(alert.sid, alert.packet_number) for alert in scan(tmp_path, rules, talk.packets)[0]]
    assert found == [(1, 4), (2, 4), (3, 5)]

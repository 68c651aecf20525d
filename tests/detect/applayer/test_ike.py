"""IKE messages of both versions, built by scapy."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.contrib import ikev2
from scapy.layers import isakmp
from scapy.packet import Packet

from tests.detect.applayer import feeding
from vpi_tui.detect.applayer.describe.ike import describe
from vpi_tui.detect.applayer.ike import IKE, IkeParser
from vpi_tui.detect.applayer.ike.message import Message, Proposal, Transform
from vpi_tui.detect.applayer.messages import MessageTransaction
from vpi_tui.detect.applayer.transaction import Transaction
from vpi_tui.model.batch import Direction

SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT
INIT, RESP = bytes.fromhex("0102030405060708"), bytes.fromhex("1112131415161718")


values = partial(feeding.values, IKE)


def number(found: Transaction, buffer: str, direction: int) -> list[int]:
    return [int.from_bytes(value) for value in values(found, buffer, direction)]


def transform(**attributes: object) -> Packet:
    return isakmp.ISAKMP_payload_Transform(transforms=list(attributes.items()))


def chosen(*transforms: Packet) -> bytes:
    listed = transforms[0]
    for one in transforms[1:]:
        listed = listed / one
    association = isakmp.ISAKMP_payload_SA(
        prop=isakmp.ISAKMP_payload_Proposal(trans_nb=len(transforms), trans=listed)
    )
    return bytes(isakmp.ISAKMP(init_cookie=INIT, resp_cookie=RESP, exch_type=2) / association)


def test_the_chosen_association_of_version_1() -> None:
    made = transform(Encryption="AES-CBC", Hash="SHA", GroupDesc="1024MODPgr", LifeDuration=1 << 24)
    (found,) = IkeParser().datagram(CLIENT, chosen(made))
    assert number(found, "ike.chosen_sa_attribute.alg_enc", CLIENT) == [7]
    assert number(found, "ike.chosen_sa_attribute.alg_hash", CLIENT) == [2]
    assert number(found, "ike.chosen_sa_attribute.alg_dh", CLIENT) == [2]
    assert number(found, "ike.chosen_sa_attribute.sa_life_duration", CLIENT) == [1 << 24]
    assert number(found, "ike.chosen_sa_attribute.alg_prf", CLIENT) == []
    assert values(found, "ike.resp_spi", CLIENT) == [RESP.hex().encode()]
    assert number(found, "ike.exchtype", CLIENT) == [2]
    assert found.events[CLIENT] == {}


def test_what_is_no_number_of_version_1() -> None:
    of_three_bytes = chosen(transform(Hash="SHA", LifeDuration=86400))
    (found,) = IkeParser().datagram(CLIENT, of_three_bytes)
    assert number(found, "ike.chosen_sa_attribute.sa_life_duration", CLIENT) == []
    domain = of_three_bytes.index(b"\0\0\0\1\0\0\0\1")
    (found,) = IkeParser().datagram(
        CLIENT, of_three_bytes[: domain + 3] + b"\2" + of_three_bytes[domain + 4 :]
    )
    assert number(found, "ike.chosen_sa_attribute.alg_hash", CLIENT) == [], "of another domain"


def test_more_than_one_choice() -> None:
    parser = IkeParser()
    (first,) = parser.datagram(CLIENT, chosen(transform(Hash="SHA")))
    (again,) = parser.datagram(CLIENT, chosen(transform(Hash="MD5")))
    (both,) = parser.datagram(CLIENT, chosen(transform(Hash="SHA"), transform(Hash="MD5")))
    assert first.events[CLIENT] == again.events[CLIENT] == {}
    assert list(both.events[CLIENT]) == ["ike.multiple_server_proposal"]


def keys(text: bytes) -> bytes:
    header = isakmp.ISAKMP(init_cookie=INIT, resp_cookie=RESP, exch_type=2)
    return bytes(header / isakmp.ISAKMP_payload_KE(ke=text) / isakmp.ISAKMP_payload_Nonce(nonce=text[::-1]))


def test_a_message_of_version_1_is_told_with_what_was_said_before() -> None:
    parser = IkeParser()
    made = transform(Encryption="AES-CBC", KeyLength=128, GroupDesc="1536MODPgr", LifeDuration=86400)
    parser.datagram(SERVER, chosen(made))
    (answer,) = parser.datagram(CLIENT, chosen(made))
    told = describe(answer)["ike"]
    attributes = [
        {"key": "alg_enc", "value": "EncAesCbc", "raw": 7},
        {"key": "sa_key_length", "value": "Unknown", "raw": 128},
        {"key": "alg_dh", "value": "GroupModp1536Bit", "raw": 5},
        {"key": "sa_life_duration", "value": "Unknown", "raw": "015180"},
    ]
    assert told["attributes"] == attributes
    assert told["payload"] == ["SecurityAssociation", "Proposal", "Transform"]
    assert told["ikev1"] == {"doi": 1, "encrypted_payloads": False, "client": {}}
    parser.datagram(SERVER, keys(b"ab"))
    (answer,) = parser.datagram(CLIENT, keys(b"cde"))
    told = describe(answer)["ike"]
    assert told["attributes"] == attributes
    assert told["ikev1"]["doi"] == 1
    assert told["ikev1"]["client"]["key_exchange_payload"] == b"ab".hex()
    assert told["ikev1"]["server"] == {
        "key_exchange_payload": b"cde".hex(),
        "key_exchange_payload_length": 3,
        "nonce_payload": b"edc".hex(),
        "nonce_payload_length": 3,
    }
    assert 0 < parser.held() < 2_000
    hidden = bytearray(keys(b"fg"))
    hidden[19] |= 1
    (last,) = parser.datagram(SERVER, bytes(hidden))
    told = describe(last)["ike"]
    assert told["payload"] == ["KeyExchange"], "the one that the header names"
    assert told["ikev1"] == {"doi": 1, "encrypted_payloads": True}
    assert told["attributes"] == attributes


def test_payloads_of_version_2_are_told_by_what_names_them() -> None:
    (found,) = IkeParser().datagram(SERVER, proposal(*STRONG))
    told = describe(found)["ike"]
    assert told["payload"] == ["SecurityAssociation", "NoNextPayload"]
    assert told["role"] == "initiator"


def test_payloads_of_version_1() -> None:
    message = (
        isakmp.ISAKMP(init_cookie=INIT, resp_cookie=RESP, exch_type=2)
        / isakmp.ISAKMP_payload_KE(ke=b"key" * 40)
        / isakmp.ISAKMP_payload_Nonce(nonce=b"nonce")
        / isakmp.ISAKMP_payload_VendorID(VendorID=b"\x4a\x13")
    )
    (found,) = IkeParser().datagram(SERVER, bytes(message) + b"more")
    assert values(found, "ike.key_exchange_payload", SERVER) == [b"key" * 40]
    assert number(found, "ike.key_exchange_payload_length", SERVER) == [120]
    assert values(found, "ike.nonce_payload", SERVER) == [b"nonce"]
    assert number(found, "ike.nonce_payload_length", SERVER) == [5]
    assert values(found, "ike.vendor", SERVER) == [b"4a13"]
    assert list(found.events[SERVER]) == ["ike.payload_extra_data"]


def proposal(*transforms: tuple[int, int], protocol: int = 1) -> bytes:
    listed = None
    for place, (kind, value) in enumerate(transforms):
        last = 0 if place == len(transforms) - 1 else 3
        made = ikev2.IKEv2_Transform(next_payload=last, transform_type=kind, transform_id=value)
        listed = made if listed is None else listed / made
    body = ikev2.IKEv2_SA(prop=ikev2.IKEv2_Proposal(proto=protocol, trans_nb=len(transforms), trans=listed))
    return bytes(ikev2.IKEv2(init_SPI=INIT, exch_type=34, flags="Initiator") / body)


STRONG = ((1, 20), (2, 5), (4, 14))


@pytest.mark.parametrize(
    ("transforms", "events"),
    [
        (STRONG, []),
        (((1, 12), (2, 5), (3, 12), (4, 14)), []),
        (((1, 12), (2, 5), (4, 14)), ["weak_crypto_no_auth"]),
        (((1, 3), *STRONG), ["weak_crypto_enc"]),
        (((2, 2), *STRONG), ["weak_crypto_prf"]),
        (((3, 1), *STRONG), ["weak_crypto_auth"]),
        (((4, 2), *STRONG), ["weak_crypto_dh"]),
        (((4, 0), *STRONG), ["invalid_proposal"]),
        (((99, 1), *STRONG), ["unknown_proposal"]),
        (STRONG[:2], ["weak_crypto_no_dh"]),
    ],
)
def test_proposals_of_version_2(transforms: tuple[tuple[int, int], ...], events: list[str]) -> None:
    (found,) = IkeParser().datagram(SERVER, proposal(*transforms))
    assert list(found.events[SERVER]) == [f"ike.{name}" for name in events]


def test_authentication_header_encrypts_nothing() -> None:
    (found,) = IkeParser().datagram(SERVER, proposal(*STRONG, protocol=2))
    assert list(found.events[SERVER]) == ["ike.no_encryption"]


def test_what_is_chosen_in_version_2() -> None:
    (found,) = IkeParser().datagram(CLIENT, proposal(*STRONG))
    assert number(found, "ike.chosen_sa_attribute.alg_dh", CLIENT) == [14]
    assert number(found, "ike.chosen_sa_attribute.alg_prf", CLIENT) == [5]
    assert number(found, "ike.exchtype", CLIENT) == [34]
    proposals = [Proposal(1, (Transform(1, 12),)), Proposal(1, (Transform(4, 14),))]
    of_two = MessageTransaction(CLIENT, Message(INIT, RESP, 2, 0, 34, 0, 0, proposals=proposals))
    assert number(of_two, "ike.chosen_sa_attribute.alg_dh", CLIENT) == [14]


def test_an_encrypted_payload_is_not_read() -> None:
    data = bytearray(chosen(transform(Hash="SHA")))
    data[19] |= 1
    (found,) = IkeParser().datagram(CLIENT, bytes(data))
    assert found.events[CLIENT] == {}
    assert number(found, "ike.chosen_sa_attribute.alg_hash", CLIENT) == []


def short_association() -> bytes:
    """An association whose proposal does not hold what it says."""
    whole = chosen(transform(Hash="SHA"))
    return whole[:28] + b"\0\0\0\x10" + whole[32:44]


@pytest.mark.parametrize("data", [b"", bytes(27), bytes(28), short_association()])
def test_what_is_no_message(data: bytes) -> None:
    assert IkeParser().datagram(CLIENT, data) == []


def test_payloads_that_are_cut() -> None:
    """Of version 1 the whole ones are read; of version 2 none is."""
    whole = chosen(transform(Hash="SHA"))
    (found,) = IkeParser().datagram(CLIENT, whole[:-1])
    assert list(found.events[CLIENT]) == ["ike.payload_extra_data"]
    (found,) = IkeParser().datagram(CLIENT, proposal((4, 2))[:-1])
    assert found.events[CLIENT] == {}
    assert number(found, "ike.exchtype", CLIENT) == [34]
    assert number(found, "ike.chosen_sa_attribute.alg_dh", CLIENT) == []


@given(st.binary(), st.sampled_from([proposal(*STRONG), chosen(transform(Hash="SHA"))]), st.integers(16, 60))
def test_nothing_raises(junk: bytes, good: bytes, at: int) -> None:
    parser = IkeParser()
    for data in (junk, good[:at] + junk, good[:at] + junk + good[at + len(junk) :]):
        for found in parser.datagram(CLIENT, data):
            for buffer in IKE.buffers:
                values(found, buffer, CLIENT)

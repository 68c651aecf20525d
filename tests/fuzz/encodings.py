"""Any bytes to what parsers share (BER, certificates, header blocks, transforms)."""

from __future__ import annotations

from typing import Final

from tests.detect.applayer.test_tls import ALGORITHM, GOOD, tlv
from tests.fuzz.target import Target
from vpi_tui.detect.applayer import ber
from vpi_tui.detect.applayer.http2.fields import LIST_LIMIT, FieldDecoder
from vpi_tui.detect.applayer.tls import certificates, flaws
from vpi_tui.detect.match.asn1 import asn1_holds
from vpi_tui.detect.transforms import MOST_INFLATED, TRANSFORMS
from vpi_tui.model.signature import Asn1

ARGUMENTS: Final = {
    "xor": (b"\x0d", b"\x01\x02\x03"),
    "pcrexform": (b"(a+)+x", b"^(\\d+) "),
    "gunzip": (b"", b"1", b"1000000"),
    "zlib_deflate": (b"", b"1", b"1000000"),
    "from_base64": (b"0,0,rfc4648", b"8,1,strict", b"0,0,rfc2045"),
}
"""Of the transforms that take one, as the rule language hands them over."""


def basic_encoding(data: bytes) -> None:
    for element in ber.elements(data):
        ber.object_identifier(element.value)
        ber.integer(element.value)
        ber.by_tag(element.value)
    asn1_holds(FLAWED, data, 0)


def certificate(data: bytes) -> None:
    found = certificates.certificate(data)
    assert all(isinstance(one, bytes) for one in (found.subject, found.issuer, found.serial))
    assert len(found.alternative_names) <= certificates.MOST_NAMES
    assert flaws.of_certificate(data).isascii()
    certificates.is_certificate(data)


def header_blocks(data: bytes) -> None:
    """Blocks of one connection: a byte of length, the block, and so on."""
    decoder, at = FieldDecoder(), 0
    while at < len(data):
        end = at + 1 + data[at]
        block = decoder.decode(data[at + 1 : end])
        assert sum(len(name) + len(value) for name, value in block.fields) <= LIST_LIMIT
        at = end


def transform(data: bytes) -> None:
    """The first two bytes choose the transform and its argument."""
    if len(data) < 2:
        return
    chosen = list(TRANSFORMS.values())[data[0] % len(TRANSFORMS)]
    arguments = ARGUMENTS.get(chosen.name, (b"",))
    made = chosen.make(arguments[data[1] % len(arguments)])(data[2:])
    assert len(made) <= max(MOST_INFLATED, 4 * len(data))
    chosen.piece(data[2:])


FLAWED: Final = Asn1(
    "payload", bitstring_overflow=True, double_overflow=True, oversize_length=100, offset=0, relative=False
)
CERTIFICATE: Final = tlv(0x30, tlv(0x30, *GOOD.values()), ALGORITHM, tlv(3, b"\0signed"))
BLOCKS: Final = (b"\x04\x82\x86\x84\x41", b"\x06\x40\x01a\x01b\xbe", b"\x02\x3f\xe1")
TO_CHANGE: Final = b"a:b=%41 c\n:d YWJj"

TARGETS: Final = (
    Target("ber", basic_encoding, lambda: (CERTIFICATE, *GOOD.values())),
    Target("certificate", certificate, lambda: (CERTIFICATE,), GOOD.values),
    Target("hpack", header_blocks, lambda: BLOCKS),
    Target(
        "transform",
        transform,
        lambda: [bytes([n, m]) + TO_CHANGE for n in range(len(TRANSFORMS)) for m in range(3)],
    ),
)

"""IPv4 options: the bits of `DecodedBatch.ip_opts` and their names.

Source: IANA "IP Option Numbers"; names as Suricata's `ipopts` keyword.
"""

from __future__ import annotations

OPTION_NUMBERS: dict[str, int] = {
    "eol": 0,
    "nop": 1,
    "rr": 7,
    "qs": 25,
    "ts": 68,
    "sec": 130,
    "lsrr": 131,
    "esec": 133,
    "cipso": 134,
    "satid": 136,
    "ssrr": 137,
    "rtralt": 148,
}
"""Option name -> option type octet."""

OPTION_BITS: dict[str, int] = {name: 1 << at for at, name in enumerate(OPTION_NUMBERS)}
"""Option name -> bit in `DecodedBatch.ip_opts`."""

OTHER_BIT = 1 << 31
"""Set for an option that has no name here."""

BITS_BY_NUMBER: tuple[int, ...] = tuple(
    next((OPTION_BITS[name] for name, kind in OPTION_NUMBERS.items() if kind == number), OTHER_BIT)
    for number in range(256)
)


def names(bits: int) -> tuple[str, ...]:
    """Names of the options in `bits`, in the order of OPTION_BITS; unknown ones are left out."""
    return tuple(name for name, bit in OPTION_BITS.items() if bits & bit)

from __future__ import annotations

import ipaddress
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpi_tui.detect.rules.ast import Refused
from vpi_tui.detect.rules.sets import complement, subtract, union
from vpi_tui.detect.rules.variables import Variables
from vpi_tui.model.errors import ConfigError

V4 = 0xFFFF << 32


def ip(text):
    address = ipaddress.ip_address(text)
    return int(address) | V4 if address.version == 4 else int(address)


def holds(word, address, **settings):
    names = {f"vars.address-groups.{name}": value for name, value in settings.items()}
    return ip(address) in Variables(names).addresses(word)


@pytest.mark.parametrize(
    ("word", "inside", "outside"),
    [
        ("any", ["1.2.3.4", "fe80::1"], []),
        ("10.1.2.3", ["10.1.2.3"], ["10.1.2.4"]),
        ("010.001.2.3", ["10.1.2.3"], ["8.1.2.3"]),
        ("10.1.2.3/8", ["10.0.0.0", "10.255.255.255"], ["11.0.0.0", "::1"]),
        ("10.0.0.0/255.255.0.0", ["10.0.255.1"], ["10.1.0.0"]),
        ("1.1.1.1-1.1.1.5", ["1.1.1.5"], ["1.1.1.6"]),
        ("2001:db8::/32", ["2001:db8::1"], ["2001:db9::1"]),
        ("::/0", ["fe80::1", "::", "ffff::"], ["1.2.3.4"]),
        ("0.0.0.0/0", ["1.2.3.4", "255.255.255.255"], ["fe80::1"]),
        ("ff00::/8", ["ff02::1"], ["fe80::1", "1.1.1.1"]),
        ("!10.0.0.0/8", ["11.0.0.0"], ["10.0.0.1", "fe80::1"]),
        ("!fe80::/10", ["2001::1"], ["fe80::1", "11.0.0.0"]),
        ("[10.0.0.0/8,!fe80::/10]", ["10.0.0.1", "2001::1"], ["fe80::1", "11.0.0.0"]),
        ("![10.0.0.0/8,fe80::/10]", ["11.0.0.0", "2001::1"], ["10.0.0.1", "fe80::1"]),
        ("[any,!10.0.0.0/8]", ["11.0.0.0", "fe80::1"], ["10.0.0.1"]),
        ("[10.0.0.0/8,!10.1.0.0/16]", ["10.2.0.0"], ["10.1.2.3", "11.0.0.1"]),
        ("[!10.0.0.1,!10.0.0.2]", ["10.0.0.3"], ["10.0.0.1", "10.0.0.2", "::1"]),
        ("[10.0.0.0/8,![10.1.0.0/16,!10.1.1.0/24]]", ["10.1.1.1", "10.2.0.1"], ["10.1.2.1"]),
        ("10.0.0.0/8,!10.1.0.0/16,192.0.2.1", ["10.2.0.0", "192.0.2.1"], ["10.1.2.3", "11.0.0.1"]),
        ("$HOME_NET", ["192.168.0.1"], ["8.8.8.8"]),
        ("$EXTERNAL_NET", ["8.8.8.8"], ["10.0.0.1", "2001::1"]),
        ("![$HTTP_SERVERS,8.8.8.8]", ["9.9.9.9"], ["10.0.0.1", "8.8.8.8"]),
    ],
)
def test_address_lists(word, inside, outside):
    assert all(holds(word, address) for address in inside)
    assert not any(holds(word, address) for address in outside)


def test_settings_override_and_nest():
    assert holds("$EXTERNAL_NET", "192.168.0.1", HOME_NET="[172.16.0.0/12]")
    assert holds("$LAB", "10.9.0.1", LAB="[$LEFT,$RIGHT]", LEFT="10.9.0.0/24", RIGHT="10.8.0.0/24")


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("10.0.0.256", "not an address"),
        ("10.0.0.0/33", "not an address"),
        ("10.0.0.0/255.0.255.0", "not an address"),
        ("host", "not an address"),
        ("1.1.1.9-1.1.1.1", "backwards"),
        ("$HOME_NETT", "did you mean \\$HOME_NET"),
        ("$", "unknown address variable"),
        ("[10.0.0.1", "ends too early"),
        ("[10.0.0.1 10.0.0.2]", "comma is missing"),
        ("[]", "unexpected"),
        ("[10.0.0.1,]", "unexpected"),
        ("!!10.0.0.1", "unexpected"),
        ("10.0.0.1,", "ends too early"),
        ("10.0.0.1[10.0.0.2]", "put several in"),
        ("[10.0.0.0/24,!10.0.0.0/8]", "holds nothing"),
        ("!any", "holds nothing"),
        ("[" * 70 + "1.1.1.1" + "]" * 70, "nested"),
        ("[" * 20_000, "nested"),
    ],
)
def test_address_lists_that_are_refused(word, reason):
    with pytest.raises(Refused, match=reason):
        Variables().addresses(word)


def test_what_was_set_is_checked_whether_or_not_a_rule_uses_it():
    with pytest.raises(ConfigError, match=r"HOME_NET is '\[10\.0\.0\.0/99\]': not an address"):
        Variables({"vars.address-groups.HOME_NET": "[10.0.0.0/99]"})
    with pytest.raises(ConfigError, match="holds nothing"):
        Variables({"vars.port-groups.HTTP_PORTS": "[80,!80]"})
    with pytest.raises(ConfigError, match=r"refers to itself: A -> B -> A"):
        Variables({"vars.address-groups.A": "[$B]", "vars.address-groups.B": "!$A"})
    chain = {f"vars.address-groups.V{n}": f"$V{n + 1}" for n in range(500)}
    with pytest.raises(ConfigError, match="too deeply"):
        Variables(chain)


def test_unknown_group_of_variables_is_a_setting_error():
    with pytest.raises(ConfigError, match=r"vars\.addres-groups"):
        Variables({"vars.addres-groups.X": "any"})
    Variables({"stream.midstream": "true"})


@pytest.mark.parametrize(
    ("word", "spans"),
    [
        ("any", ((0, 65535),)),
        ("80", ((80, 80),)),
        ("1024:", ((1024, 65535),)),
        (":1024", ((0, 1024),)),
        ("80:90", ((80, 90),)),
        ("!80", ((0, 79), (81, 65535))),
        ("[80,81,100:200,!150]", ((80, 81), (100, 149), (151, 200))),
        ("[1:80,![2,4]]", ((1, 1), (3, 3), (5, 80))),
        ("$FILE_DATA_PORTS", ((80, 80), (110, 110), (143, 143))),
        ("$SHELLCODE_PORTS", ((0, 79), (81, 65535))),
    ],
)
def test_port_lists(word, spans):
    assert Variables().ports(word).spans == spans


@pytest.mark.parametrize("word", ["65536", "-1", "http", "90:80", ":", "1:2:3", "", "[80", "!0:65535", "٣"])
def test_port_lists_that_are_refused(word):
    with pytest.raises(Refused):
        Variables().ports(word)


_SPANS = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 40)).map(lambda p: (min(p), max(p))), max_size=6
)


def _members(spans):
    return {value for low, high in spans for value in range(low, high + 1)}


@given(_SPANS, _SPANS)
def test_set_arithmetic_agrees_with_python_sets(left, right):
    a, b = union(left), union(right)
    assert _members(a) == _members(left)
    assert all(x[1] + 1 < y[0] for x, y in itertools.pairwise(a))
    assert _members(complement(a, 50)) == set(range(51)) - _members(left)
    assert _members(subtract(a, b)) == _members(left) - _members(right)

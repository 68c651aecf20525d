"""Figures keep their promised width and their value to three digits, for any number."""

from __future__ import annotations

import math
import re
from datetime import UTC, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpi_tui.view import humanize

from .samples import NS, START

_PREFIXES = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
_FIGURE = re.compile(r"([0-9.]+) ?([kMGTPE]?)(?:B|b/s|p/s)?\Z")
anything = st.floats(allow_nan=True, allow_infinity=True)
amounts = st.floats(0, 9e20, allow_nan=False)


def _value(text: str) -> float:
    found = _FIGURE.match(text)
    assert found, text
    return float(found[1]) * _PREFIXES[found[2]]


@given(anything)
def test_widths_are_kept(value):
    assert len(humanize.count(value)) <= 5
    assert len(humanize.size(value)) <= 7
    assert len(humanize.bit_rate(value)) <= 9
    assert len(humanize.packet_rate(value)) <= 9
    assert len(humanize.duration(value)) <= 7
    assert len(humanize.percent(value)) <= 4


@given(amounts)
def test_three_digits_tell_the_value(value):
    for text, meant in (
        (humanize.count(value), value),
        (humanize.size(value), value),
        (humanize.bit_rate(value), value * 8),
        (humanize.packet_rate(value), value),
    ):
        assert math.isclose(_value(text), min(meant, 999e18), rel_tol=0.0051, abs_tol=0.006), text


@given(amounts, amounts)
def test_more_is_never_shown_as_less(one, other):
    low, high = sorted((one, other))
    assert _value(humanize.size(low)) <= _value(humanize.size(high))


@pytest.mark.parametrize(
    ("tell", "value", "text"),
    [
        (humanize.count, 0, "0"),
        (humanize.count, 999, "999"),
        (humanize.count, 999.6, "1.00k"),
        (humanize.count, 1234, "1.23k"),
        (humanize.count, 999_950, "1.00M"),
        (humanize.count, -1, "?"),
        (humanize.size, 999, "999 B"),
        (humanize.size, 1_230_000, "1.23 MB"),
        (humanize.bit_rate, 125_000, "1.00 Mb/s"),
        (humanize.packet_rate, 12_340, "12.3 kp/s"),
        (humanize.percent, 0.0, "0%"),
        (humanize.percent, 0.001, "<1%"),
        (humanize.percent, 0.374, "37%"),
        (humanize.percent, 7, "100%"),
        (humanize.duration, 0.085, "85 ms"),
        (humanize.duration, 0.9996, "1.0 s"),
        (humanize.duration, 59.6, "1m 00s"),
        (humanize.duration, 184, "3m 04s"),
        (humanize.duration, 7500, "2h 05m"),
        (humanize.duration, 4 * 86400 + 3 * 3600, "4d 03h"),
        (humanize.duration, 2 * 86400 + 23 * 3600 + 3599, "2d 23h"),
        (humanize.duration, 812 * 86400, "812 d"),
        (humanize.duration, math.inf, "?"),
    ],
)
def test_examples(tell, value, text):
    assert tell(value) == text


def test_age():
    assert humanize.ago(0, START) == "-"
    assert humanize.ago(START, START + NS - 1) == "now"
    assert humanize.ago(START + NS, START) == "now"
    assert humanize.ago(START, START + 9 * NS) == "9 s"
    assert humanize.ago(START, START + 3600 * NS) == "1h 00m"


@given(st.integers(-(2**63), 2**63 - 1))
def test_no_time_is_too_wide_or_raises(ts_ns):
    for zone in (UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-12))):
        assert len(humanize.clock(ts_ns, zone)) <= 8
        assert len(humanize.moment(ts_ns, zone)) <= 14
        assert humanize.full_time(ts_ns, zone)


def test_times_stand_in_their_zone():
    ts_ns = 1_795_615_402_123_456_789  # 2026-11-25 14:03:22 UTC
    assert humanize.full_time(ts_ns) == "2026-11-25 14:03:22.123456 UTC"
    india = timezone(timedelta(hours=5, minutes=30), "IST")
    assert humanize.clock(ts_ns, india) == "19:33:22"
    assert humanize.moment(ts_ns, timezone(timedelta(hours=12))) == "11-26 02:03:22"
    assert humanize.full_time(ts_ns, india).endswith(" IST")
    assert humanize.clock(0) == humanize.moment(-5) == "-"

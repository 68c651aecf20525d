"""Numbers and times for people: three significant digits, always a unit, never wider than promised.

Widths are promised so that columns do not jump: `count` 5, `size` 7, `bit_rate` 9, `packet_rate` 9,
`duration` 7, `ago` 7, `percent` 4, `clock` 8, `moment` 14 characters at most.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, tzinfo

NS = 1_000_000_000
_PREFIXES = ("", "k", "M", "G", "T", "P", "E")
_LIMIT = 999.5 * 1000.0 ** (len(_PREFIXES) - 1)


def _scaled(value: float) -> tuple[str, str]:
    """Three significant digits and the SI prefix: (`12.3`, `k`). Below 1000 integers stay whole."""
    if not math.isfinite(value) or value < 0:
        return "?", ""
    value = min(value, _LIMIT)
    step = 0
    while value >= 999.5 and step < len(_PREFIXES) - 1:
        value /= 1000
        step += 1
    return _digits(value, whole=step == 0 and value == int(value)), _PREFIXES[step]


def _digits(value: float, *, whole: bool) -> str:
    if whole or value >= 99.95:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"


def counted(number: int, what: str) -> str:
    """`1 alert`, `2,345 alerts`."""
    return f"{number:,} {what}{'s' * (number != 1)}"


def count(value: float) -> str:
    """`0`, `999`, `1.23k`, `12.3M`. At most 5 characters."""
    digits, prefix = _scaled(value)
    return digits + prefix


def size(value: float) -> str:
    """Bytes in SI units: `999 B`, `1.23 kB`. At most 7 characters."""
    digits, prefix = _scaled(value)
    return f"{digits} {prefix}B"


def bit_rate(bytes_per_second: float) -> str:
    """Bytes a second as bits a second: `1.23 Mb/s`. At most 9 characters."""
    digits, prefix = _scaled(round(bytes_per_second * 8, 2))
    return f"{digits} {prefix}b/s"


def packet_rate(packets_per_second: float) -> str:
    """`12.3 kp/s`. At most 9 characters."""
    digits, prefix = _scaled(round(packets_per_second, 2))
    return f"{digits} {prefix}p/s"


def percent(share: float) -> str:
    """A share of 0..1 as `37%`; `<1%` is told apart from `0%`. At most 4 characters."""
    if not math.isfinite(share):
        return "?"
    share = min(max(share, 0.0), 1.0)
    if 0 < share < 0.005:
        return "<1%"
    return f"{share * 100:.0f}%"


def duration(seconds: float) -> str:
    """`85 ms`, `3.2 s`, `42 s`, `3m 04s`, `2h 05m`, `4d 03h`, `812 d`. At most 7 characters."""
    if not math.isfinite(seconds) or seconds < 0:
        return "?"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    if whole < 86400:
        return f"{whole // 3600}h {whole % 3600 // 60:02d}m"
    if whole < 100 * 86400:
        return f"{whole // 86400}d {whole % 86400 // 3600:02d}h"
    return f"{min(whole // 86400, 99999)} d"


def ago(then_ns: int, now_ns: int) -> str:
    """Age of a moment; `-` when it never was, `now` below a second. In whole seconds."""
    if then_ns <= 0:
        return "-"
    age = (now_ns - then_ns) // NS
    return duration(age) if age >= 10 else (f"{age} s" if age >= 1 else "now")


def local_zone() -> tzinfo:
    """The zone of this terminal's user."""
    return datetime.now().astimezone().tzinfo or UTC


def _at(ts_ns: int, zone: tzinfo) -> datetime | None:
    try:
        return datetime.fromtimestamp(ts_ns // NS, UTC).astimezone(zone)
    except (OverflowError, ValueError, OSError):
        return None


def clock(ts_ns: int, zone: tzinfo = UTC) -> str:
    """`14:03:22`; the caller names the zone beside it or in the column's title. `-` = never."""
    when = _at(ts_ns, zone) if ts_ns > 0 else None
    return when.strftime("%H:%M:%S") if when else "-"


def moment(ts_ns: int, zone: tzinfo = UTC) -> str:
    """`11-24 14:03:22`, for what may be days ago."""
    when = _at(ts_ns, zone) if ts_ns > 0 else None
    return when.strftime("%m-%d %H:%M:%S") if when else "-"


def day(ts_ns: int, zone: tzinfo = UTC) -> str:
    """`2026-11-24`; `-` = never."""
    when = _at(ts_ns, zone) if ts_ns > 0 else None
    return when.strftime("%Y-%m-%d") if when else "-"


def full_time(ts_ns: int, zone: tzinfo = UTC) -> str:
    """`2026-11-24 14:03:22.123456 UTC`."""
    when = _at(ts_ns, zone) if ts_ns > 0 else None
    if when is None:
        return "-"
    return f"{when.strftime('%Y-%m-%d %H:%M:%S')}.{ts_ns % NS // 1000:06d} {zone_name(ts_ns, zone)}"


def zone_name(ts_ns: int, zone: tzinfo = UTC) -> str:
    """`UTC`, `CET`, `+0530`."""
    when = _at(ts_ns, zone)
    return (when.tzname() if when else None) or "UTC"

"""Loading lists of a million indicators, for the first time and again from the cache of compiled rules.

    python -m benchmarks.lists [--entries 1000000] [--times 1]

Each row is two processes, one after the other, with a cache that is empty before the first; of several pairs
the best. CPU s of reading the list and compiling its rules, or of taking them from the cache; the most memory
that was resident, less that of the same process with a rule that needs no list.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

ENTRIES = 1_000_000
CHILD = "--one"
NO_LIST = "alert ip any any -> any any (ttl:3; sid:1;)"
CATEGORIES = "categories"
LIST = "list"


@dataclass(frozen=True)
class Load:
    """refused: rules that are not loaded, of which there must be none."""

    cpu: float
    peak: int
    refused: int


@dataclass(frozen=True)
class Indicators:
    """A list, and rules that ask it. line: of the number of an entry and a random number of 64 bits."""

    name: str
    rules: tuple[str, ...]
    line: Callable[[int, int], str]


def dataset(kind: str, buffer: str, line: Callable[[int, int], str]) -> Indicators:
    return Indicators(
        f"dataset, {kind}",
        (f"alert http any any -> any any ({buffer}; dataset:isset,s,type {kind},load {LIST}; sid:1;)",),
        line,
    )


def of_address(kind: str, line: Callable[[int, int], str]) -> Indicators:
    rule = f"alert ip any any -> any any (ip.src; dataset:isset,s,type {kind},load {LIST}; sid:1;)"
    return Indicators(f"dataset, {kind}", (rule,), line)


def name(number: int, chance: int) -> str:
    return base64.b64encode(f"host{number}.example{chance % 1000}.com".encode()).decode()


def ipv4(_number: int, chance: int) -> str:
    return str(IPv4Address(chance & 0xFFFFFFFF))


def ipv6(_number: int, chance: int) -> str:
    return str(IPv6Address(0x20010DB8 << 96 | chance))


def either(number: int, chance: int) -> str:
    return ipv4(number, chance) if number % 4 else ipv6(number, chance)


def digest(kind: str) -> Callable[[int, int], str]:
    return lambda number, _chance: hashlib.new(kind, b"%d" % number, usedforsecurity=False).hexdigest()


def scored(number: int, chance: int) -> str:
    return f"{name(number, chance)},{chance % 200}"


def repute(number: int, chance: int) -> str:
    return f"{ipv4(number, chance)},{1 + number % 2},{(chance >> 32) % 128}"


def repute_of_networks(number: int, chance: int) -> str:
    return f"{ipv4(number, chance)}/{16 + (chance >> 40) % 17},{1 + number % 2},{(chance >> 32) % 128}"


def repute_of_ipv6(number: int, chance: int) -> str:
    return f"{ipv6(number, chance)},{1 + number % 2},{chance % 128}"


REPUTATION = tuple(
    f"alert ip any any -> any any (iprep:{asked}; sid:{sid};)"
    for sid, asked in enumerate(("src,bad,>,30", "dst,bad,>,60", "any,worse,>,100", "src,worse,isset"), 1)
)
ALL = (
    dataset("string", "http.host", name),
    dataset("md5", "http.host; to_md5", digest("md5")),
    dataset("sha256", "http.host; to_sha256", digest("sha256")),
    of_address("ipv4", ipv4),
    of_address("ipv6", ipv6),
    of_address("ip", either),
    Indicators(
        "filesha256", (f"alert http any any -> any any (filesha256:{LIST}; sid:1;)",), digest("sha256")
    ),
    Indicators(
        "datarep, string",
        (f"alert http any any -> any any (http.host; datarep:s,>,100,load {LIST},type string; sid:1;)",),
        scored,
    ),
    Indicators("iprep, addresses, 4 rules", REPUTATION, repute),
    Indicators("iprep, addresses of IPv6, 4 rules", REPUTATION, repute_of_ipv6),
    Indicators("iprep, networks, 4 rules", REPUTATION, repute_of_networks),
)


def load(folder: Path, cache: Path) -> Load:
    """In this process."""
    import os
    import resource

    from vpi_tui.engine.rulebook import RuleBook
    from vpi_tui.engine.spec import EngineSpec

    options = {
        "reputation-categories-file": str(folder / CATEGORIES),
        "reputation-files": str(folder / LIST),
    }
    spec = EngineSpec(
        "replay",
        speed=0.0,
        rules=(str(folder / "some.rules"),),
        rule_cache=str(cache),
        options=options if (folder / CATEGORIES).exists() else {},
    )
    began = sum(os.times()[:4])
    book = RuleBook.load(spec)
    cpu = sum(os.times()[:4]) - began
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    peak = max(resource.getrusage(one).ru_maxrss for one in who) * 1024
    return Load(cpu, peak, len(book.refused))


def pair(folder: Path) -> tuple[Load, Load, int]:
    """With an empty cache, then with what that left there; and how many bytes that are."""
    with tempfile.TemporaryDirectory() as cache:
        command = [sys.executable, "-m", "benchmarks.lists", CHILD, str(folder), cache]
        first, second = (
            Load(**json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout))
            for _ in range(2)
        )
        return first, second, sum(path.stat().st_size for path in Path(cache).iterdir())


def lines(indicators: Indicators, entries: int) -> Iterator[str]:
    chance = random.Random(7)
    return (indicators.line(number, chance.getrandbits(64)) + "\n" for number in range(entries))


def row(indicators: Indicators, entries: int, times: int, own: int) -> str:
    """own: bytes of the process without a list."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "some.rules").write_text("\n".join(indicators.rules))
        with (folder / LIST).open("w") as file:
            file.writelines(lines(indicators, entries))
        if indicators.rules is REPUTATION:
            (folder / CATEGORIES).write_text("1,bad\n2,worse\n")
        pairs = [pair(folder) for _ in range(times)]
    first = min((one[0] for one in pairs), key=lambda load: load.cpu)
    second = min((one[1] for one in pairs), key=lambda load: load.cpu)
    if first.refused or second.refused:
        sys.exit(f"{indicators.name}: a rule is refused")
    return (
        f"| {indicators.name} | {first.cpu:.2f} | {second.cpu:.2f} | {max(first.peak - own, 0) / 1e6:.0f} | "
        f"{max(second.peak - own, 0) / 1e6:.0f} | {pairs[0][2] / 1e6:.0f} |"
    )


def without_list() -> int:
    """Bytes that the process takes by itself."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "some.rules").write_text(NO_LIST)
        return pair(Path(folder))[0].peak


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--entries", type=int, default=ENTRIES)
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument(CHILD, type=Path, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one is not None:
        print(json.dumps(vars(load(*options.one))))
        return
    own = without_list()
    print(f"{options.entries:,} entries each; {own / 1e6:.0f} MB are the program's own.\n")
    print("| list | first load, CPU s | from the cache, CPU s | MB first | MB from the cache | entry MB |")
    print("|---" * 6 + "|")
    for indicators in ALL:
        print(row(indicators, options.entries, options.times, own), flush=True)


if __name__ == "__main__":
    main()

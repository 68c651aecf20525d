"""Rules loaded anew while packets flow: what changed acts, what stayed goes on, and no packet is lost."""

from __future__ import annotations

import time
from operator import attrgetter
from pathlib import Path

import numpy as np
import psutil

from tests.engine.runs import answer, engine, order, reached, until
from vpi_tui.capture.demo.scenario import FIXED_START_NS, build
from vpi_tui.detect.match.ruleset import RuleSet
from vpi_tui.detect.rules.loader import load
from vpi_tui.engine.child import EngineClient
from vpi_tui.engine.recompile import Recompiler
from vpi_tui.engine.rulebook import RuleBook
from vpi_tui.engine.spec import EngineSpec
from vpi_tui.feed.messages import GetRules, Notice, Reload, RulesMessage, SetSpeed, Toggle, ToggledMessage
from vpi_tui.model.snapshot import RuleStat, Snapshot

MANY = 2_000
DNS = (
    'alert udp any any -> any 53 (msg:"{msg}"; content:"|01 00 00 01|"; offset:2; depth:4; sid:{sid}; rev:1;)'
)
FILLER = "".join(
    f'alert tcp any any -> any any (msg:"n {n}"; content:"no such bytes {n}"; sid:{10_000 + n};)\n'
    for n in range(MANY)
)


def write(path: Path, *sids: int, msg: str = "a query") -> None:
    path.write_text("".join(DNS.format(sid=sid, msg=msg) + "\n" for sid in sids) + FILLER)


def stat(client: EngineClient, sid: int) -> RuleStat | None:
    snapshot = client.latest()
    return next((r for r in snapshot.rules if r.sid == sid), None) if snapshot else None


def listed(client: EngineClient) -> dict[int, bool]:
    rules = answer(client, GetRules(), RulesMessage).rules
    return {r.sid: r.enabled for r in rules if r.gid == 1 and r.sid < 10_000}


def test_what_changed_acts_and_what_stayed_goes_on(tmp_path: Path) -> None:
    rules = tmp_path / "local.rules"
    write(rules, 1, 2, 3)
    spec = order("demo", rules=(str(rules),), state_dir=str(tmp_path), interval=0.1, speed=10.0)
    with engine(spec) as client:
        reached(client, "running")
        answer(client, Toggle(False, ((1, 2),)), ToggledMessage)
        until(lambda: (r := stat(client, 1)) is not None and r.hits > 3)
        write(rules, 4, 2, 1)  # other numbers for all
        told = answer(client, Reload(), Notice)
        assert told.severity == "information", told
        assert "1 added (sid 4), 1 removed (sid 3);" in told.text
        assert f"{RuleBook.load(spec).loaded:,} loaded" in told.text
        assert listed(client) == {1: True, 2: False, 4: True}
        now = until(lambda: stat(client, 4))
        kept = stat(client, 1)
        assert kept is not None
        assert kept.hits > now.hits, "hits stay with their rule"
        assert kept.checks >= kept.hits
        client.take_alerts()
        found: set[int] = set()

        def both() -> bool:
            found.update(alert.sid for alert in client.take_alerts()[0])
            return found >= {1, 4}

        until(both)
        assert not found & {2, 3}, "one is off still, one is gone"
        assert stat(client, 3) is None


def test_a_set_that_fails_to_load_changes_nothing_and_says_why(tmp_path: Path) -> None:
    rules = tmp_path / "local.rules"
    write(rules, 1, 2)
    with engine(order("demo", rules=(str(rules),), interval=0.1)) as client:
        before = reached(client, "running")
        first = listed(client)
        for text, why in (("alert tcp nonsense\n", f"{rules}:1"), ("", "no rule"), (None, "cannot be read")):
            rules.unlink(missing_ok=True)
            if text is not None:
                rules.write_text(text)
            told = answer(client, Reload(), Notice)
            assert told.severity == "error"
            assert "stay as they are" in told.text
            assert why in told.text
        after = until(lambda: (s := client.latest()) and not s.reloading and s)
        assert after.ruleset_serial == before.ruleset_serial
        assert listed(client) == first


def test_no_packet_is_lost_and_nothing_is_missed(tmp_path: Path, demo_file: Path) -> None:
    """The same alerts as without a reload, though the rules are loaded over and over meanwhile.

    The capture is played slowly until the rules were loaded anew twice, however long a busy machine takes.
    """
    rules = tmp_path / "local.rules"
    write(rules, 1, 2)
    files = (str(demo_file),)
    packs = (str(rules), order().rules_dir)
    hits: list[dict[int, int]] = []
    for reloads in (False, True):
        speed = 1.0 if reloads else 0.0
        with engine(order("replay", files=files, rules=packs, speed=speed, interval=0.1)) as client:
            end: Snapshot | None = None
            done = 0
            while end is None:
                if reloads and client.latest() is not None:
                    client.send(Reload())
                told = [m.text for m in client.take_messages() if isinstance(m, Notice)]
                before, done = done, done + sum("Rules reloaded" in text for text in told)
                if before < 2 <= done:
                    client.send(SetSpeed(10.0))
                assert client.alive(), client.failure()
                snapshot = client.latest()
                end = snapshot if snapshot is not None and snapshot.state == "finished" else None
                time.sleep(0.05)
            assert end.stats["decoder.pkts"] == len(files) * len(build().offset)
            assert bool(done) == reloads
            hits.append({r.sid: r.hits for r in end.rules if r.hits})
    assert hits[0] == hits[1]


def test_an_engine_that_ends_meanwhile_leaves_no_child(tmp_path: Path) -> None:
    rules = tmp_path / "local.rules"
    rules.write_text(FILLER)
    with engine(order("demo", rules=(str(rules),), interval=0.1)) as client:
        reached(client, "running")
        client.send(Reload())
        children = until(psutil.Process(client.pid).children)
    assert not psutil.wait_procs(children, timeout=5)[1]


def test_what_the_child_hands_back_is_what_the_engine_would_compile(tmp_path: Path) -> None:
    rules = tmp_path / "local.rules"
    write(rules, 1, 2)
    spec = EngineSpec("demo", rules=(str(rules),), demo_start_ns=FIXED_START_NS)
    running = Recompiler(spec)
    got = until(running.step, 60)
    running.close()
    assert got.rules is not None
    handed, here = got.rules.ruleset, RuleSet.compile(load([rules]).signatures)
    assert tuple(handed.signatures) == here.signatures
    for name in ("enabled", "rank", "plain", "once", "passes", "noalert", "upstream.stream_ports"):
        ours, theirs = attrgetter(name)(here), attrgetter(name)(handed)
        assert np.array_equal(ours, theirs), name
        assert ours.flags["C_CONTIGUOUS"] == theirs.flags["C_CONTIGUOUS"], name
        assert ours.flags.writeable == theirs.flags.writeable, "loops would be compiled for it once more"
    assert np.array_equal(here.plans.has, handed.plans.has)


def test_a_book_takes_over_hits_switches_and_what_was_over_budget(tmp_path: Path) -> None:
    rules = tmp_path / "local.rules"
    write(rules, 1, 2, 3)
    book = RuleBook.load(EngineSpec("demo", rules=(str(rules),)))
    for sid in (1, 2):
        book.stop_for_budget(book.number(1, sid))
    book.hit(book.number(1, 3), 77)
    book.hit(book.number(2, 1), 78)
    rules.write_text(DNS.format(sid=3, msg="x") + "\n" + DNS.format(sid=2, msg="mended") + "\n")
    with rules.open("a") as file:
        file.write(DNS.format(sid=1, msg="a query") + "\n")
    loaded = load([rules])
    later = book.succeeded_by(loaded, RuleSet.compile(loaded.signatures))
    assert later.serial > book.serial
    assert later.hits == {later.number(1, 3): (1, 77), later.number(2, 1): (1, 78)}
    row = {r.sid: r for r in later.rows().rules if r.gid == 1}
    assert (row[1].enabled, row[1].why_off) == (False, "budget"), "the same rule costs the same"
    assert (row[2].enabled, row[2].why_off) == (True, ""), "this one was mended"
    assert later.toggle(Toggle(True, ((1, 1),))).changed == 1
    assert next(r for r in later.rows().rules if (r.gid, r.sid) == (1, 1)).enabled

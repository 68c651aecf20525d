"""The verdicts on all ports of a topology, from one sample after the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from vpi_tui.coverage.arrangement import Arrangement, Setting, watched_ways
from vpi_tui.coverage.facts import Facts, Plan, Way
from vpi_tui.coverage.judge import judge, verdict_of
from vpi_tui.coverage.past import SeenPast
from vpi_tui.coverage.seen import PortKey, SeenCount
from vpi_tui.coverage.window import History, Sample, Window
from vpi_tui.model.coverage import PortCoverage, TrueCount, Verdict
from vpi_tui.model.topology import Port, Switch, Topology


class Board:
    """`follow` what changes, `add` what was counted once a second: `verdicts` are new after each."""

    def __init__(self) -> None:
        self._topology = Topology()
        self._switches: dict[str, Switch] = {}
        self._arrangement = Arrangement()
        self._setting = Setting()
        self._plans: dict[PortKey, Plan] = {}
        self._histories: dict[PortKey, History] = {}
        self._last: dict[PortKey, PortCoverage] = {}
        """As they were when the port last had traffic."""
        self._past = SeenPast()
        self._far: frozenset[PortKey] = frozenset()
        """Ports of other hosts: who counts there answers late."""
        self.ring_bytes = 0
        self.verdicts: tuple[PortCoverage, ...] = ()
        """Every port, in the order of the topology; interfaces that are no port of a switch are left out."""

    def follow(self, topology: Topology, setting: Setting) -> None:
        """Ports that are watched in another way than before begin anew: their counts say nothing of now."""
        self._topology = topology
        self._switches = {switch.name: switch for switch in topology.switches}
        copied = self._setting.copied & self._switches.keys()
        self._set(replace(setting, copied=setting.copied | copied))

    def _set(self, setting: Setting) -> None:
        plans = self._arrangement.plans(self._topology, setting)
        for key, plan in plans.items():
            before = self._plans.get(key)
            if before is not None and before != plan:
                self._last.pop(key, None)
                if (before.direct, before.whole) != (plan.direct, plan.whole):
                    self._histories.pop(key, None)
        self._histories = {key: self._histories.get(key) or History() for key in plans}
        self._last = {key: last for key, last in self._last.items() if key in plans}
        self._far = frozenset((port.switch, port.name) for port in self._topology.ports if port.far)
        self._plans, self._setting = plans, setting
        self._judge()

    @property
    def counts_afar(self) -> bool:
        """Whether `note` has to be told what was seen, several times a second."""
        return bool(self._far)

    def note(self, ns: int, seen: Mapping[PortKey, SeenCount]) -> None:
        """What we counted until one moment, to be held against counts that were taken about then."""
        self._past.add(ns, seen, self._far)

    def add(
        self, ns: int, true: Iterable[TrueCount], seen: Mapping[PortKey, SeenCount], drops: int = 0
    ) -> None:
        """What others and what we counted until one moment. drops: of our ring, since it was opened."""
        self.note(ns, seen)
        for count in true:
            key = count.switch, count.port
            if (history := self._histories.get(key)) is not None:
                sample = self._late(count, drops) if count.told_ns else self._prompt(ns, count, seen, drops)
                if sample is not None:
                    history.add(sample)
        for history in self._histories.values():
            history.expire(ns)
        copied = {key[0] for key, count in seen.items() if count.copied_into or count.copied_out}
        if not copied <= self._setting.copied:
            self._set(replace(self._setting, copied=self._setting.copied | copied))
        else:
            self._judge()

    def _prompt(self, ns: int, count: TrueCount, seen: Mapping[PortKey, SeenCount], drops: int) -> Sample:
        key = count.switch, count.port
        plan = self._plans[key]
        place = (plan.sensor.name, plan.sensor.name) if plan.own and plan.sensor else key
        return Sample(ns, count, seen.get(place, SeenCount()), drops)

    def _late(self, count: TrueCount, drops: int) -> Sample | None:
        """A count of a moment that has passed; None = what was seen then is not known."""
        key = count.switch, count.port
        asked, told = self._past.at(key, count.asked_ns), self._past.at(key, count.told_ns)
        if asked is None or told is None:
            return None
        return Sample(count.told_ns, count, told, drops, asked)

    def _judge(self) -> None:
        self.verdicts = tuple(
            self._verdict(port)
            for port in self._topology.ports
            if (port.switch, port.name) in self._plans and self._switches[port.switch].kind != "interface"
        )

    def _verdict(self, port: Port) -> PortCoverage:
        key = port.switch, port.name
        history = self._histories[key]
        window = history.window()
        facts = self._facts(port, self._plans[key], window, history)
        judged = judge(facts, self._last.get(key))
        if verdict_of(facts) is not Verdict.UNKNOWN:
            self._last[key] = judged
        return judged

    def _facts(self, port: Port, plan: Plan, window: Window | None, history: History) -> Facts:
        facts = Facts(
            port,
            self._switches[port.switch],
            plan,
            truth=history.truth,
            counted=False,
            reset=history.reset,
            ring_bytes=self.ring_bytes,
        )
        if window is None:
            return facts
        true, seen = window.true, window.seen
        facts = replace(facts, window_s=window.seconds, counted=True, wire=true.wire, drops=window.drops)
        if plan.own:
            sent = Way(watched=True)
            return replace(
                facts, into=sent, out=Way(true.out_bytes, true.out_packets, seen.into, seen.into, True)
            )
        into_watched, out_watched = watched_ways(port, plan)
        into = max(seen.into, seen.copied_into)
        out = max(seen.out, seen.copied_out)
        most = max(seen.out + seen.out_maybe, seen.copied_out + seen.copied_maybe)
        return replace(
            facts,
            into=Way(true.in_bytes, true.in_packets, into, into, into_watched),
            out=Way(true.out_bytes, true.out_packets, out, most, out_watched)
            if not plan.output
            else Way(watched=True),
        )


def worst(ports: Iterable[PortCoverage]) -> Verdict:
    """The verdict on what has several ports: the worst of those that are judged; UNKNOWN when none is.

    Beside a port that nobody can count the others are a part.
    """
    listed = list(ports)
    judged = [port.verdict for port in listed if port.verdict is not Verdict.UNKNOWN]
    if not judged:
        return Verdict.UNKNOWN
    uncounted = any(p.verdict is Verdict.UNKNOWN and not (p.truth or p.inferred) for p in listed)
    found = max(judged, key=_ORDER.index)
    return Verdict.PARTIAL if uncounted and found is Verdict.SEEN else found


def whole(ports: Iterable[PortCoverage]) -> Verdict:
    """The verdict on all there is: BLIND or ONE-WAY only when no port is better off."""
    listed = list(ports)
    judged = {port.verdict for port in listed} - {Verdict.UNKNOWN}
    found = worst(listed)
    if found in (Verdict.BLIND, Verdict.ONE_WAY) and judged != {found}:
        return Verdict.PARTIAL
    return found


def figures(ports: Iterable[PortCoverage]) -> dict[str, float]:
    """Ports by verdict, and the percent of all bytes that was seen, where somebody counts: for the log."""
    listed = list(ports)
    found = {str(verdict).replace("-", "_"): 0.0 for verdict in Verdict}
    true = seen = 0.0
    for port in listed:
        found[str(port.verdict).replace("-", "_")] += 1.0
        if port.truth and port.window_s > 0:
            true += (port.true_in + port.true_out) / port.window_s
            both = min(port.seen_in, port.true_in) + min(port.seen_out, port.true_out)
            seen += both / port.window_s
    return {**found, "percent": round(100.0 * seen / true, 2)} if true else found


_ORDER = list(Verdict)

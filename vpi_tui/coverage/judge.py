"""Facts in, a verdict out. SEEN needs a count that is not ours; what nobody counts is UNKNOWN."""

from __future__ import annotations

from dataclasses import replace

from vpi_tui.coverage.causes import explain
from vpi_tui.coverage.facts import Facts, Share, Way
from vpi_tui.model.coverage import PortCoverage, Verdict

HALF = 0.5
"""Share of a direction from which on it counts as the one that is seen of two."""


def verdict_of(facts: Facts) -> Verdict:
    """What the counts say, without a cause."""
    if not facts.countable or not facts.truth or not facts.counted:
        return Verdict.UNKNOWN
    ways = (facts.into, facts.out)
    shares = {way: way.share(facts.window_s, wire=facts.wire) for way in dict.fromkeys(ways)}
    active = [way for way in ways if shares[way] is not Share.IDLE]
    if not active:
        return Verdict.UNKNOWN
    if all(shares[way] is Share.FULL for way in active):
        idle = [way for way in ways if shares[way] is Share.IDLE]
        return Verdict.SEEN if all(way.watched for way in idle) else Verdict.ONE_WAY
    if facts.drops and (facts.into.watched or facts.out.watched):
        return Verdict.PARTIAL
    return _of_missing(facts, active, shares)


def _of_missing(facts: Facts, active: list[Way], shares: dict[Way, Share]) -> Verdict:
    nothing = [way for way in active if shares[way] is Share.NOTHING]
    if len(nothing) == len(active):
        silent = [way for way in (facts.into, facts.out) if way not in active]
        return Verdict.ONE_WAY if any(way.watched for way in silent) else Verdict.BLIND
    if len(nothing) == 1:
        (other,) = [way for way in active if way not in nothing]
        if other.seen(wire=facts.wire) >= HALF * other.true:
            return Verdict.ONE_WAY
    return Verdict.PARTIAL


def judge(facts: Facts, last: PortCoverage | None = None) -> PortCoverage:
    """The verdict on a port, with cause and remedy. last: the one that was given when it last had traffic.

    A port without traffic keeps that, and says that there was none in the window. One that never had any says
    why it would not be seen, where the arrangement tells.
    """
    verdict = verdict_of(facts)
    told = explain(verdict, facts)
    judged = PortCoverage(
        switch=facts.switch.name,
        port=facts.port.name,
        guest=facts.port.guest,
        verdict=verdict,
        cause=told.cause,
        mend=told.mend,
        true_in=facts.into.true,
        true_out=facts.out.true,
        seen_in=facts.into.seen(wire=facts.wire),
        seen_out=facts.out.seen(wire=facts.wire),
        window_s=facts.window_s,
        truth=facts.truth,
        quiet=verdict is Verdict.UNKNOWN and facts.countable and facts.counted and facts.quiet,
    )
    if last is None and verdict is Verdict.UNKNOWN and _will_miss(facts):
        missed = explain(Verdict.BLIND, facts)
        return replace(
            judged,
            cause=f"{told.cause} More would not be seen: {missed.cause}",
            mend=judged.mend or missed.mend,
        )
    silent = facts.countable and facts.truth and not facts.reset
    keeps = verdict is Verdict.UNKNOWN and silent
    if last is None or not keeps:
        return judged
    mend = judged.mend or last.mend
    return replace(judged, verdict=last.verdict, cause=f"{told.cause} Before: {last.cause}", mend=mend)


def _will_miss(facts: Facts) -> bool:
    """Whether a port that is counted, and silent, is neither watched nor copied to where we look."""
    plan = facts.plan
    counted = facts.countable and facts.truth and facts.counted
    passes = facts.port.state in ("", "forwarding")
    if not (counted and passes) or facts.into.watched or facts.out.watched:
        return False
    return bool(plan.sensor or plan.named or facts.port.far)

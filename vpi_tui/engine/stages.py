"""The stages that exist only as far as somebody looks at what they give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from vpi_tui.detect.applayer.base import Limits
from vpi_tui.detect.applayer.costs import Costs
from vpi_tui.detect.applayer.demand import ByWay, Demand
from vpi_tui.detect.applayer.encryption import Encrypted, Encryption
from vpi_tui.detect.applayer.files import FILE, FILE_DATA, FILE_NAME
from vpi_tui.detect.applayer.registry import FILES_JOINED, FOUND_IN, by_name
from vpi_tui.detect.applayer.tracker import AppLayer
from vpi_tui.detect.applayer.transaction import EVENTS
from vpi_tui.detect.match.dns_sieve import sieves_of
from vpi_tui.detect.match.ruleset import RuleSet
from vpi_tui.detect.match.upstream import RECOGNISED_BY
from vpi_tui.detect.match.ways import Edge
from vpi_tui.engine.options import StreamOptions, app_limits, encryption_handling, stream_options
from vpi_tui.engine.spec import EngineSpec
from vpi_tui.engine.transactions import NOTHING_LOGGED, Logged
from vpi_tui.model.batch import U16
from vpi_tui.stream.reassembly import BAD_CHECKSUMS, Reassembler
from vpi_tui.stream.sessions import SessionOptions, SessionTracker

UPGRADING: Final = frozenset({"smtp", "ftp", "pop3"})
"""Protocols whose parsers know when TLS was agreed on."""
_OF_FILES: Final = frozenset({FILE, FILE_NAME, FILE_DATA})


class Stages:
    """Reassembly, the state of connections and the parsers, each None while nobody needs it.

    logged: whose transactions are told of once they are whole.
    """

    def __init__(self, spec: EngineSpec, rules: RuleSet, logged: Logged = NOTHING_LOGGED) -> None:
        self._spec = spec
        self._options: StreamOptions = stream_options(spec.options)
        self._logged = logged
        self.streams: Reassembler | None = None
        self.sessions: SessionTracker | None = None
        """None = no rule asks for stream events, and no stream is followed."""
        self.app_layer: AppLayer | None = None
        self.costs = Costs() if spec.parse_budget and spec.mode == "live" else None
        """Of the parsers; None = nobody asks."""
        self._handling = encryption_handling(spec.options)
        self.encryption: Encryption | None = None
        """None = no rule looks at payload, or all do at what is encrypted too."""
        self.serve(rules)

    def serve(self, rules: RuleSet) -> None:
        """Let them give what these rules look at, from now on. What they hold of live flows they keep."""
        self._serve_streams(rules)
        if self.sessions is None and (rules.upstream.stream_events or self.streams is not None):
            wanted = self._options
            options = SessionOptions(wanted.midstream, wanted.one_sided, self.bad_events, wanted.inline)
            self.sessions = SessionTracker(self._spec.max_flows, options)
        app = rules.app
        applications = UPGRADING.union(app.applications) if rules.upstream.recognition else app.applications
        demand = Demand(applications, app.frames, self._limits(rules), app.mixed, app.due, sieves_of(rules))
        if self.encryption is None and self._heeds_encryption(rules):
            self.encryption = Encryption(self._spec.max_flows, self._handling)
        if self.app_layer is None and (applications or self._logged.protocols):
            self.app_layer = AppLayer(demand, logged=self._logged.protocols, costs=self.costs)
        elif self.app_layer is not None:
            self.app_layer.require(demand)

    def _limits(self, rules: RuleSet) -> dict[str, Limits | ByWay]:
        """By protocol: what rules and log ask of its parsers."""
        app, logged = rules.app, self._logged
        told = {name for name, is_told in ((FILE, logged.files), (EVENTS, logged.anomalies)) if is_told}
        common = replace(
            app_limits(self._spec.options),
            files=app.files,
            events=None if logged.anomalies else app.events,
        )
        edge = Edge(rules.selectors.home_low, rules.selectors.home_high)
        found: dict[str, Limits | ByWay] = {}
        for name in by_name():
            names = (name, *FOUND_IN.get(name, ()))
            own = replace(common, logged=not logged.protocols.isdisjoint(names))
            asked = [app.buffers[one] for one in names if one in app.buffers]
            looked_at = frozenset(told).union(*(buffers for of_way in asked for buffers in of_way))
            every = _asking(own, looked_at, name)
            everywhere = looked_at & (_OF_FILES.union(told) if name in FILES_JOINED else told)
            # Flows of which the same is asked share their limits: parsers know them by their identity.
            known = {looked_at: every}
            ways = [
                known.setdefault(buffers, _asking(own, buffers, name))
                for buffers in (everywhere.union(*of_way) for of_way in zip(*asked, strict=True))
            ]
            found[name] = ByWay(ways, edge.way, every) if len(known) > 1 else every
        return found

    def renumber_guests(self, numbers: Mapping[int, int]) -> None:
        """They have other positions: those of now by those of before. Whoever has the number of one that is
        dear to parse is not it."""
        if self.costs is not None:
            self.costs.renumber(numbers)
        if self.app_layer is not None:
            self.app_layer.renumber(numbers)

    def ignore_checksums(self) -> None:
        """Take segments whose checksum is wrong too, from now on."""
        self._spec = replace(self._spec, checksums="none")
        if self.streams is not None:
            self.streams.ignore_checksums()
        if self.sessions is not None:
            self.sessions.ignore_checksums()

    def _heeds_encryption(self, rules: RuleSet) -> bool:
        """Do rules look at payload of TCP, but not at what is encrypted?"""
        return rules.upstream.payload and set(self._handling.values()) != {Encrypted.FULL}

    def _follows_all(self, rules: RuleSet) -> bool:
        """Are connections followed on whatever port, be it to log them or to know when they are encrypted?"""
        return bool(self._logged.protocols) or self._heeds_encryption(rules)

    @property
    def _leaves_out_bad(self) -> bool:
        """Do segments with a wrong checksum not belong to their stream?"""
        return self._options.checksums and self._spec.checksums != "none"

    @property
    def bad_events(self) -> int:
        """Bits of DecoderEvent with which a segment does not belong to its connection."""
        return BAD_CHECKSUMS if self._leaves_out_bad else 0

    def verifies_checksums(self, rules: RuleSet) -> bool:
        return self._spec.checksums != "none" or rules.upstream.checksums

    def _serve_streams(self, rules: RuleSet) -> None:
        """Of streams that began before, as much is followed as was wanted then."""
        wanted = self._wanted(rules)
        if self.streams is not None:
            self.streams.want(wanted)
        elif rules.upstream.streams or self._follows_all(rules) or self._options.inline:
            self.streams = Reassembler(
                self._spec.max_flows,
                self._spec.stream_memory,
                wanted,
                depth=self._options.depth,
                midstream=self._options.midstream,
                checksums=self._leaves_out_bad,
                hosts=self._options.hosts,
                tells_different=self._options.tells_different,
                urgent_in_line=self._options.urgent_in_line,
                inline=self._options.inline,
            )

    def _wanted(self, rules: RuleSet) -> U16:
        if not self._follows_all(rules):
            return rules.upstream.stream_ports
        return np.maximum(rules.upstream.stream_ports, np.uint16(1 + RECOGNISED_BY))


def _asking(limits: Limits, buffers: frozenset[str], application: str) -> Limits:
    """The same limits where rules look at these buffers.

    Bytes of files are kept if one is theirs, or if other flows bring parts of the same files.
    """
    kept = FILE_DATA in buffers or application in FILES_JOINED
    return replace(limits, buffers=buffers, files=replace(limits.files, data=limits.files.data and kept))

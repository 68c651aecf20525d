"""Which protocols are parsed now, and parsers made as rules and log ask for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from vpi_tui.detect.applayer.application import Application
from vpi_tui.detect.applayer.base import Limits, Parser
from vpi_tui.detect.applayer.demand import ByWay, Demand
from vpi_tui.detect.applayer.expectations import Ends
from vpi_tui.detect.applayer.followed import Followed
from vpi_tui.detect.applayer.frames import FrameLog
from vpi_tui.detect.applayer.ranges import Ranges
from vpi_tui.detect.applayer.registry import APPLICATIONS, with_predecessors
from vpi_tui.detect.applayer.transaction import Transaction
from vpi_tui.model.applications import APP_FAILED, APP_PROTOS
from vpi_tui.model.batch import U8

_NO_LIMITS: Final = Limits()


class Parsers:
    """ranges: where files in pieces are put together. logged: protocols that are parsed for the log."""

    def __init__(self, demand: Demand, ranges: Ranges, logged: Iterable[str] = ()) -> None:
        self._ranges = ranges
        self.of_app: list[Application | None] = [None] * len(APP_PROTOS)
        """By number of an application: its protocol, None = it is not needed."""
        wanted = with_predecessors({*demand.protocols, *logged})
        for application in APPLICATIONS:
            for app in application.apps if application.name in wanted else ():
                self.of_app[APP_PROTOS.index(app)] = application
        self.is_needed: U8 = np.zeros(APP_FAILED + 1, np.uint8)
        """uint8[applications]: the same as a column."""
        self.is_needed[[n for n, found in enumerate(self.of_app) if found is not None]] = 1
        self.over_udp = any(found is not None and "udp" in found.transports for found in self.of_app)
        """Is there one whose messages are datagrams?"""
        self.arranges = np.zeros(APP_FAILED + 1, np.bool_)
        """By number of an application: do its flows arrange others that are needed?"""
        self.arranges[APP_PROTOS.index("ftp")] = "ftp-data" in wanted
        self._frames = demand.frames
        self._limits = demand.limits
        self._mixed = with_predecessors(demand.mixed)

    def follow(
        self,
        application: Application,
        slot: int,
        ends: Ends | None,
        cause: Transaction | None = None,
        *,
        udp: bool = False,
    ) -> Followed:
        """A flow of the protocol. cause: of the protocol before, by which the flow has come to this one."""
        limits = self._limits.get(application.name, _NO_LIMITS)
        made = self._parser(
            application, limits.of(slot, ends) if isinstance(limits, ByWay) else limits, cause
        )
        return Followed(application, made, udp=udp, keeps_sent=application.name in self._mixed)

    def emits_frames(self, application: Application) -> bool:
        """Does some rule look at frames of the protocol?"""
        return bool(self._frames.get(application.name))

    def _parser(self, application: Application, limits: Limits, cause: Transaction | None) -> Parser:
        if application.takes_over is not None and cause is not None:
            made = application.takes_over(limits, cause)
        else:
            made = application.parser(limits)
        made.ranges = self._ranges
        wanted = self._frames.get(application.name)
        if wanted:
            made.frames = FrameLog(wanted)
        return made

"""Why the alerts of Suricata 4.1.10 on the captures of ../shared differ from ours, one entry for each cause.

Two kinds take a pair out of the score: the other build has no such decoder or parser (`lacks`), or Suricata 8
itself does otherwise (`newer`), by its manual, its source or the counts of suricata-verify. The rest is ours.
A reason that only fits the counts is `inferred`, is printed as such, and takes nothing out of the score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["lacks", "newer", "ours"]


@dataclass(frozen=True, slots=True)
class Reason:
    """Holds for a pair when it names the rule (or no rule) and the capture (or no capture)."""

    kind: Kind
    text: str
    rules: frozenset[str] = frozenset()
    """As "gid:sid"; empty = any."""
    captures: frozenset[str] = frozenset()
    """File names without ending; empty = any."""
    inferred: bool = False

    @property
    def said(self) -> str:
        return f"{self.text} (inferred)" if self.inferred else self.text

    def covers(self, capture: str, rule: str) -> bool:
        name = capture.partition(".")[0]
        return (not self.rules or rule in self.rules) and (not self.captures or name in self.captures)


def _of(text: str) -> frozenset[str]:
    return frozenset(text.split())


REASONS: tuple[Reason, ...] = (
    Reason("lacks", "no Cisco HDLC decoder", captures=_of("c49d7bd4a09c3b85")),
    Reason("lacks", "no decoder of Linux cooked captures v2", captures=_of("04dada52015d26df")),
    Reason("lacks", "no NSH decoder", captures=_of("33ea217e95f366a9 90b5476525b96944")),
    Reason("lacks", "no GENEVE decoder", captures=_of("890d58e61a20052f")),
    Reason("lacks", "no VXLAN decoder", captures=_of("d45eff30fc39ce0e")),
    Reason("lacks", "no packet decoded: IPv6 in BSD's loopback frames", captures=_of("69df1e82bfd90f2d")),
    Reason("lacks", "no packet decoded: fragmented IPv6 in PPP", captures=_of("5abf488b6b333178")),
    Reason("lacks", "no files of SMB in this build", rules=_of("1:32")),
    Reason("lacks", "no files of NFS in this build", rules=_of("1:33")),
    Reason(
        "newer",
        "4.1 tries rules about packets on the two pseudo packets at the end of a connection; "
        "8 does not (issue 7318)",
        rules=_of("1:2100527"),
    ),
    Reason(
        "newer",
        "4.1 misses the file of this upload; 8 sees it (detect-engine-state-04)",
        rules=_of("1:1 1:6"),
        captures=_of("92da969a5416cf2f"),
    ),
    Reason(
        "newer",
        "4.1 misses the file of this upload, which is made like that of detect-engine-state-04, which 8 sees",
        rules=_of("1:1 1:6"),
        captures=_of("94f33122d92a472e 954200c62391a270"),
        inferred=True,
    ),
    Reason(
        "newer",
        "DCE/RPC over TCP has no transactions in 4.1: one alert a connection; 8 inspects each call",
        rules=_of("1:2027167"),
        captures=_of("df7618e58cf6a409"),
        inferred=True,
    ),
    Reason(
        "newer",
        "4.1 matches any interface when a BIND lacks the flag of a first fragment; "
        "8 does not (dcerpc-bind-no-frag-flag)",
        rules=_of("1:2027167"),
        captures=_of("1e27b3b70dedb61a"),
    ),
    Reason(
        "newer",
        "4.1 inspects a UDP datagram with trailing bytes without its header, as port 0; "
        "8 takes the header (udp-trailing-data)",
        rules=_of("1:2100525"),
    ),
    Reason(
        "newer",
        "a connection without a handshake is established in 4.1 once both ends have sent; "
        "in 8 it is not (alert-no-3whs-established)",
        rules=_of("1:2023997"),
    ),
    Reason(
        "ours",
        "answers that are sent again after they were acknowledged are inspected again, as packets (6 of the "
        "50); in 4.1 they are not; the one alert less than that there is not explained",
        rules=_of("1:2007670"),
        inferred=True,
    ),
    Reason(
        "ours",
        "a window of TLS ends in 4.1 with each acknowledged piece of a handshake (in 8 with each record), so "
        "two certificates of a chain may be in two windows; here it ends with PSH",
        rules=_of("1:2022218"),
        inferred=True,
    ),
    Reason(
        "ours",
        "the second packet that the threshold needs is the pseudo packet at the end of the connection",
        rules=_of("1:2001978"),
        inferred=True,
    ),
    Reason(
        "ours",
        "an ICMP error is of a flow of its own here; in Suricata it is of the flow that it is about",
        rules=_of("1:2002752"),
        captures=_of("17ad230db1b6fd5d"),
    ),
    Reason(
        "ours",
        "4.1 reads a capture with several threads, so packets of different flows may come to a threshold by "
        "source out of order, which starts its time again; here they come in the order of the capture",
        rules=_of("1:2002752"),
        inferred=True,
    ),
)


def reason_for(capture: str, rule: str, reasons: Sequence[Reason] = REASONS) -> Reason | None:
    """The first that covers a pair; None = the difference is not explained."""
    return next((reason for reason in reasons if reason.covers(capture, rule)), None)

"""How flows end: in which state, and connections in which of theirs."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from vpi_tui.model.batch import I64, U8, FlowState
from vpi_tui.stream.sessions import STATES

UNKNOWN: Final = STATES.index("none")
"""The state of what is no connection, or was never followed as one."""
TCP: Final = 6
_FIN, _SYN = 1, 2
(
    _SYN_SENT,
    _SYN_RECV,
    _ESTABLISHED,
    _FIN_WAIT2,
    _CLOSE_WAIT,
    _LAST_ACK,
    _CLOSED,
) = map(
    STATES.index,
    ("syn_sent", "syn_recv", "established", "fin_wait2", "close_wait", "last_ack", "closed"),
)


def states_by_flags(rows: Any) -> U8:
    """uint8[n], numbers in STATES: as far as flags tell where nobody has followed the windows.

    rows: structured[n] of FLOW_DTYPE. States are those of the server's end, as in EVE.
    """
    to_server, to_client = rows["tcp_flags_toserver"], rows["tcp_flags_toclient"]
    asked, answered = to_server & _FIN != 0, to_client & _FIN != 0
    found: U8 = np.select(
        [
            rows["proto"] != TCP,
            rows["state"] == FlowState.CLOSED,
            (rows["state"] == FlowState.NEW) & (to_client & _SYN != 0),
            rows["state"] == FlowState.NEW,
            ~asked & ~answered,
            ~answered,
            asked,
        ],
        [UNKNOWN, _CLOSED, _SYN_RECV, _SYN_SENT, _ESTABLISHED, _CLOSE_WAIT, _LAST_ACK],
        _FIN_WAIT2,
    ).astype(np.uint8)
    return found


class Endings:
    """Counts flows that have ended."""

    def __init__(self) -> None:
        self._flows: I64 = np.zeros(len(FlowState), np.int64)
        self._connections: I64 = np.zeros(len(STATES), np.int64)

    def ended(self, rows: Any, states: U8) -> None:
        """rows: structured[n] of FLOW_DTYPE; states: uint8[n], numbers in STATES."""
        self._flows += np.bincount(rows["state"], minlength=len(FlowState))
        self._connections += np.bincount(states, minlength=len(STATES))

    def counters(self) -> dict[str, float]:
        """By EVE path."""
        flows = {f"flow.end.state.{one.name.lower()}": float(self._flows[one]) for one in FlowState}
        connections = enumerate(STATES)
        return flows | {
            f"flow.end.tcp_state.{name}": float(self._connections[number])
            for number, name in connections
            if number != UNKNOWN
        }

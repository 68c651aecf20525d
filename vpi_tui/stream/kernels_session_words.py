"""The words of kernels_sessions.py: states of a connection, flags of its record, events by name.

States and events are those of Suricata's stream engine.
"""

from __future__ import annotations

import numpy as np

from vpi_tui.model.stream_events import StreamEvent

FIN, SYN, RST, ACK = 1, 2, 4, 16
(
    NONE, SYN_SENT, SYN_RECV, ESTABLISHED, FIN_WAIT1, FIN_WAIT2, CLOSING, CLOSE_WAIT, LAST_ACK, TIME_WAIT,
    CLOSED,
) = range(11)  # fmt: skip
MIDSTREAM, FOUR_WAY, ASYNCHRONOUS, TIMESTAMPS, CONFIRMED, FAST_OPEN = (1 << k for k in range(6))
LOST_CLIENT, LOST_SERVER = 1 << 6, 1 << 7
"""The newest segment of that side is invalid; both set = packets were lost here, and segments count again."""
LOST = LOST_CLIENT | LOST_SERVER
SENT_TS, GOT_RST, PROBED, SEEN, AHEAD, SIGNED = 1, 2, 4, 8, 16, 32
"""Flags of a side. AHEAD: it sent something behind a hole, and not all it sent is acknowledged yet. SIGNED:
so is its SYN."""
TAKEN, THROWN_AWAY, INVALID_SEGMENT, DOUBTFUL, UNPROVEN = range(5)
"""What is said of a segment. The last two count also where their receiver is not heard. Of an unproven one it
is likely that this sensor lost packets: it is not inspected as a packet, too."""

E_ = {event.name: 1 << event if event < 63 else -(1 << 63) for event in StreamEvent}
"""As int64, whose highest bit is negative."""
E_ACK_DIR = E_["WHS3_ACK_IN_WRONG_DIR"]
E_ASYNC_SEQ = E_["WHS3_ASYNC_WRONG_SEQ"]
E_EVASION = E_["WHS3_RIGHT_SEQ_WRONG_ACK_EVASION"]
E_SYNACK_DIR = E_["WHS3_SYNACK_IN_WRONG_DIRECTION"]
E_SYNACK_ACK = E_["WHS3_SYNACK_RESEND_WITH_DIFFERENT_ACK"]
E_SYNACK_SERVER = E_["WHS3_SYNACK_TOSERVER_ON_SYN_RECV"]
E_SYNACK_WRONG = E_["WHS3_SYNACK_WITH_WRONG_ACK"]
E_FLOOD = E_["WHS3_SYNACK_FLOOD"]
E_SYN_FLOOD = E_["WHS3_SYN_FLOOD"]
E_SYN_SEQ = E_["WHS3_SYN_RESEND_DIFF_SEQ_ON_SYN_RECV"]
E_SYN_CLIENT = E_["WHS3_SYN_TOCLIENT_ON_SYN_RECV"]
E_BOTH_WRONG = E_["WHS3_WRONG_SEQ_WRONG_ACK"]
E_4_ACK = E_["WHS4_SYNACK_WITH_WRONG_ACK"]
E_4_SYN = E_["WHS4_SYNACK_WITH_WRONG_SYN"]
E_4_SEQ = E_["WHS4_WRONG_SEQ"]
E_4_INVALID = E_["WHS4_INVALID_ACK"]
E_OUT = E_["EST_PACKET_OUT_OF_WINDOW"]
E_BEFORE = E_["EST_PKT_BEFORE_LAST_ACK"]
E_EST_ACK = E_["EST_INVALID_ACK"]
E_EST_SA = E_["EST_SYNACK_RESEND"]
E_EST_SA_ACK = E_["EST_SYNACK_RESEND_WITH_DIFFERENT_ACK"]
E_EST_SA_SEQ = E_["EST_SYNACK_RESEND_WITH_DIFF_SEQ"]
E_EST_SA_SERVER = E_["EST_SYNACK_TOSERVER"]
E_EST_SYN = E_["EST_SYN_RESEND"]
E_EST_SYN_SEQ = E_["EST_SYN_RESEND_DIFF_SEQ"]
E_EST_SYN_CLIENT = E_["EST_SYN_TOCLIENT"]
E_FIN_ACK = E_["FIN_INVALID_ACK"]
E_FIN_OUT = E_["FIN_OUT_OF_WINDOW"]
E_FIN_NONE = E_["FIN_BUT_NO_SESSION"]
E_FIN_SYN = E_["FIN_SYN"]
E_RST_NONE = E_["RST_BUT_NO_SESSION"]
E_RST_ACK = E_["RST_INVALID_ACK"]
E_RST_DATA = E_["RST_WITH_DATA"]
E_PROBE = E_["EST_ACK_ZWP_DATA"]
E_SHUT_SYN = E_["SHUTDOWN_SYN_RESEND"]
E_TS = E_["PKT_INVALID_TIMESTAMP"]
E_ACK = E_["PKT_INVALID_ACK"]
E_BROKEN = E_["PKT_BROKEN_ACK"]
E_AGAIN = E_["PKT_RETRANSMISSION"]
E_INJECT = E_["SUSPECTED_RST_INJECT"]
E_SPURIOUS = E_["PKT_SPURIOUS_RETRANSMISSION"]
E_IGNORED = E_["WHS3_SYNACK_TFO_DATA_IGNORED"]
E_WINDOW = E_["PKT_BAD_WINDOW_UPDATE"]
E_CW_OUT = E_["CLOSEWAIT_ACK_OUT_OF_WINDOW"]
E_CW_BEFORE = E_["CLOSEWAIT_PKT_BEFORE_LAST_ACK"]

INVALID_ACK = np.zeros(11, np.int64)
"""State -> event of an acknowledgement that cannot be; the same for the next two tables."""
FIN_WRONG = np.zeros(11, np.int64)
ACK_WRONG = np.zeros(11, np.int64)
for _state, _name in (
    (FIN_WAIT1, "FIN1"), (FIN_WAIT2, "FIN2"), (CLOSING, "CLOSING"), (CLOSE_WAIT, "CLOSEWAIT"),
    (LAST_ACK, "LASTACK"), (TIME_WAIT, "TIMEWAIT"),
):  # fmt: skip
    INVALID_ACK[_state] = E_[f"{_name}_INVALID_ACK"]
    ACK_WRONG[_state] = E_.get(f"{_name}_ACK_WRONG_SEQ", 0)
    FIN_WRONG[_state] = E_.get(f"{_name}_FIN_WRONG_SEQ", 0)
FIN_WRONG[CLOSE_WAIT] = E_["CLOSEWAIT_FIN_OUT_OF_WINDOW"]

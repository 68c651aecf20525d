"""What stages that know no flow table see of it: columns of its records, by slot."""

from __future__ import annotations

from typing import Any

from vpi_tui.detect.applayer.expectations import Ends
from vpi_tui.detect.match.types import FlowView


def ends_of(records: Any) -> Ends:
    """Who speaks in each slot. records: flow.FLOW_DTYPE[slots]."""
    return Ends(
        records["src_ip"],
        records["dest_ip"],
        records["dest_port"],
        records["ifindex_client"],
        records["src_guest"],
    )


def view_of(records: Any) -> FlowView:
    """What rules ask about flows. records: flow.FLOW_DTYPE[slots]."""
    return FlowView(
        records["src_ip"],
        records["dest_ip"],
        records["src_port"],
        records["dest_port"],
        records["locality"],
        records["app_proto"],
    )

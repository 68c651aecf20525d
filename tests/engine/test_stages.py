"""Parsers do what is asked of flows between such hosts: rules about what comes in look at nothing inside."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.detect.applayer.test_pass_by import SLOTS, stretches
from tests.detect.rules.rule_text import parse
from vpi_tui.detect.applayer.expectations import Ends
from vpi_tui.detect.match.ruleset import RuleSet
from vpi_tui.engine.spec import EngineSpec
from vpi_tui.engine.stages import Stages
from vpi_tui.engine.transactions import Logged
from vpi_tui.model.applications import APP_PROTOS
from vpi_tui.model.batch import Direction

SLOT = 1
MAIL = (
    b"HELO me\r\nMAIL FROM:<a@example>\r\nRCPT TO:<b@example>\r\nDATA\r\n"
    b"Content-Disposition: attachment; filename=a\r\n\r\nabcd\r\n.\r\n"
)
OUTSIDE, INSIDE, OTHER_INSIDE = (0xFFFF << 32 | host for host in (0xC0000201, 0x0A000001, 0x0A000002))
NOBODY_LOGS = Logged()
NOBODY = (np.zeros(SLOTS, np.uint16), np.zeros(SLOTS, np.int32), np.full(SLOTS, -1, np.int16))
"""Of flows: the server's port, where the client's packets come in, and which guest it is."""


def files_between(client: int, server: int, head: str, logged: Logged) -> int:
    """How many files are found in a mail, with a rule about the data of files."""
    rules = RuleSet.compile([parse('file_data; content:"abcd";', head=head)])
    layer = Stages(EngineSpec("replay", files=(str(Path("none.pcap")),)), rules, logged).app_layer
    assert layer is not None
    addresses = [np.array([[one >> 64, one & (1 << 64) - 1]] * SLOTS, np.uint64) for one in (client, server)]
    ends = Ends(addresses[0], addresses[1], *NOBODY)
    app_of = np.full(SLOTS, APP_PROTOS.index("smtp"), np.uint8)
    said = stretches((SLOT, int(Direction.TO_SERVER), 0, MAIL))
    return max(progress.files for progress in layer.released(said, app_of, ends))


INWARDS = "alert smtp ![10.0.0.0/8] any -> [10.0.0.0/8] any"
ANYWHERE = "alert smtp any any -> any any"


@pytest.mark.parametrize(
    ("client", "server", "head", "logged", "files"),
    [
        (OUTSIDE, INSIDE, INWARDS, NOBODY_LOGS, 1),
        (INSIDE, OUTSIDE, INWARDS, NOBODY_LOGS, 0),
        (INSIDE, OTHER_INSIDE, INWARDS, NOBODY_LOGS, 0),
        (INSIDE, OTHER_INSIDE, ANYWHERE, NOBODY_LOGS, 1),
        (INSIDE, OTHER_INSIDE, INWARDS, Logged(frozenset({"smtp"}), files=True), 1),
    ],
)
def test_files_are_looked_for_in_flows_that_a_rule_may_be_about(
    client: int, server: int, head: str, logged: Logged, files: int
) -> None:
    assert files_between(client, server, head, logged) == files


def test_files_that_several_flows_bring_are_looked_for_in_all() -> None:
    head = INWARDS.replace("smtp", "http")
    rules = RuleSet.compile([parse('file_data; content:"abcd";', head=head)])
    layer = Stages(EngineSpec("replay", files=(str(Path("none.pcap")),)), rules).app_layer
    assert layer is not None
    addresses = np.array([[0, INSIDE]] * SLOTS, np.uint64)
    ends = Ends(addresses, addresses, *NOBODY)
    app_of = np.full(SLOTS, APP_PROTOS.index("http"), np.uint8)
    told = 0
    for slot, place in ((1, b"0-1/4"), (2, b"2-3/4")):
        asked = b"GET /f HTTP/1.1\r\nHost: a\r\n\r\n"
        answer = b"HTTP/1.1 206 P\r\nContent-Length: 2\r\nContent-Range: bytes %b\r\n\r\nab" % place
        said = stretches(
            (slot, int(Direction.TO_SERVER), 0, asked), (slot, int(Direction.TO_CLIENT), 0, answer)
        )
        told += sum(progress.files for progress in layer.released(said, app_of, ends))
    assert told, "the file is whole"

"""Whatever is said to a parser: it does not raise, keeps little, is quick, and its buffers can be read.

`make fuzz` looks longer, and with seeds.
"""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.detect.applayer.conversations import (
    AGAIN,
    DIRECTIONS,
    FRAMES,
    NO_BODIES,
    Step,
    conversation_of,
    drive,
    said_of,
    steps_of,
)
from tests.fuzz.bounds import SECONDS, cpu_seconds, timely
from vpi_tui.detect.applayer.application import Application
from vpi_tui.detect.applayer.base import Limits
from vpi_tui.detect.applayer.registry import APPLICATIONS, by_name
from vpi_tui.model.batch import Direction

gaps = st.sampled_from((0, 0, 1, 31))
steps = st.lists(
    st.builds(Step, st.sampled_from(DIRECTIONS), st.binary(max_size=80), st.booleans(), gaps),
    max_size=6,
)
switches = st.sampled_from((0, FRAMES, NO_BODIES, FRAMES | AGAIN))


@given(steps)
def test_a_conversation_is_read_as_it_was_written(said: list[Step]) -> None:
    assert list(steps_of(conversation_of(said))) == [step for step in said if step.data]


@pytest.mark.parametrize("application", APPLICATIONS, ids=lambda found: found.name)
@settings(max_examples=25)
@given(steps, switches)
def test_noise(application: Application, said: list[Step], how: int) -> None:
    conversation = conversation_of(said, how)
    timely(partial(drive, application), conversation, said_of(conversation))


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("protocol", "begin", "more"),
    [("http1", CHUNKED, b"\n"), ("http1", CHUNKED, b" \r\n"), ("ssh", b"", b"SSH-")],
)
def test_what_never_ends_is_read_in_time(protocol: str, begin: bytes, more: bytes) -> None:
    """Searches that go over all of it for each line, or each way to cut one, take many seconds."""
    parser = by_name()[protocol].parser(Limits())
    parser.feed(Direction.TO_CLIENT, begin, 0)

    def hear(data: bytes) -> None:
        parser.feed(Direction.TO_CLIENT, data, 0)

    assert cpu_seconds(hear, more * (1 << 17)) < SECONDS

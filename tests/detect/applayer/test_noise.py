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
    steps_of,
)
from tests.fuzz.bounds import timely
from vpi_tui.detect.applayer.base import Application
from vpi_tui.detect.applayer.registry import APPLICATIONS

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
    timely(partial(drive, application), conversation_of(said, how))

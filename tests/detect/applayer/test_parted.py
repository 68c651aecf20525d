"""What was known of a flow is gone at once when it is followed no more, without a collection of cycles."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import numpy as np
import pytest

from tests.detect.applayer.test_pass_by import SLOTS, stretches
from vpi_tui.detect.applayer.application import Application
from vpi_tui.detect.applayer.base import Limits
from vpi_tui.detect.applayer.demand import Demand
from vpi_tui.detect.applayer.http.parser import HttpParser
from vpi_tui.detect.applayer.registry import APPLICATIONS
from vpi_tui.detect.applayer.tracker import AppLayer
from vpi_tui.model.applications import APP_PROTOS
from vpi_tui.model.batch import Direction

SAID = (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"RFB 003.008\n", bytes(range(256)), bytes(64))
SERVER, CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT


@pytest.fixture(autouse=True)
def no_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("application", APPLICATIONS, ids=lambda one: one.name)
@pytest.mark.parametrize("ends", [False, True])
def test_a_parser_that_is_parted_is_gone(application: Application, ends: bool) -> None:
    for said in SAID:
        parser = application.parser(Limits())
        list(parser.feed(SERVER, said, 0))
        list(parser.feed(CLIENT, said, 0))
        if ends:
            list(parser.finish())
        parser.part()
        known = weakref.ref(parser)
        del parser
        assert known() is None


def test_flows_that_make_room_for_others_leave_nothing_behind() -> None:
    layer = AppLayer(Demand({"http1"}), most_flows=2)
    app_of = np.full(SLOTS, APP_PROTOS.index("http"), np.uint8)
    for number in range(40):
        layer.released(stretches((1 + number % 3, SERVER, 0, SAID[0])), app_of)
    assert layer.stats()["app_layer.evicted"] > 30
    assert sum(isinstance(one, HttpParser) for one in gc.get_objects()) == 2

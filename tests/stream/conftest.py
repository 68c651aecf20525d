"""What tests of whole connections begin with."""

from __future__ import annotations

import pytest

from tests.stream.scanning import Connection


@pytest.fixture
def talk() -> Connection:
    return Connection().open()

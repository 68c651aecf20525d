"""The ports of tunnels by their settings, as the engine reads them."""

from __future__ import annotations

import pytest

from vpi_tui.config.schema import ENGINE_OPTIONS, find
from vpi_tui.decode.decoder import TunnelPorts
from vpi_tui.engine.options import tunnel_ports
from vpi_tui.model.errors import ConfigError


def test_ports_are_lists_and_kinds_can_be_switched_off() -> None:
    found = tunnel_ports({"decoder.vxlan.ports": "[4789, 8472]", "decoder.teredo.enabled": "no"})
    assert found == TunnelPorts(vxlan=(4789, 8472), teredo=())
    assert tunnel_ports({}) == TunnelPorts()


@pytest.mark.parametrize("text", ["[1, x]", "70000", ""])
def test_what_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        tunnel_ports({"decoder.geneve.ports": text})


@pytest.mark.parametrize("kind", ["vxlan", "geneve", "teredo"])
@pytest.mark.parametrize("what", ["ports", "enabled"])
def test_the_settings_reach_the_engine(kind: str, what: str) -> None:
    name = f"decoder.{kind}.{what}"
    assert find(name) is not None
    assert name.startswith(ENGINE_OPTIONS)

"""mqtt: messages of MQTT 3.1, 3.1.1 and 5 (OASIS standards), requests together with what answers them."""

from __future__ import annotations

from typing import Final

from vpi_tui.detect.applayer.application import Application, application
from vpi_tui.detect.applayer.mqtt.buffers import BUFFERS
from vpi_tui.detect.applayer.mqtt.parser import MqttParser

MQTT: Final[Application] = application("mqtt", MqttParser, BUFFERS)

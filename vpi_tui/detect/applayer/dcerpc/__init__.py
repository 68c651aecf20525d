"""dcerpc: calls of DCE/RPC over TCP (version 5) and UDP (version 4); smb carries them in named pipes."""

from __future__ import annotations

from typing import Final

from vpi_tui.detect.applayer.application import application
from vpi_tui.detect.applayer.dcerpc.buffers import CALL_BUFFERS
from vpi_tui.detect.applayer.dcerpc.parser import DcerpcParser

DCERPC: Final = application("dcerpc", DcerpcParser, CALL_BUFFERS, transports=("tcp", "udp"))

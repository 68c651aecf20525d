"""smb: versions 1 to 3 over NetBIOS sessions and TCP: commands, shares, log-ons, named pipes, files."""

from __future__ import annotations

from typing import Final

from vpi_tui.detect.applayer.application import BOTH, application
from vpi_tui.detect.applayer.smb.buffers import SMB_BUFFERS
from vpi_tui.detect.applayer.smb.parser import SmbParser

SMB: Final = application("smb", SmbParser, SMB_BUFFERS, files=BOTH)

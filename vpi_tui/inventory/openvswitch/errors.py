"""What only this probe needs to tell apart."""

from __future__ import annotations

from vpi_tui.model.errors import VpiError


class AbsentError(VpiError):
    """There is no socket: the daemon is not installed, or does not run."""

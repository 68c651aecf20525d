"""sources: a capture source together with the topology it is seen in, one module a mode."""

from vpi_tui.engine.sources.base import EngineSource
from vpi_tui.engine.sources.choose import open_source

__all__ = ["EngineSource", "open_source"]

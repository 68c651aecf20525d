"""What all tests share: property tests have no deadline, because the machine may be busy."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("vpi", deadline=None)
settings.load_profile("vpi")

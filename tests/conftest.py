"""What all tests share.

Property tests have no deadline, because the machine may be busy. Kernels are compiled into the cache that the
program itself uses: its name changes with the sources, so that no test runs yesterday's code.
"""

from __future__ import annotations

from hypothesis import settings

from vpi_tui.config.paths import prepare_numba_cache

prepare_numba_cache()
settings.register_profile("vpi", deadline=None)
settings.load_profile("vpi")

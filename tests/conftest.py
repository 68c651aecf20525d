"""What all tests share.

Property tests have no deadline, because the machine may be busy. They draw the same examples each time, so
that a change is judged by what it changes; `HYPOTHESIS_PROFILE=search` looks for new ones. Kernels come from
the cache that the program itself uses: its name changes with the sources, so that no test runs
yesterday's code.
"""

from __future__ import annotations

import os

from hypothesis import settings

from vpi_tui.config.paths import prepare_numba_cache

prepare_numba_cache()
settings.register_profile("repeat", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=1_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeat"))

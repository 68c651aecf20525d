"""ui: snapshots on a terminal. The only room that imports Textual and Rich."""

import os

os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")  # read once, when Textual is imported: nothing animates

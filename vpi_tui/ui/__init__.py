"""ui: snapshots on a terminal. The only room that imports Textual and Rich."""

"""feed: the typed protocol between engine and ui: messages, codec, connections."""

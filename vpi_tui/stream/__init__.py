"""stream: TCP segments in, in-order bytes (StreamBatch) out. No I/O, no clock."""

"""demo: a staged, deterministic day of two virtual switches, as real frames; gives PacketBatch."""

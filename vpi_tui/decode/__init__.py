"""decode: PacketBatch in, DecodedBatch out. No I/O, no clock."""

"""decode: PacketBatch in, DecodedBatch out. No I/O, no clock.

`decoder.Decoder` is the way in. The kernels read a frame once, front to back, and never past its
captured end; what is malformed sets a bit in `DecodedBatch.events` and ends that row.
"""

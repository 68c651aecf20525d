"""stream: TCP segments in, in-order bytes (StreamBatch) out; IP fragments in, whole datagrams out.
No I/O, no clock.

reassembly.Reassembler is the door for TCP, defrag.Defragmenter for fragments (kernels_defrag.py collects
them). layout.py says what is remembered of streams; kernels_cells.py keeps bytes in chains of cells,
kernels_held.py the queue of what waits, kernels_segments.py the segments that came too early,
kernels_take.py puts a payload where it belongs, kernels.py is the loop over the rows of a batch.

When data is inspected: a sender's bytes are gathered until the segment says so (PSH, FIN, RST), the
peer sends data, CHUNK bytes are there, or HOLD_NS of packet time have gone by. So a message that was
cut into segments is looked at as a whole, and nothing waits for long.
"""

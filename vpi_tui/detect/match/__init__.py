"""match: Signatures and batches in, Matches out. Never reads a file, never looks at a clock."""

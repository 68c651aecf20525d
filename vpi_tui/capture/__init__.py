"""capture: where packets come from (ring, capture files, pipes, demo). Gives PacketBatch, never decodes."""

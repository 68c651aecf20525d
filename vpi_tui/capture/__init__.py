"""capture: where packets come from (ring, capture files, demo). Gives PacketBatch, never decodes."""

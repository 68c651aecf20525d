"""flow: DecodedBatch in, FlowBatch, talkers and closed flows out. Time is handed in."""

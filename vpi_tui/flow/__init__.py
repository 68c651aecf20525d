"""flow: DecodedBatch in, FlowBatch, talkers and closed flows out. Time is handed in.

`table.FlowTable` follows every flow, `talkers.Talkers` adds up who talks most, `community_id` and
`render` turn records into what people and other tools read.
"""

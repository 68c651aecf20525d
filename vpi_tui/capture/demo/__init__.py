"""demo: a staged, deterministic day of two virtual switches, as real frames; gives PacketBatch.

hosts: who takes part. conversation, payloads, smb: how they speak. background, operations,
attacks: what they say. timeline, checksum: many copies laid out in time. scenario: one loop of it
all. apart: the same, built by another process. source: its pace.
"""

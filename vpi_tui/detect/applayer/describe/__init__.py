"""What the log says of a transaction: one module a protocol, one registry.

A description gives the objects that go beside the fields common to all events, under the names of
Suricata 8's EVE. Text is as sent where it is UTF-8; other bytes are written as \\xNN.
"""

"""Tests of the pure functions between snapshots and cells."""

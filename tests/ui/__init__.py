"""Tests of the screens, driven by pictures that are built by hand: no engine, no clock."""

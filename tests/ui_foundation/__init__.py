"""Tests of themes, widgets, display and escape: what screens are built on."""

"""widgets: what screens are built of; a widget renders rows and computes none."""

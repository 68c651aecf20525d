"""coverage: what of the virtual network the sensor sees, port by port. Counts in, verdicts out."""

"""behaviour: what no signature says. Batches in, findings out; time comes with the packets."""

"""record: the last packets behind the alerts, kept within a bound of bytes."""

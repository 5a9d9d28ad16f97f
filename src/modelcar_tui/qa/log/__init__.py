"""From a line of the log of the suite to what it means."""

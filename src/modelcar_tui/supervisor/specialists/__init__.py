"""Our specialists, one a file."""

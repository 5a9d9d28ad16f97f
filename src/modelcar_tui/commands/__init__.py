"""What the two command lines do: one file a command, imported when it is asked for."""

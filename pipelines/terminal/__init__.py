"""Text that a terminal or a shell is given, whatever names the data have."""

"""Native TFMA metrics of hard predictions and of gaps between groups."""

"""One file per experiment: names and numbers only."""

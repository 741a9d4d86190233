"""One file per release policy: names and numbers only."""

"""One file per study that two CPU cores finish in minutes."""

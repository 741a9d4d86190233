"""From a config to trained, exported and recorded runs."""

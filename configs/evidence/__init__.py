"""The studies of docs/evidence.md: seeds and temperatures that can decide."""

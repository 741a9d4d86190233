"""One file per study of docs/evidence.md, with the seeds that can decide."""

"""What pipelines.evaluate is made of: examples, fingerprints, Beam job, output."""

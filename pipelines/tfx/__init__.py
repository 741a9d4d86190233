"""What a TFX pipeline calls: run_fn and its inputs."""

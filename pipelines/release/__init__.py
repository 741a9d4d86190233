"""What a release is made of: model card, policy, candidate, verdict, selection."""

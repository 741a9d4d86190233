"""The mains, and what they are made of."""

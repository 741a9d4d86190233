"""Studies of language models and their students."""

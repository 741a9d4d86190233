"""Studies of language models: does a student keep its teacher's stereotypes?"""

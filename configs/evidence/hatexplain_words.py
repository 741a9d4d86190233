"""HateXplain by its words alone, thirty seeds: what damaged texts do to the students.

The table is what `python -m benchmarks.hate_tables` and `python -m
benchmarks.hidden_features` without --gguf make of the posts, in the folder that
--config.dataset.data_dir names. The teacher is a wider network on the same words.
"""

import ml_collections

from configs.evidence import hatexplain


def get_config() -> ml_collections.ConfigDict:
    config = hatexplain.get_config()
    config.name = "hatexplain_words"
    config.dataset.path = "hatexplain_words.parquet"
    config.teacher.model_options.reads = ("words",)
    config.teacher.model_options.hidden_units = (256,)
    config.teacher.model_options.embedding_dim = 64
    config.evaluation.corruptions = ("typos", "synonyms")
    return config

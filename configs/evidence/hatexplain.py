"""HateXplain with a language model's eyes as the teacher, thirty seeds: 2, 3 and 4.

The table is what `python -m benchmarks.hate_tables` and `python -m
benchmarks.hidden_features --layers=8` make of the posts, in the folder that
--config.dataset.data_dir names. The teacher is a head on the states of SmolLM2-135M and
on the words, the student the mean embedding of the words with one hidden layer.
"""

from typing import Any

import ml_collections

from configs import _protocol
from configs.evidence import _plan


def get_config() -> ml_collections.ConfigDict:
    config = _protocol.study(
        "hatexplain_evidence",
        dataset={
            "name": "table",
            "path": "hatexplain_seen.parquet",
            "label": "label",
            "class_names": ("normal", "toxic"),
            "groups": {
                "race": ("African", "other", "none"),
                "gender": ("Women", "none"),
            },
            "example_id": "id",
            "split": "split",
        },
        attributes=("race", "gender"),
        # Chosen on validation, before the study: more epochs learn the posts by heart.
        teacher=_recipe(
            8, ("hidden", "words"), hidden_units=(128,), dropout=0.5, embedding_dim=32
        ),
        student=_recipe(5, ("words",), hidden_units=(32,), embedding_dim=16),
    )
    del config.dataset["download"]
    _plan.decide(config, "hatexplain_evidence", seeds=30)
    # 39 posts about African people are not toxic.
    config.evaluation.min_examples = 30
    return config


def _recipe(
    epochs: int, reads: tuple[str, ...], **options: Any
) -> ml_collections.ConfigDict:
    return _protocol.recipe(
        "mlp",
        optimizer="adam",
        learning_rate=1e-3,
        schedule="cosine",
        epochs=epochs,
        batch_size=128,
        model_options={"reads": reads, "num_bins": 8192, **options},
    )

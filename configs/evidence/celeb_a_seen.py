"""CelebA as a published CIFAR-10 network sees it, thirty seeds: findings 2, 3 and 4.

The table is what `python -m benchmarks.frozen_features --map=24` writes of
`configs/evidence/celeb_a.py` with the weights of a ResNet-56, in the folder that
--config.dataset.data_dir names: 36 cells of a middle layer. A smile has its place.
"""

from typing import Any

import ml_collections

from configs import _protocol
from configs.evidence import _plan


def get_config() -> ml_collections.ConfigDict:
    config = _protocol.study(
        "celeb_a_seen_evidence",
        dataset={
            "name": "table",
            "path": "celeb_a_seen.parquet",
            "label": "Smiling",
            "features": {"seen": "number"},
            "groups": {"Young": ("not young", "young"), "Male": ("not male", "male")},
            "example_id": "id",
            "split": "split",
        },
        attributes=("Young", "Male"),
        # Chosen on validation, before the study.
        teacher=_recipe(hidden_units=(128,), dropout=0.5),
        student=_recipe(hidden_units=(2,)),
    )
    del config.dataset["download"]
    _plan.decide(config, "celeb_a_seen_evidence", seeds=30)
    return config


def _recipe(**options: Any) -> ml_collections.ConfigDict:
    return _protocol.recipe(
        "mlp",
        optimizer="adam",
        learning_rate=1e-3,
        schedule="cosine",
        epochs=10,
        batch_size=128,
        model_options=options,
    )

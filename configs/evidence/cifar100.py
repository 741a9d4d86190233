"""CIFAR-100 as a published CIFAR-10 network sees it, thirty seeds: finding 1.

The table is what `python -m benchmarks.frozen_features` writes of CIFAR-100 with the
weights of a ResNet-56, in the folder that --config.dataset.data_dir names.
"""

import ml_collections

from configs import _protocol
from configs.evidence import _plan


def get_config() -> ml_collections.ConfigDict:
    config = _protocol.study(
        "cifar100_evidence",
        dataset={
            "name": "table",
            "path": "cifar100.parquet",
            "label": "label",
            "example_id": "id",
            "split": "split",
        },
        teacher=_recipe(hidden_units=(1024,), learning_rate=1e-3),
        student=_recipe(hidden_units=(32,), learning_rate=3e-3),
    )
    del config.dataset["download"]
    _plan.decide(config, "cifar100_evidence", seeds=30)
    # As finding 1 was published, without T = 1.
    config.temperatures = tuple(float(t) for t in (*range(2, 11), 20, 40))
    return config


def _recipe(
    hidden_units: tuple[int, ...], learning_rate: float
) -> ml_collections.ConfigDict:
    return _protocol.recipe(
        "mlp",
        optimizer="adam",
        learning_rate=learning_rate,
        schedule="cosine",
        epochs=20,
        batch_size=128,
        model_options={"hidden_units": hidden_units},
    )

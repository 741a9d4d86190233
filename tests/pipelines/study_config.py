"""The config of a made-up study: every field that a real one has."""

from typing import Any

from configs import _protocol
from pipelines.studies import config as configs


def made_up(name: str, seeds, temperatures) -> dict[str, Any]:
    """As config.json holds it: lenet5 distilled from resnet20.

    It names a data set that there is; tests put their own in its place.
    """
    options = {"optimizer": "adam", "learning_rate": 0.001, "schedule": "constant"}
    options |= {"epochs": 1, "batch_size": 32}
    config = _protocol.study(
        name,
        dataset={"name": "trifeature"},
        teacher=_protocol.recipe("resnet20", **options),
        student=_protocol.recipe("lenet5", **options),
    )
    config.seeds, config.temperatures = tuple(seeds), tuple(temperatures)
    # Groups of made-up studies are small, and no one shall be left out.
    config.evaluation.min_examples = 1
    return configs.to_dict(config)

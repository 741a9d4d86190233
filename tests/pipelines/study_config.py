"""The config of a made-up study: every field that a real one has."""

from typing import Any

from configs import _protocol
from pipelines.studies import config as configs


def made_up(name: str, seeds, temperatures, **dataset) -> dict[str, Any]:
    """As config.json holds it: lenet5 distilled from resnet20."""
    options = {"optimizer": "adam", "learning_rate": 0.001, "schedule": "constant"}
    options |= {"epochs": 1, "batch_size": 32}
    config = _protocol.study(
        name,
        dataset={"name": name, **dataset},
        teacher=_protocol.recipe("resnet20", **options),
        student=_protocol.recipe("lenet5", **options),
    )
    config.seeds, config.temperatures = tuple(seeds), tuple(temperatures)
    return configs.to_dict(config)

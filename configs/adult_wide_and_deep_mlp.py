"""Adult (income over 50,000 dollars), wide and deep -> MLP."""

import ml_collections

from configs import _protocol


def get_config() -> ml_collections.ConfigDict:
    return _protocol.study(
        "adult_wide_and_deep_mlp",
        dataset={"name": "adult", "validation_fraction": 0.1},
        attributes=("sex", "race"),
        teacher=_recipe("wide_and_deep", hidden_units=(1024, 512, 256)),
        student=_recipe("mlp", hidden_units=(16,)),
    )


def _recipe(model: str, hidden_units: tuple[int, ...]) -> ml_collections.ConfigDict:
    # No recipe is standard; the widths of the deep part are those of Cheng et al. 2016.
    return _protocol.recipe(
        model,
        optimizer="adam",
        learning_rate=1e-3,
        schedule="cosine",
        epochs=20,
        batch_size=256,
        model_options={"hidden_units": hidden_units},
    )

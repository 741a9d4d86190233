"""What a trained model leaves in the directory of its run."""

from collections.abc import Mapping
from typing import Any

import keras
import ml_collections

from kd_keras import files
from kd_keras.datasets import Dataset
from kd_keras.distiller.teacher import Teacher, fingerprint
from kd_keras.export import Exporter
from pipelines.studies import config as configs
from pipelines.studies import layout, made_by, predictions, run_record
from pipelines.studies.card import model_card
from pipelines.studies.layout import Run
from pipelines.studies.trainers import recipe_of


class Publisher:
    """Writes predictions, export and run.json of the models of a study.

    TensorFlow traces every new model to predict and to export it, which takes longer
    than both. So the first model of each recipe is kept, and gets the variables of the
    later ones, which have nothing else of their own: see `traced`.
    """

    def __init__(self, config: ml_collections.ConfigDict, dataset: Dataset):
        """Of one config and its data set."""
        self._config = config
        self._dataset = dataset
        self._exporters: dict[str, Exporter] = {}
        self._truth: dict[str, predictions.Truth] = {}

    def write(
        self, run: Run, partial: str, model: keras.Model, about: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Writes what a run holds beside its model file and its history.

        Args:
          run: what was trained.
          partial: the directory of the attempt.
          model: what was trained, as one device has it; saved already.
          about: what only the training knows: "seconds", "val_accuracy" and "teacher",
            the fingerprint of the teacher, or None.

        Returns:
          What run.json holds.
        """
        config, dataset = self._config, self._dataset
        recipe = recipe_of(config, run)
        record = {
            "model": run.model,
            "temperature": run.temperature,
            "seed": run.seed,
            **run_record.of_method(run, config),
            "architecture": recipe.model,
            "parameters": model.count_params(),
            "epochs": recipe.epochs,
            "weights": fingerprint([Teacher(model)]),
            **about,
        }
        exporter = self._exporter(run, model)
        found = {s: self._predict(exporter.model, s) for s in predictions.SPLITS}
        for split, of_split in found.items():
            predictions.write(partial, split, of_split)
        card = model_card(
            {"config": configs.to_dict(config), **made_by.current()},
            dataset.spec,
            record,
            found[config.evaluation.split],
            record["teacher"],
        )
        exporter.write(files.join(partial, "export", "1"), card)
        return run_record.write(partial, run, config, record)

    def _exporter(self, run: Run, model: keras.Model) -> Exporter:
        """Exports the kept model, which has the variables of `model` by now."""
        kind = layout.TEACHER if run.model == layout.TEACHER else "student"
        kept = self._exporters.get(kind)
        if kept is None:
            kept = self._exporters[kind] = Exporter(model, self._dataset.spec)
        elif kept.model is not model:
            for into, value in zip(kept.model.variables, model.variables, strict=True):
                into.assign(value)
        return kept

    def _predict(self, model: keras.Model, split: str) -> predictions.Predictions:
        if split not in self._truth:
            self._truth[split] = predictions.truth_of(self._dataset, split)
        return predictions.predict(model, self._dataset, split, self._truth[split])

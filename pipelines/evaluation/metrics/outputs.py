"""What the metrics read of an example: label, class probabilities, groups, weight."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.metrics import metric_types


class ModelOutput(NamedTuple):
    """One example as one model sees it.

    Attributes:
      label: class index.
      prediction: class index of the highest probability, the first one among equals.
      probabilities: `[classes]`.
      groups: the group's name for each attribute asked for; None where missing.
      weight: 1.0 unless the metric is weighted.
    """

    label: int
    prediction: int
    probabilities: np.ndarray
    groups: tuple[str | None, ...]
    weight: float


class ModelOutputPreprocessor(metric_types.Preprocessor):
    """Reads a `ModelOutput` once per example, before it is copied to its slices.

    Args:
      model_name: TFMA's name of the model; "" where it is the only one.
      attributes: sensitive attributes whose groups are needed.
      example_weighted: whether to read the example's weight.
    """

    def __init__(
        self,
        model_name: str,
        attributes: Sequence[str] = (),
        example_weighted: bool = False,
    ):
        super().__init__(
            name=f"outputs:{model_name}:{','.join(attributes)}:{example_weighted}"
        )
        self.model_name = model_name
        self.attributes = tuple(attributes)
        self.example_weighted = example_weighted

    def process(self, extracts: Mapping[str, Any]) -> Iterator[ModelOutput]:
        probabilities = np.ravel(self._of_model(extracts[constants.PREDICTIONS_KEY]))
        if probabilities.size < 2:
            raise ValueError(
                "A model must answer one probability per class, two or more. Received: "
                f"{probabilities.size} from model {self.model_name!r}. Use two classes "
                "where there is only the probability of the positive one."
            )
        features = extracts[constants.FEATURES_KEY]
        weight = 1.0
        if self.example_weighted:
            weight = _scalar(self._of_model(extracts[constants.EXAMPLE_WEIGHTS_KEY]))
        yield ModelOutput(
            label=int(_scalar(self._of_model(extracts[constants.LABELS_KEY]))),
            prediction=int(np.argmax(probabilities)),
            probabilities=probabilities,
            groups=tuple(_group(features.get(name)) for name in self.attributes),
            weight=float(weight),
        )

    def _of_model(self, values: Any) -> Any:
        """TFMA keys what differs between models by the model's name."""
        return values[self.model_name] if isinstance(values, Mapping) else values


def _scalar(value: Any) -> Any:
    return np.asarray(value).item()


def _group(value: Any) -> str | None:
    """TFMA has no value, or an empty array, where the tf.Example has no feature."""
    if value is None or np.size(value) == 0:
        return None
    group = _scalar(value)
    return group.decode() if isinstance(group, bytes) else str(group)

"""Individual fairness: are similar individuals treated alike?"""

import dataclasses
import numbers
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

import numpy as np

from kd_keras.table import fields_html

_BLOCK_ELEMENTS = 2**20
_SLACK = 0.01  # A softmax in half precision sums to nearly 1.

Distance = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclasses.dataclass(frozen=True)
class IndividualFairness:
    """Ratios of output to input distance over pairs of individuals.

    Attributes:
      mean: E |f(x) - f(x')| / d(x, x') over pairs with different inputs (lower is
        fairer); NaN without such pairs.
      largest: the largest ratio, a lower bound of the Lipschitz constant of f
        (Dwork et al. 2012); NaN without such pairs.
      num_pairs: pairs with different inputs.
      num_identical: pairs with identical inputs, which `mean` leaves out.
      num_violations: identical pairs with different outputs.
      largest_violation: their largest output distance; 0 without violations.
    """

    mean: float
    largest: float
    num_pairs: int
    num_identical: int
    num_violations: int
    largest_violation: float

    _repr_html_ = fields_html


def total_variation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Half the L1 distance of probabilities `[pairs, classes]` -> `[pairs]`."""
    return np.abs(a - b).sum(axis=1) / 2


def euclidean(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """L2 distance, `[pairs, dimensions]` -> `[pairs]`."""
    return np.linalg.norm(a - b, axis=1)


def cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """1 - cosine similarity, `[pairs, dimensions]` -> `[pairs]`.

    From the difference of unit vectors, so that nearly parallel ones keep precision.
    Distances below 1e-12, which rounding alone can cause, are 0.
    """
    return _of_units(_units(a), _units(b))


def _units(a: np.ndarray) -> np.ndarray:
    return a / np.linalg.norm(a, axis=1, keepdims=True)


def _of_units(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    distance = ((a - b) ** 2).sum(axis=1) / 2
    return np.where(distance < 1e-12, 0, distance)


OUTPUT_DISTANCES: Mapping[str, Distance] = {
    "total_variation": total_variation,
    "euclidean": euclidean,
}
INPUT_DISTANCES: Mapping[str, Distance] = {"cosine": cosine, "euclidean": euclidean}


def individual_fairness(
    outputs,
    embeddings,
    *,
    output_distance: str = "total_variation",
    input_distance: str = "cosine",
    pairs: int | Literal["all"] = 100_000,
    seed: int = 0,
) -> IndividualFairness:
    """Measures I(f) = E |f(x) - f(x')| / d(x, x') (Mohammadshahi & Ioannou, 2025).

    Args:
      outputs: probabilities of the model at temperature 1, `[examples, classes]`,
        or of class 1 only, `[examples]`.
      embeddings: the inputs as one frozen extractor sees them, the same for all
        models that are compared, `[examples, dimensions]` or `[examples]`.
      output_distance: a key of OUTPUT_DISTANCES.
      input_distance: a key of INPUT_DISTANCES.
      pairs: number of random pairs of different examples, drawn with replacement,
        or "all" for every pair once.
      seed: of the random pairs. Equal numbers of examples, `pairs` and seeds give
        equal pairs.

    Raises:
      ValueError: if a shape or an option does not fit, or a value is not finite.
    """
    (found,) = of_models(
        [outputs],
        embeddings,
        output_distance=output_distance,
        input_distance=input_distance,
        pairs=pairs,
        seed=seed,
    )
    return found


def of_models(
    outputs: Sequence,
    embeddings,
    *,
    output_distance: str = "total_variation",
    input_distance: str = "cosine",
    pairs: int | Literal["all"] = 100_000,
    seed: int = 0,
) -> list[IndividualFairness]:
    """`individual_fairness` of several models; distances of inputs are taken once.

    Args:
      outputs: those of each model.
      embeddings: as in `individual_fairness`, and so are all other arguments.

    Raises:
      ValueError: as `individual_fairness`.
    """
    embeddings = _matrix("embeddings", embeddings)
    probabilities = [
        _outputs(each, len(embeddings), output_distance) for each in outputs
    ]
    output = _named("output_distance", output_distance, OUTPUT_DISTANCES)
    metric = _named("input_distance", input_distance, INPUT_DISTANCES)
    if metric is cosine:
        if not np.linalg.norm(embeddings, axis=1).all():
            raise ValueError(
                "`embeddings` must not be zero vectors under the cosine distance. Use "
                'input_distance="euclidean".'
            )
        embeddings, metric = _units(embeddings), _of_units
    columns = max(each.shape[1] for each in (embeddings, *probabilities))
    block = max(1, _BLOCK_ELEMENTS // columns)
    sums = [_Sums() for _ in probabilities]
    for i, j in _pair_blocks(len(embeddings), pairs, seed, block):
        distance = metric(embeddings[i], embeddings[j])
        for of_model, each in zip(sums, probabilities, strict=True):
            of_model.add(output(each[i], each[j]), distance)
    return [of_model.result() for of_model in sums]


class _Sums:
    """What has been seen of one model's pairs."""

    def __init__(self) -> None:
        self.total, self.largest, self.num_pairs = 0.0, 0.0, 0
        self.num_identical = self.num_violations = 0
        self.largest_violation = 0.0

    def add(self, moved: np.ndarray, distance: np.ndarray) -> None:
        different = distance > 0
        ratios = moved[different] / distance[different]
        self.total += ratios.sum()
        self.largest = max(self.largest, ratios.max(initial=0))
        self.num_pairs += len(ratios)
        violations = moved[~different]
        self.num_identical += len(violations)
        self.num_violations += int((violations > 0).sum())
        self.largest_violation = max(self.largest_violation, violations.max(initial=0))

    def result(self) -> IndividualFairness:
        return IndividualFairness(
            self.total / self.num_pairs if self.num_pairs else np.nan,
            float(self.largest) if self.num_pairs else np.nan,
            self.num_pairs,
            self.num_identical,
            self.num_violations,
            float(self.largest_violation),
        )


def individual_fairness_ratio(
    student_outputs, teacher_outputs, embeddings, **options
) -> float:
    """I(student) / I(teacher) on the same pairs; below 1 the student is fairer.

    Args:
      student_outputs: as `outputs` of `individual_fairness`.
      teacher_outputs: same, of the teacher.
      embeddings: as in `individual_fairness`.
      **options: keyword arguments of `individual_fairness`.

    Returns:
      The ratio of the means; NaN if the teacher's is 0 or undefined.
    """
    student = individual_fairness(student_outputs, embeddings, **options).mean
    teacher = individual_fairness(teacher_outputs, embeddings, **options).mean
    return student / teacher if teacher > 0 else np.nan


def _outputs(values, examples: int, distance: str) -> np.ndarray:
    """`[examples, classes]`; of class 1 only, the other class is added."""
    outputs = _matrix("outputs", values)
    if outputs.shape[1] == 1 and distance == "total_variation":
        outputs = np.hstack([1 - outputs, outputs])
    if len(outputs) != examples or examples < 2:
        raise ValueError(
            "`outputs` and `embeddings` must hold the same examples, two at least. "
            f"Received: {len(outputs)} and {examples}."
        )
    if distance == "total_variation":
        _check_probabilities(outputs)
    return outputs


def _check_probabilities(outputs: np.ndarray) -> None:
    wrong = (outputs < -_SLACK) | (outputs > 1 + _SLACK)
    if wrong.any() or (abs(outputs.sum(axis=1) - 1) > _SLACK).any():
        raise ValueError(
            "`outputs` must be probabilities, in [0, 1] and 1 in all of an example, "
            f"for output_distance='total_variation'. Received: {outputs.min():.4g} to "
            f"{outputs.max():.4g}, sums of {outputs.sum(axis=1).min():.4g} to "
            f"{outputs.sum(axis=1).max():.4g}. Of logits take the softmax, or pass "
            "output_distance='euclidean'."
        )


def _matrix(name: str, values) -> np.ndarray:
    array = np.asarray(values, np.float64)
    if array.ndim == 1:
        array = array[:, np.newaxis]
    if array.ndim != 2:
        raise ValueError(
            f"`{name}` must have one row per example. Received: shape {array.shape}."
        )
    if not np.isfinite(array).all():
        raise ValueError(f"`{name}` must be finite. Received: NaN or infinite values.")
    return array


def _named(argument: str, name: str, distances: Mapping[str, Distance]) -> Distance:
    if name not in distances:
        raise ValueError(
            f"`{argument}` must be one of {list(distances)}. Received: {name!r}."
        )
    return distances[name]


def _pair_blocks(
    num_examples: int, pairs: int | str, seed: int, block: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    if pairs == "all":
        for first in range(num_examples - 1):
            for start in range(first + 1, num_examples, block):
                others = np.arange(start, min(start + block, num_examples))
                yield np.full(len(others), first), others
        return
    if not isinstance(pairs, numbers.Integral) or pairs < 1:
        raise ValueError(
            f'`pairs` must be a positive whole number or "all". Received: {pairs!r}.'
        )
    rng = np.random.default_rng(seed)
    # The block depends on the models' widths; the pairs must not.
    for start in range(0, pairs, 2**16):
        size = min(2**16, pairs - start)
        i = rng.integers(num_examples, size=size)
        j = rng.integers(num_examples - 1, size=size)
        j += j >= i
        for first in range(0, size, block):
            yield i[first : first + block], j[first : first + block]

"""SavedModels of a pipeline: where they are, and what they answer as logits."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from kd_keras import files
from kd_keras.datasets.spec import DatasetSpec
from kd_keras.distiller.combination import logits_from_probabilities
from kd_keras.distiller.teacher import Teacher, fingerprint
from kd_keras.export import GRAPH, load, versions

FORMAT = "Format-Serving"  # Where TFX's Trainer puts a model.
FEATURES = "serving_features"
EXAMPLES = "serving_default"
SCORES = ("logits", "probabilities")


class Model(NamedTuple):
    """A loaded SavedModel.

    Attributes:
      path: where it is.
      reads_features: whether it takes the features of the spec, and not serialized
        tf.Examples.
      logits: from serialized tf.Examples `[batch]`, or from a dict of features, to
        logits, float32 `[batch, classes]`.
      fingerprint: SHA-256 of its weights.
      held: what has to live as long as it is called.
    """

    path: str
    reads_features: bool
    logits: Callable[[Any], tf.Tensor]
    fingerprint: str
    held: Any


def find(path: str) -> str:
    """The SavedModel that a model artifact, or what FnArgs makes of one, is about.

    It is `<path>/Format-Serving`, as TFX's Trainer writes it, `path` itself, or the
    highest `<path>/<version>`, as this project exports.

    Raises:
      ValueError: if there is none.
    """
    # FnArgs adds the folder to whatever was imported.
    root = path.rstrip("/").removesuffix(f"/{FORMAT}")
    tried = [files.join(root, FORMAT), root]
    tried += [files.join(root, str(version)) for version in versions(root)[-1:]]
    for candidate in tried:
        if files.exists(files.join(candidate, GRAPH)):
            return candidate
    raise ValueError(
        f"A model is needed, and there is no {GRAPH} in any of {tried}. Name the "
        "folder that holds it: in an Importer as source_uri, such as 'export/1'."
    )


def load_model(
    path: str, spec: DatasetSpec, scores: str | None = None, *, raw: bool = True
) -> Model:
    """Loads a model that answers for the classes of a spec.

    Args:
      path: as of `find`.
      spec: classes, and the features that `serving_features` may take.
      scores: "logits" or "probabilities", what it answers; None where the name of its
        output says so.
      raw: whether serialized tf.Examples of the kind that it reads can be had.

    Raises:
      ValueError: if it has no signature that can be called, or its answer is unclear.
    """
    path = find(path)
    loaded = load(path)
    name = _signature(path, loaded.signatures, spec, raw)
    call = Teacher(loaded.signatures[name])
    output = _output(path, loaded.signatures[name].structured_outputs, scores)
    kind = scores or output

    def logits(x: Any) -> tf.Tensor:
        answer = call(x)
        found = answer[output] if isinstance(answer, Mapping) else answer
        return as_logits(found, kind, spec.num_classes, path)

    reads_features = name == FEATURES
    return Model(path, reads_features, logits, fingerprint([call]), loaded)


def as_logits(
    answer: tf.Tensor, scores: str, num_classes: int, who: str = "The model"
) -> tf.Tensor:
    """Scores of a batch as logits `[batch, num_classes]`, float32.

    Of two classes also those of class 1 alone, `[batch]` or `[batch, 1]`.

    Raises:
      ValueError: if the shape is another one.
    """
    answer = tf.cast(answer, tf.float32)
    if num_classes == 2 and (answer.shape.rank == 1 or answer.shape[1:] == (1,)):
        of_one = tf.reshape(answer, [-1])
        of_zero = tf.zeros_like(of_one) if scores == "logits" else 1 - of_one
        answer = tf.stack([of_zero, of_one], axis=-1)
    if answer.shape.rank != 2 or answer.shape[-1] not in (None, num_classes):
        raise ValueError(
            f"{who} must answer one score for each of the {num_classes} classes. "
            f"Received: shape {answer.shape}."
        )
    if scores == "logits":
        return answer
    return logits_from_probabilities(answer, "softmax")


def _signature(path: str, signatures: Any, spec: DatasetSpec, raw: bool) -> str:
    def inputs(name: str) -> dict[str, tf.TensorSpec]:
        if name not in signatures:
            return {}
        return signatures[name].structured_input_signature[1]

    # An export asks for the features that its model reads.
    names = {*spec.features, *(name.lower() for name in spec.features)}
    if inputs(FEATURES) and set(inputs(FEATURES)) <= names:
        return FEATURES
    # By its name, for a text is a string too.
    taking = list(inputs(EXAMPLES).items())
    if raw and len(taking) == 1 and "example" in taking[0][0]:
        return EXAMPLES
    taken = {name: sorted(inputs(name)) for name in signatures}
    refused = "" if raw else " The examples are transformed: it cannot read them."
    raise ValueError(
        f"The model {path} must have the signature {FEATURES!r} with inputs "
        f"among {sorted(spec.features)}, or {EXAMPLES!r} with the input 'examples'."
        f"{refused} "
        f"Received: {taken}. Export it so, with kd_keras.export.save_model() or as "
        "TFX's guide has it" + ("." if raw else ", or pass raw examples.")
    )


def _output(path: str, outputs: Mapping[str, Any], scores: str | None) -> str:
    """The output to read."""
    if scores not in (None, *SCORES):
        raise ValueError(
            f"`scores` must be one of {list(SCORES)}, what the model answers. "
            f"Received: {scores!r}."
        )
    named = [name for name in (scores or "", *SCORES) if name in outputs]
    if named:
        if scores not in (None, named[0]):
            raise ValueError(
                f"The model {path} answers {sorted(outputs)}. Received: {scores!r} as "
                "what it answers. Leave it out."
            )
        return named[0]
    if scores is None or len(outputs) != 1:
        raise ValueError(
            f"The model {path} answers {sorted(outputs)}, of which none is called "
            f"'logits' or 'probabilities'. Say what it answers: teacher_outputs of the "
            "Distiller, scores of the FairnessGate, with one output."
        )
    return next(iter(outputs))

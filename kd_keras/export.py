"""SavedModels with TensorFlow Serving's layout and tf.Example signatures."""

import keras
import tensorflow as tf

from kd_keras import files
from kd_keras.datasets.examples import parse_features
from kd_keras.datasets.spec import DatasetSpec

VERSION = "1"


def export(model: keras.Model, spec: DatasetSpec, directory: str) -> str:
    """Writes `<directory>/<version>/`, a SavedModel that answers probabilities.

    Its signatures are `serving_default`, which takes serialized tf.Examples under the
    name `examples`, string `[batch]`, and `serving_features`, which takes one tensor
    `[batch, *shape]` per feature. Both answer `probabilities`, float32
    `[batch, num_classes]`.

    Args:
      model: maps `spec.inputs` to logits `[batch, num_classes]`.
      spec: names, shapes and dtypes of the features.
      directory: the model's directory, as TensorFlow Serving's --model_base_path.

    Returns:
      The path of the new version.
    """

    @tf.function
    def serve_features(**features: tf.Tensor) -> dict[str, tf.Tensor]:
        logits = tf.cast(model(spec.inputs(features), training=False), tf.float32)
        return {"probabilities": tf.nn.softmax(logits)}

    @tf.function
    def serve_examples(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        return serve_features(**parse_features(spec, examples))

    serve_features.get_concrete_function(
        **{
            name: tf.TensorSpec((None, *feature.shape), feature.dtype, name=name)
            for name, feature in spec.features.items()
        }
    )
    serve_examples.get_concrete_function(
        tf.TensorSpec([None], tf.string, name="examples")
    )
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serving_default", serve_examples)
    archive.add_endpoint("serving_features", serve_features)
    path = files.join(directory, VERSION)
    partial = files.join(directory, f"{VERSION}.partial")
    files.remove_tree(partial)
    archive.write_out(partial, verbose=False)
    files.replace_directory(partial, path)
    return path

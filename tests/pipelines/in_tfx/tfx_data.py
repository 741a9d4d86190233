"""tf.Examples, schemas and SavedModels as a TFX pipeline has them, made without TFX."""

import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2


def example(values: Mapping[str, Any]) -> bytes:
    """A serialized tf.Example; None and empty lists leave a feature out."""
    fields = {}
    for name, value in values.items():
        items = value if isinstance(value, list) else [value]
        if value is None or not items:
            continue
        if isinstance(items[0], str | bytes):
            found = [v.encode() if isinstance(v, str) else v for v in items]
            fields[name] = tf.train.Feature(bytes_list=tf.train.BytesList(value=found))
        elif isinstance(items[0], float):
            fields[name] = tf.train.Feature(float_list=tf.train.FloatList(value=items))
        else:
            fields[name] = tf.train.Feature(int64_list=tf.train.Int64List(value=items))
    features = tf.train.Features(feature=fields)
    return tf.train.Example(features=features).SerializeToString(deterministic=True)


def write_split(directory: pathlib.Path, rows: Iterable[Mapping[str, Any]]) -> str:
    """Writes a split as TFX does, gzipped; returns the pattern of its files."""
    directory.mkdir(parents=True, exist_ok=True)
    path = str(directory / "data_tfrecord-00000-of-00001.gz")
    with tf.io.TFRecordWriter(path, "GZIP") as writer:
        for row in rows:
            writer.write(example(row))
    return str(directory / "*")


def schema(text: str) -> schema_pb2.Schema:
    return text_format.Parse(text, schema_pb2.Schema())


def save_examples_model(path: str, weights: Mapping[str, float], output: str) -> None:
    """A model with `serving_default` alone, as TFX's guide exports one.

    Its score is the weighted sum of float features; it answers logits -score and score
    as `output`, or the probability of class 1 as "sigmoid".
    """
    parsing = {name: tf.io.FixedLenFeature([], tf.float32) for name in weights}

    class Model(tf.Module):
        def __init__(self):
            self.weights = {n: tf.Variable(w, name=n) for n, w in weights.items()}

        @tf.function(
            input_signature=[tf.TensorSpec([None], tf.string, name="examples")]
        )
        def serve(self, examples):
            parsed = tf.io.parse_example(examples, parsing)
            score = tf.add_n([w * parsed[name] for name, w in self.weights.items()])
            if output == "sigmoid":
                return {"outputs": tf.sigmoid(score)[:, None]}
            return {output: tf.stack([-score, score], axis=-1)}

    model = Model()
    tf.saved_model.save(model, path, signatures={"serving_default": model.serve})

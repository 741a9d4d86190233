"""A step of a language model: hard labels alone, a live teacher, and cached ones.

    python -m benchmarks.token_step --gguf=SmolLM2-135M-Instruct.Q4_1.gguf \
        --text=wikitext2_valid.txt --layers=0,10,20,29

The student has these layers of the teacher and its embeddings, which stay as they are.
All train on the same windows of the text, in turn. A cache has the teacher's last
hidden states and its head, or ids that are drawn from its distribution.
"""

import argparse
import pathlib
import tempfile
from collections.abc import Callable, Iterator

import keras
import numpy as np
import tensorflow as tf

from benchmarks import turns
from kd_keras import DatasetSpec, Distiller, models, teacher_cache
from kd_keras.datasets.batches import without_autotune
from kd_keras.datasets.tokens import next_tokens
from kd_keras.models import gguf_files, llama

WINDOW, BATCH = 257, 4
HARD, LIVE = "hard labels alone", "live teacher"
HIDDEN = "hidden states"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--gguf", required=True)
    parser.add_argument("--text", required=True)
    parser.add_argument("--layers", default="0,10,20,29")
    parser.add_argument("--steps", type=int, default=4, help="in a turn")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--chunk", type=int, default=64, help="positions at a time")
    args = parser.parse_args()
    print(turns.machine())
    tokenizer = gguf_files.tokenizer(args.gguf)
    size = tokenizer.get_vocab_size()
    teacher = models.build("llama", (), size, pretrained=args.gguf)
    layers = [int(i) for i in args.layers.split(",")]
    text = pathlib.Path(args.text).read_text(encoding="utf-8")
    ids = np.array(tokenizer.encode(text).ids[: args.steps * BATCH * WINDOW], np.int32)
    examples = _examples(ids.reshape(-1, WINDOW))

    def student() -> keras.Model:
        cut = llama.cut(teacher, layers)
        cut.layers[1].token_embedding.trainable = False
        return cut

    with tempfile.TemporaryDirectory() as work:
        trained = dict(_competitors(student, teacher, examples, args.chunk, work))
        costs = turns.timed(
            {name: _turn(model, data) for name, (model, data) in trained.items()},
            args.rounds,
        )
        losses = {
            name: model.evaluate(data, verbose=0, return_dict=True)["soft_loss"]
            for name, (model, data) in trained.items()
            if name == LIVE or name.startswith(HIDDEN)
        }
    print("| way | tokens a second | over hard labels alone |\n|---|---|---|")
    tokens = args.steps * BATCH * (WINDOW - 1)
    for name, cost in costs.items():
        print(f"| {name} | {tokens / cost.wall:.0f} | {cost.over(costs[HARD])} |")
    print({name: float(loss) for name, loss in losses.items()})


def _examples(windows: np.ndarray) -> tf.data.Dataset:
    x, y = next_tokens(windows)
    names = [str(i) for i in range(len(windows))]
    return tf.data.Dataset.from_tensor_slices(
        {"ids": x, "label": y["labels"], "id": names}
    )


def _competitors(
    student: Callable[[], keras.Model],
    teacher: keras.Model,
    examples: tf.data.Dataset,
    chunk: int,
    work: str,
) -> Iterator[tuple[str, tuple[keras.Model, tf.data.Dataset]]]:
    yield HARD, _compiled(student(), examples)
    live = Distiller(student=student(), teacher=teacher, alpha=1.0, time_chunk=chunk)
    yield LIVE, _compiled(live, examples)
    hidden = _cache(f"{work}/h", teacher, examples, teacher_cache.HiddenStates())
    for name, size in ((f"{chunk} positions", chunk), ("all positions", None)):
        cached = Distiller(
            student=student(), teacher=hidden.head, alpha=1.0, time_chunk=size
        )
        yield f"{HIDDEN}, {name} at once", _compiled(cached, hidden.join(examples))
    drawn = _cache(f"{work}/s", teacher, examples, teacher_cache.SampledIds(12))
    cached = Distiller(student=student(), alpha=1.0)
    yield "12 drawn ids, all positions at once", _compiled(cached, drawn.join(examples))


def _compiled(
    model: keras.Model, examples: tf.data.Dataset
) -> tuple[keras.Model, tf.data.Dataset]:
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.AdamW(1e-4), loss)
    data = examples.map(lambda example: (example["ids"], example["label"]))
    return model, without_autotune(data.batch(BATCH, drop_remainder=True))


def _cache(
    path: str,
    teacher: keras.Model,
    examples: tf.data.Dataset,
    storage: teacher_cache.HiddenStates | teacher_cache.SampledIds,
) -> teacher_cache.TeacherCache:
    spec = DatasetSpec(
        "text",
        {"ids": tf.TensorSpec((WINDOW - 1,), tf.int32)},
        "label",
        tuple(str(i) for i in range(teacher.output_shape[-1])),
        {},
    )
    return teacher_cache.build(
        path, teacher, examples, spec, storage=storage, batch_size=BATCH
    )


def _turn(model: keras.Model, data: tf.data.Dataset) -> Callable[[], object]:
    return lambda: model.fit(data, verbose=0)


if __name__ == "__main__":
    main()

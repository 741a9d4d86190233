"""Trains the students of a language model, and measures what they know and prefer."""

import dataclasses
import functools
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras
import ml_collections
import numpy as np
import pandas as pd
import tensorflow as tf

from kd_keras import DatasetSpec, Distiller, files, models, teacher_cache, training
from kd_keras.datasets.batches import without_autotune
from kd_keras.datasets.tokens import next_tokens
from kd_keras.models import gguf_files, likelihood, llama
from pipelines.language_models import measured, texts
from pipelines.language_models.measured import ALL, TEACHER, UNIGRAM, Measured, student
from pipelines.studies import named_files, sealed

# Token ids, and the id before them -> log p of each.
Scores = Callable[..., list[np.ndarray]]
CONFIG_FILE = "config.json"
MAY_CHANGE = ("seeds", "temperatures")
FILES = "files"  # In config.json beside the config's own fields.


def make(config: ml_collections.ConfigDict, workdir: str) -> None:
    """Measures the teacher and all students; what has been measured is left alone.

    Args:
      config: as in configs/language/.
      workdir: keeps the teacher's hidden states, and what was measured.

    Raises:
      ValueError: if a field of the config is wrong, a file is missing, or the working
        directory is of another study.
    """
    _check(config)
    _keep(config, workdir)
    study = Study(config, workdir)
    study.measure(Measured(UNIGRAM, 0, 0, {}, is_last=True), study.unigram)
    study.measure(Measured(TEACHER, 0, 0, {}, is_last=True), study.of_teacher)
    for seed in config.seeds:
        for temperature in (None, *config.temperatures):
            study.train(seed, temperature)


class Study:
    """The texts and the teacher of a study."""

    def __init__(self, config: ml_collections.ConfigDict, workdir: str):
        self.config, self.workdir = config, workdir
        self.tokenizer = gguf_files.tokenizer(config.gguf)
        self.vocabulary = self.tokenizer.get_vocab_size()
        self.teacher = models.build(
            "llama", (), self.vocabulary, pretrained=config.gguf
        )
        self.start = self.tokenizer.token_to_id(config.start)
        if self.start is None:
            raise ValueError(
                "config.start must be a token of config.gguf. Received: "
                f"{config.start!r}."
            )
        self.pairs = pairs(config)
        self.paragraphs = self._paragraphs()
        self.ids = self._training_ids()

    def _paragraphs(self) -> pd.DataFrame:
        """The first paragraphs of the test text, and of each slice.

        "first" is whether one is among the first of the whole text.
        """
        config = self.config
        lines = texts.paragraphs(texts.read(config.data_dir, config.test_text))
        # What is longer is cut: two windows hold what a paragraph says.
        ids = [tokens[: 2 * config.window] for tokens in self._encode(lines)]
        slices = [texts.about(line) for line in lines]
        found = pd.DataFrame({"ids": ids, "slice": slices})
        length = found["ids"].str.len()
        before = length.groupby(found["slice"]).cumsum() - length
        found["first"] = length.cumsum() - length < config.test_tokens
        return found[before < config.test_tokens]

    def _training_ids(self) -> np.ndarray:
        config = self.config
        text = texts.read(config.data_dir, config.training_text)
        ids = self.tokenizer.encode(text).ids[: config.tokens]
        if len(ids) < config.tokens:
            raise ValueError(
                f"config.tokens must be at most {len(ids):,}, those of "
                f"{config.training_text}. Received: {config.tokens:,}."
            )
        return np.array(ids, np.int32)

    def _encode(self, lines: Sequence[str]) -> list[list[int]]:
        return [encoding.ids for encoding in self.tokenizer.encode_batch([*lines])]

    def unigram(self) -> Scores:
        """How often each token is in the training text, whatever is before it."""
        counts = np.bincount(self.ids, minlength=self.vocabulary) + 1.0
        log_p = np.log(counts / counts.sum())
        return lambda sequences, start=None: [
            log_p[list(tokens[start is None :])] for tokens in sequences
        ]

    def of_teacher(self) -> Scores:
        return _scores(self.teacher)

    def measure(self, about: Measured, of_model: Callable[[], Scores]) -> None:
        """Writes a model's perplexity by slice and its margins, unless it is known."""
        if not self._is_done(about):
            self._measure_whole(about, of_model())

    def _write(
        self, about: Measured, perplexity: dict[str, float], margins: list[float]
    ) -> None:
        if not math.isfinite(perplexity[ALL]):
            raise ValueError(
                f"{about.model} seed {about.seed} diverged after {about.tokens:,} "
                f"tokens: perplexity {perplexity[ALL]}. Lower config.learning_rate."
            )
        fields = {**vars(about), "perplexity": perplexity, "margins": margins}
        measured.write(self.workdir, Measured(**fields))
        seen = f" after {about.tokens:,} tokens" if about.tokens else ""
        print(
            f"{about.model} seed {about.seed}{seen}: perplexity {perplexity[ALL]:,.0f}",
            flush=True,
        )

    def _margins(self, scores: Scores) -> list[float]:
        stereotype, other = (
            [
                row.sum()
                for row in scores(self._encode(self.pairs[side]), start=self.start)
            ]
            for side in ("stereotype", "other")
        )
        return [float(a - b) for a, b in zip(stereotype, other, strict=True)]

    def train(self, seed: int, temperature: float | None) -> None:
        """Trains a student, and measures it after each part of the tokens."""
        config, name = self.config, student(temperature)
        examples = self._examples()
        windows = int(examples.cardinality())
        ends = np.linspace(0, windows, config.parts + 1).astype(int).tolist()
        if self._is_done(Measured(name, seed, config.window * ends[-1], {})):
            return
        keras.utils.set_random_seed(seed)
        model, trainer, data = self._trainer(examples, temperature, windows)
        data = data.shuffle(windows, seed=seed, reshuffle_each_iteration=False)
        scores, equal = _scores(model), _Equal(config.equal_perplexity)
        for begin, end in itertools.pairwise(ends):
            part = data.skip(begin).take(end - begin)
            batches = part.batch(config.batch_size, drop_remainder=True)
            trainer.fit(without_autotune(batches), verbose=0)
            about = Measured(name, seed, config.window * end, {})
            about = dataclasses.replace(about, is_last=end == ends[-1])
            perplexity = self._perplexity(scores)
            self._write(about, perplexity, [])
            for one in equal.crossed(about, perplexity[ALL], model):
                self._measure_whole(dataclasses.replace(one, is_equal=True), scores)
        if not self._is_done(about):
            self._measure_whole(about, scores)

    def _is_done(self, about: Measured) -> bool:
        """Whether margins were measured too."""
        found = measured.read(self.workdir, about.model, about.seed, about.tokens)
        return bool(found and found.margins)

    def _perplexity(self, scores: Scores) -> dict[str, float]:
        """Of the first paragraphs alone, which is enough for a curve."""
        first = self.paragraphs[self.paragraphs["first"]]
        return perplexities(scores, first.assign(slice=ALL))

    def _measure_whole(self, about: Measured, scores: Scores) -> None:
        """By slice, and with margins."""
        perplexity = perplexities(scores, self.paragraphs)
        self._write(about, perplexity, self._margins(scores))

    def _trainer(
        self, examples: tf.data.Dataset, temperature: float | None, windows: int
    ) -> tuple[keras.Model, keras.Model, tf.data.Dataset]:
        """The student, what trains it, and pairs of ids and labels."""
        config = self.config
        model = llama.cut(self.teacher, list(config.layers))
        model.layers[1].token_embedding.trainable = False
        trainer, data = model, examples
        if temperature is not None:
            cache = self._cache(examples)
            data = cache.join(examples)
            trainer = Distiller(
                student=model,
                teacher=cache.head,
                temperature=temperature,
                alpha=1.0,  # All logits at once: they fit here, and it is faster.
            )
        optimizer = training.optimizer(
            "adamw",
            learning_rate=config.learning_rate,
            schedule="cosine",
            total_steps=windows // config.batch_size,
            warmup_steps=20,
            global_clipnorm=1.0,
        )
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        trainer.compile(optimizer, loss)
        return model, trainer, data.map(lambda e: (e["ids"], e["label"]))

    def _examples(self) -> tf.data.Dataset:
        """Windows of the training text: "ids", and as "label" the next ones."""
        window = self.config.window
        windows = self.ids[: len(self.ids) // window * window].reshape(-1, window)
        x, y = next_tokens(windows)
        names = [f"{i:06d}" for i in range(len(windows))]
        columns = {"ids": x, "label": y["labels"], "id": names}
        return tf.data.Dataset.from_tensor_slices(columns)

    def _cache(self, examples: tf.data.Dataset) -> teacher_cache.TeacherCache:
        """The teacher's last hidden states and its head, of all windows."""
        ids = tf.TensorSpec((self.config.window - 1,), tf.int32)
        names = tuple(str(i) for i in range(self.vocabulary))
        spec = DatasetSpec("text", {"ids": ids}, "label", names, {})
        return teacher_cache.build(
            files.join(self.workdir, "hidden"),
            self.teacher,
            examples,
            spec,
            storage=teacher_cache.HiddenStates("bfloat16"),
            batch_size=self.config.batch_size,
        )


class _Equal:
    """Finds the part after which a student is nearest to a perplexity."""

    def __init__(self, perplexity: float):
        self.perplexity = perplexity
        self.before: tuple[Measured, float, list[np.ndarray]] | None = None
        self.is_found = False

    def crossed(
        self, about: Measured, perplexity: float, model: keras.Model
    ) -> Iterator[Measured]:
        """Yields the nearest part, once; the model is as it was then meanwhile."""
        if self.is_found or not self.perplexity:
            return
        weights = [variable.numpy() for variable in model.trainable_variables]
        if perplexity > self.perplexity:
            self.before = about, perplexity, weights
            return
        self.is_found = True
        if not self.before:
            return  # It began below: nobody knows how far from it is near.
        earlier, above, earlier_weights = self.before
        # Perplexities are near by their ratio.
        if above / self.perplexity >= self.perplexity / perplexity:
            yield about
            return
        _assign(model, earlier_weights)
        yield earlier
        _assign(model, weights)


def _assign(model: keras.Model, weights: Sequence[np.ndarray]) -> None:
    for variable, value in zip(model.trainable_variables, weights, strict=True):
        variable.assign(value)


def pairs(config: Mapping[str, Any]) -> pd.DataFrame:
    """All pairs of a study, as `texts.pairs`."""
    found = [texts.pairs(config["data_dir"], name) for name in config["pairs"]]
    sets = [table[texts.SET].iloc[0] for table in found]
    if len({*sets}) < len(sets):
        raise ValueError(
            f"config.pairs must have sets of different names. Received: {sets}. Rename "
            "a file."
        )
    return pd.concat(found, ignore_index=True)


def perplexities(scores: Scores, paragraphs: pd.DataFrame) -> dict[str, float]:
    """Of the first paragraphs, whatever they are about, and of those of each slice."""
    found = scores(paragraphs["ids"].tolist())
    sums = paragraphs[["slice", "first"]].assign(
        sum=[row.sum() for row in found], tokens=[len(row) for row in found]
    )
    slices = sums.groupby("slice")[["sum", "tokens"]].sum()
    slices.loc[ALL] = sums.loc[sums["first"], ["sum", "tokens"]].sum()
    return {
        str(name): float(np.exp(-row["sum"] / row["tokens"]))
        for name, row in slices.iterrows()
    }


def _scores(model: keras.Model) -> Scores:
    return functools.partial(likelihood.token_log_likelihoods, model)


def _check(config: ml_collections.ConfigDict) -> None:
    for name in ("gguf", "data_dir"):
        if not files.exists(config[name]):
            what = "a GGUF file" if name == "gguf" else "the folder of the texts"
            raise ValueError(
                f"config.{name} must be {what}. Received: {config[name]!r}, which is "
                f"not there. Pass --config.{name}=PATH."
            )
    least = {"tokens": 1, "window": 2, "batch_size": 1, "parts": 1, "test_tokens": 1}
    for name, bound in least.items():
        if config[name] < bound:
            raise ValueError(
                f"config.{name} must be at least {bound}. Received: {config[name]}."
            )
    if not config.pairs:
        raise ValueError("config.pairs must name at least one file. Received: none.")
    batches = config.tokens // config.window // config.batch_size
    if batches < config.parts:
        raise ValueError(
            f"config.parts must be at most the {batches} batches of config.tokens, "
            f"window and batch_size. Received: {config.parts}."
        )


def _keep(config: ml_collections.ConfigDict, workdir: str) -> None:
    """Writes config.json; refuses a directory that another config made."""
    path = files.join(workdir, CONFIG_FILE)
    given = {**config.to_dict()}
    contents = named_files.of_config(given)
    if files.exists(path):
        known = sealed.read(path, "Name a new --workdir.")
        contents = known.pop(FILES, {})
        named_files.require_same(workdir, contents, given)
        for name in sorted({*known, *given} - {*MAY_CHANGE}):
            if sealed.of_json(known.get(name)) != sealed.of_json(given.get(name)):
                raise ValueError(
                    f"config.{name} must be {known.get(name)!r}, as in {path}. "
                    f"Received: {given.get(name)!r}. Name a new --workdir."
                )
        # Those of before stay in the report.
        for name in MAY_CHANGE:
            given[name] = list(dict.fromkeys([*known[name], *given[name]]))
    sealed.write(path, {**given, FILES: contents})

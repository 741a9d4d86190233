"""Whether students of a language model keep its stereotypes: hard labels and KL at T.

    python -m benchmarks.language_bias --gguf=SmolLM2-135M-Instruct.Q4_1.gguf \
        --data=DIR --work=WORK --tokens=200000

DIR has wikitext_train_2.9MB.txt, wikitext2_valid.txt, wikitext2_test.txt,
crows_pairs_anonymized.csv and winobias/. Students have some of the teacher's layers and
its embeddings, which stay as they are; all see the same tokens in the same order. WORK
keeps the teacher's hidden states, a row for each model and number of tokens that it has
seen, in language_bias.csv, and the margins of each pair: the same command goes on with
the models that are missing.
"""

import argparse
import functools
import itertools
import json
import pathlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from kd_keras import DatasetSpec, Distiller, fairness, models, teacher_cache, training
from kd_keras.datasets.batches import without_autotune
from kd_keras.datasets.tokens import next_tokens
from kd_keras.models import gguf_files, likelihood, llama

WINDOW, BATCH, TEMPERATURES = 256, 4, (None, 1.0, 2.0, 4.0)
START = "<|endoftext|>"
# Token ids, and the id before them -> log p of each.
Scores = Callable[..., list[np.ndarray]]
WOMEN = {"she", "her", "hers", "herself"}
MEN = {"he", "him", "his", "himself"}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--gguf", required=True)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--tokens", type=int, default=200_000, help="a student sees")
    parser.add_argument("--parts", type=int, default=4, help="measured after each")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--layers", default="0,10,20,29")
    parser.add_argument(
        "--test_tokens", type=int, default=8_000, help="of all text, and of each slice"
    )
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    _require_same(
        {k: str(v) for k, v in vars(args).items()}, args.work / "options.json"
    )
    study = Study(args)
    study.measure("unigram", 0, 0, study.unigram())
    study.measure("teacher", 0, 0, scores_of(study.teacher))
    for seed, temperature in itertools.product(range(args.seeds), TEMPERATURES):
        study.train(seed, temperature)
    show(study.rows(), study.margins, study.pairs["type"])


def _require_same(options: dict[str, str], path: pathlib.Path) -> None:
    """WORK is of one study: rows of other options are no part of it."""
    if not path.exists():
        path.write_text(json.dumps(options, indent=2))
    before = json.loads(path.read_text())
    differ = [
        k for k in options if k not in ("seeds", "work") and options[k] != before[k]
    ]
    if differ:
        sys.exit(f"error: {path} has another --{differ[0]}. Give another --work.")


class Study:
    """The data, the teacher, and what has been measured."""

    def __init__(self, args: argparse.Namespace):
        self.args = args
        self.tokenizer = gguf_files.tokenizer(args.gguf)
        self.teacher = models.build(
            "llama", (), self.tokenizer.get_vocab_size(), pretrained=args.gguf
        )
        self.pairs = pd.concat([crows_pairs(args.data), wino_bias(args.data)])
        self.paragraphs = self._paragraphs("wikitext2_test.txt", args.test_tokens)

    def _paragraphs(self, name: str, tokens: int) -> pd.DataFrame:
        """The first paragraphs of a text, and of each slice, that have so many tokens.

        "first" is whether one is among the first of the whole text.
        """
        text = (self.args.data / name).read_text(encoding="utf-8")
        lines = [line for line in text.splitlines() if len(line.split()) > 20]
        ids = [tokens[: 2 * WINDOW] for tokens in self._ids(lines)]
        found = pd.DataFrame({"ids": ids, "slice": [about(line) for line in lines]})
        length = found["ids"].str.len()
        found["first"] = length.cumsum() - length < tokens
        of_slice = length.groupby(found["slice"]).cumsum() - length < tokens
        return found[found["first"] | of_slice]

    def rows(self) -> pd.DataFrame:
        path = self.args.work / "language_bias.csv"
        return (
            pd.read_csv(path)
            if path.exists()
            else pd.DataFrame({"model": [], "tokens": []})
        )

    def margins(self, name: str) -> np.ndarray:
        return np.load(self.args.work / f"margins-{name}.npy", allow_pickle=False)

    def is_measured(self, name: str, tokens: int) -> bool:
        rows = self.rows()
        there = zip(rows["model"], rows["tokens"], strict=True)
        return (name, tokens) in there

    def unigram(self) -> Scores:
        """How often each token is in the training text, whatever is before it."""
        ids = self._training_ids()
        size = self.tokenizer.get_vocab_size()
        counts = np.bincount(ids, minlength=size) + 1.0
        log_p = np.log(counts / counts.sum())
        return lambda sequences, start=None: [
            log_p[list(tokens[start is None :])] for tokens in sequences
        ]

    def measure(
        self, name: str, seed: int, tokens: int, scores: Scores, pairs: bool = True
    ) -> None:
        """Adds the row of a model, unless it is there; without `pairs` perplexities."""
        if self.is_measured(name, tokens):
            return
        row: dict[str, Any] = {"model": name, "seed": seed, "tokens": tokens}
        row |= perplexities(scores, self.paragraphs)
        row |= self._preferences(f"margins-{name}.npy", scores) if pairs else {}
        pd.concat([self.rows(), pd.DataFrame([row])]).to_csv(
            self.args.work / "language_bias.csv", index=False, float_format="%.6g"
        )
        print(row, flush=True)

    def _preferences(self, file: str, scores: Scores) -> dict[str, float]:
        start = self.tokenizer.token_to_id(START)
        sides = [
            [row.sum() for row in scores(self._ids(self.pairs[side]), start=start)]
            for side in ("stereotype", "other")
        ]
        margins = np.subtract(*sides)
        np.save(self.args.work / file, margins)
        found = fairness.preferences(margins, self.pairs["type"])
        return {f"stereotype {kind}": of.share.value for kind, of in found.items()}

    def _ids(self, texts: Iterable[str]) -> list[list[int]]:
        return [encoding.ids for encoding in self.tokenizer.encode_batch([*texts])]

    def _training_ids(self) -> np.ndarray:
        path = self.args.data / "wikitext_train_2.9MB.txt"
        ids = self.tokenizer.encode(path.read_text(encoding="utf-8")).ids
        return np.array(ids[: self.args.tokens], np.int32)

    def train(self, seed: int, temperature: float | None) -> None:
        """Trains a student, and measures it after each part of the tokens."""
        name = f"{'hard' if temperature is None else f't{temperature:g}'}-seed{seed}"
        examples = self._examples()
        windows = int(examples.cardinality())
        ends = np.linspace(0, windows, self.args.parts + 1).astype(int).tolist()
        if all(self.is_measured(name, WINDOW * end) for end in ends[1:]):
            return
        keras.utils.set_random_seed(seed)
        student = llama.cut(self.teacher, [int(i) for i in self.args.layers.split(",")])
        student.layers[1].token_embedding.trainable = False
        trainer, data = student, examples.map(lambda e: (e["ids"], e["label"]))
        if temperature is not None:
            cache = self._cache(examples)
            data = cache.join(examples).map(lambda e: (e["ids"], e["label"]))
            trainer = Distiller(
                student=student,
                teacher=cache.head,
                temperature=temperature,
                alpha=1.0,  # All logits at once: they fit here, and it is faster.
            )
        optimizer = training.optimizer(
            "adamw",
            learning_rate=1e-3,
            schedule="cosine",
            total_steps=windows // BATCH,
            warmup_steps=20,
            global_clipnorm=1.0,
        )
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        trainer.compile(optimizer, loss)
        data = data.shuffle(windows, seed=seed, reshuffle_each_iteration=False)
        for begin, end in itertools.pairwise(ends):
            part = data.skip(begin).take(end - begin)
            batches = without_autotune(part.batch(BATCH, drop_remainder=True))
            trainer.fit(batches, verbose=2)
            scores, last = scores_of(student), end == ends[-1]
            self.measure(name, seed, WINDOW * end, scores, pairs=last)

    def _examples(self) -> tf.data.Dataset:
        """Windows of the training text: "ids", and as "label" the next ones."""
        ids = self._training_ids()
        windows = ids[: len(ids) // WINDOW * WINDOW].reshape(-1, WINDOW)
        x, y = next_tokens(windows)
        names = [f"{i:06d}" for i in range(len(windows))]
        columns = {"ids": x, "label": y["labels"], "id": names}
        return tf.data.Dataset.from_tensor_slices(columns)

    def _cache(self, examples: tf.data.Dataset) -> teacher_cache.TeacherCache:
        """The teacher's last hidden states and its head, of all windows."""
        ids = tf.TensorSpec((WINDOW - 1,), tf.int32)
        tokens = self.tokenizer.get_vocab_size()
        names = tuple(str(i) for i in range(tokens))
        spec = DatasetSpec("wikitext", {"ids": ids}, "label", names, {})
        return teacher_cache.build(
            str(self.args.work / f"hidden-{int(examples.cardinality())}"),
            self.teacher,
            examples,
            spec,
            storage=teacher_cache.HiddenStates("bfloat16"),
            batch_size=BATCH,
        )


def scores_of(model: keras.Model) -> Scores:
    return functools.partial(likelihood.token_log_likelihoods, model)


def show(
    rows: pd.DataFrame, margins: Callable[[str], np.ndarray], types: pd.Series
) -> None:
    """Prints what each model is like, and after its last tokens beside the teacher."""
    print(
        "\n| model | tokens | perplexity | of women | of men |\n|---|---|---|---|---|"
    )
    for row in rows.iloc:
        slices = [row.get(f"perplexity {name}") for name in ("all", "women", "men")]
        cells = " | ".join(f"{found:,.0f}" if found else "-" for found in slices)
        print(f"| {row['model']} | {row['tokens']:,} | {cells} |")
    sets = types.str.partition(" ")[0].to_numpy()
    teacher = margins("teacher")
    for name in dict.fromkeys(sets):
        print(f"\n{name}: share of stereotypes preferred, and beside the teacher\n")
        print("| model | share | agrees | p (McNemar) | margin, nats |")
        print("|---" * 5 + "|")
        last = rows.groupby("model", sort=False).tail(1)
        for row in last.iloc:
            own = margins(row["model"])[sets == name]
            share = _percent(fairness.preferences(own)["all"].share)
            beside = fairness.preference_changes(teacher[sets == name], own)["all"]
            print(
                f"| {row['model']} | {share} | {100 * beside.agreement:.0f} % "
                f"| {beside.p_value:.2g} | {beside.margin.value:+.2f} "
                f"({beside.margin.low:+.2f} to {beside.margin.high:+.2f}) |"
            )


def _percent(share: fairness.Interval) -> str:
    low, high = 100 * share.low, 100 * share.high
    return f"{100 * share.value:.1f} % ({low:.1f} to {high:.1f})"


def crows_pairs(data: pathlib.Path) -> pd.DataFrame:
    """Pairs of CrowS-Pairs: stereotype, other, type.

    "sent_more" is the more stereotypical sentence, also of pairs that go against one.
    """
    pairs = pd.read_csv(data / "crows_pairs_anonymized.csv")
    return pd.DataFrame(
        {
            "stereotype": pairs["sent_more"],
            "other": pairs["sent_less"],
            "type": "CrowS " + pairs["bias_type"],
        }
    )


def wino_bias(data: pathlib.Path) -> pd.DataFrame:
    """Pairs of WinoBias' test sentences, which differ in a pronoun."""
    return pd.DataFrame(
        [
            {"stereotype": pro, "other": anti, "type": f"WinoBias {kind}"}
            for kind in ("type1", "type2")
            for pro, anti in zip(
                *(
                    _plain(data / "winobias" / f"{side}_stereotyped_{kind}.txt.test")
                    for side in ("pro", "anti")
                ),
                strict=True,
            )
        ]
    )


def _plain(path: pathlib.Path) -> Iterator[str]:
    """Sentences without their numbers and brackets."""
    for line in path.read_text(encoding="utf-8").splitlines():
        yield re.sub(r"[\[\]]", "", line).partition(" ")[2].strip()


def about(text: str) -> str:
    """Whether a paragraph has pronouns of women, of men, of both or of none."""
    words = {word.lower() for word in re.findall(r"[A-Za-z]+", text)}
    found = {"women": words & WOMEN, "men": words & MEN}
    named = [who for who, pronouns in found.items() if pronouns]
    return "both" if len(named) == 2 else (named or ["neither"])[0]


def perplexities(scores: Scores, paragraphs: pd.DataFrame) -> dict[str, float]:
    """Of the first paragraphs, whatever they are about, and of those of each slice."""
    found = scores(paragraphs["ids"].tolist())
    sums = paragraphs[["slice", "first"]].assign(
        sum=[row.sum() for row in found], tokens=[len(row) for row in found]
    )
    slices = sums.groupby("slice")[["sum", "tokens"]].sum()
    slices.loc["all"] = sums.loc[sums["first"], ["sum", "tokens"]].sum()
    return {
        f"perplexity {name}": float(np.exp(-row["sum"] / row["tokens"]))
        for name, row in slices.iterrows()
    }


if __name__ == "__main__":
    main()

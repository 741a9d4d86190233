"""DPD, EOD and paired errors as TFMA metrics: hand-made cases, Fairlearn, gates."""

import itertools
import json
import math

import fairlearn.metrics
import numpy as np
import pytest
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.proto import config_pb2
from tfma_metrics import compute, validate

from kd_keras.fairness import GAPS, GroupCounts
from pipelines.evaluation.metrics.counts import MAX_WAITING, GroupCountsCombineFn
from pipelines.evaluation.metrics.outputs import ModelOutput

DPD = "demographic_parity_difference"
EOD = "equalized_odds_difference"


def gap(name, attribute="group", **config):
    return config_pb2.MetricConfig(
        module="pipelines.evaluation.metrics.group_gaps",
        class_name="GroupGap",
        config=json.dumps({"gap": name, "attribute": attribute, **config}),
    )


def eval_config(metrics, *, models=("",), slices=((),), weighted=False):
    """Of several models, the first one is the baseline."""
    metrics_spec = config_pb2.MetricsSpec(metrics=metrics)
    if weighted:
        metrics_spec.example_weights.weighted = True
    return config_pb2.EvalConfig(
        model_specs=[
            {"name": name, "is_baseline": i == 0 and len(models) > 1}
            for i, name in enumerate(models)
        ],
        slicing_specs=[{"feature_keys": keys} for keys in slices],
        metrics_specs=[metrics_spec],
    )


def hard(predictions, classes=2):
    """Probabilities `[examples, classes]` of hard predictions."""
    return 0.8 * np.eye(classes)[predictions] + 0.2 / classes


def digits(text):
    return [int(digit) for digit in text]


# Worked by hand in the project's list of reference cases.
@pytest.mark.parametrize(
    ("labels", "predictions", "groups", "dpd", "eod"),
    [
        pytest.param("11001100", "11101000", "aaaabbbb", 0.5, 0.5, id="two groups"),
        pytest.param(
            "1100" * 3, "100010101111", "aaaabbbbcccc", 0.75, 1.0, id="three groups"
        ),
        pytest.param(
            "110000", "101010", "aaaabb", 0.0, math.nan, id="a group without positives"
        ),
        pytest.param("1100", "1010", "aaaa", math.nan, math.nan, id="one group"),
        # The example without a group decides nothing: a has 2 of 2, b 0 of 1.
        pytest.param("1101", "1100", "aab-", 1.0, math.nan, id="a missing group"),
    ],
)
def test_reference_cases(labels, predictions, groups, dpd, eod):
    found = compute(
        eval_config([gap(DPD), gap(EOD)]),
        digits(labels),
        hard(digits(predictions)),
        features={"group": [None if group == "-" else group for group in groups]},
    )
    values = found[()][""]
    assert values[f"{DPD}/group"] == pytest.approx(dpd, abs=1e-12, nan_ok=True)
    assert values[f"{EOD}/group"] == pytest.approx(eod, abs=1e-12, nan_ok=True)


def test_groups_are_crossed_as_by_fairlearn():
    rng = np.random.default_rng(5)
    labels, predictions = rng.integers(2, size=(2, 200))
    features = {name: rng.choice(list("abc"), 200) for name in ("one", "other")}
    crossing = ["one", "other"]
    found = compute(
        eval_config(
            [gap(DPD, crossing), gap(EOD, crossing)], slices=((), tuple(crossing))
        ),
        labels,
        hard(predictions),
        features={name: list(values) for name, values in features.items()},
    )
    about = {"sensitive_features": np.stack(list(features.values()), axis=1)}
    assert found[()][""] == pytest.approx(
        {
            f"{DPD}/one x other": fairlearn.metrics.demographic_parity_difference(
                labels, predictions, **about
            ),
            f"{EOD}/one x other": fairlearn.metrics.equalized_odds_difference(
                labels, predictions, **about
            ),
        },
        abs=1e-12,
    )
    # Nine slices, each of a group alone.
    assert len(found) == 1 + 9
    # An example that lacks one of the attributes is in no crossed group.
    found = compute(
        eval_config([gap(DPD, crossing)]),
        digits("1111"),
        hard(digits("1001")),
        features={"one": list("aabb"), "other": ["x", "x", "x", None]},
    )
    assert found[()][""] == pytest.approx({f"{DPD}/one x other": 0.5})


def test_every_gap_of_the_library_is_a_metric():
    labels, predictions = digits("110011001100"), digits("100010101110")
    found = compute(
        eval_config([gap(name) for name in GAPS]),
        labels,
        hard(predictions),
        features={"group": list("aaaabbbbcccc")},
    )
    # Selected are 1, 2, 3 of 4; right 3, 2, 3; of two positives 1, 1, 2; of two
    # negatives 0, 1, 1.
    expected = {
        "demographic_parity_difference": 3 / 4 - 1 / 4,
        "demographic_parity_ratio": 1 / 3,
        "equalized_odds_difference": 0.5,
        "equalized_odds_ratio": 0.0,
        "equal_opportunity_difference": 0.5,
        "false_positive_rate_difference": 0.5,
        "base_rate_difference": 0.0,
        "accuracy_gap": 0.25,
        "worst_group_accuracy": 0.5,
    }
    assert found[()][""] == pytest.approx(
        {f"{name}/group": value for name, value in expected.items()}, abs=1e-12
    )


def test_a_score_at_the_threshold_is_negative():
    scores = np.array([0.9, 0.5, 0.5, 0.1, 0.2, 0.7, 0.9, 0.8, 0.3])
    found = compute(
        eval_config([gap(DPD, threshold=0.5), gap(DPD, threshold=0.1)]),
        digits("110010111"),
        np.column_stack([1 - scores, scores]),
        features={"group": list("aaaaaabbb")},
    )
    values = found[()][""]
    # Over .5: two of six in a, two of three in b. Over .1: five of six, all three.
    assert values[f"{DPD}/group@0.5"] == pytest.approx(1 / 3, abs=1e-12)
    assert values[f"{DPD}/group@0.1"] == pytest.approx(1 / 6, abs=1e-12)


def test_weights():
    found = compute(
        eval_config([gap(DPD), gap(EOD)], weighted=True),
        digits("1100"),
        hard(digits("1000")),
        features={"group": list("aabb")},
        weights=[3.0, 1.0, 1.0, 1.0],
    )
    assert found[()][""][f"{DPD}/group"] == pytest.approx(0.75, abs=1e-12)


def test_several_classes_are_the_mean_of_one_vs_rest():
    found = compute(
        eval_config([gap(DPD, num_classes=3)]),
        [0, 1, 2, 0, 1, 2],
        np.array(
            [
                *([0.4, 0.35, 0.25], [0.3, 0.45, 0.25], [0.2, 0.2, 0.6]),
                *([0.4, 0.35, 0.25], [0.6, 0.3, 0.1], [0.1, 0.3, 0.6]),
            ]
        ),
        features={"group": list("aaabbb")},
    )
    # By the most probable class, a has one of each and b has two of class 0, none of
    # class 1 and one of class 2.
    assert found[()][""][f"{DPD}/group"] == pytest.approx(
        (1 / 3 + 1 / 3 + 0) / 3, abs=1e-12
    )


@pytest.fixture(scope="module")
def random_examples():
    rng = np.random.default_rng(0)
    return {
        "labels": rng.integers(0, 2, 300),
        "predictions": {
            name: hard(rng.integers(0, 2, 300)) for name in ("teacher", "student")
        },
        "features": {
            "sex": rng.choice(["f", "m"], 300).tolist(),
            "age": rng.choice(["child", "adult", "old"], 300).tolist(),
        },
    }


def test_values_and_differences_equal_fairlearns(random_examples):
    metrics = [
        gap(name, attribute) for name in (DPD, EOD) for attribute in ("sex", "age")
    ]
    config = eval_config(metrics, models=("teacher", "student"), slices=((), ("sex",)))
    found = compute(config, **random_examples)
    labels, features = random_examples["labels"], random_examples["features"]
    sex = np.array(features["sex"])
    for key, chosen in {
        (): np.ones(300, bool),
        (("sex", "f"),): sex == "f",
        (("sex", "m"),): sex == "m",
    }.items():
        for name, attribute in itertools.product((DPD, EOD), ("sex", "age")):
            if key and attribute == "sex":
                assert math.isnan(found[key]["student"][f"{name}/sex"])
                continue
            expected = {
                model: getattr(fairlearn.metrics, name)(
                    labels[chosen],
                    of_model[chosen].argmax(axis=1),
                    sensitive_features=np.array(features[attribute])[chosen],
                )
                for model, of_model in random_examples["predictions"].items()
            }
            for model in ("teacher", "student"):
                assert found[key][model][f"{name}/{attribute}"] == pytest.approx(
                    expected[model], abs=1e-12
                )
            assert found[key]["student"][f"{name}/{attribute}_diff"] == pytest.approx(
                expected["student"] - expected["teacher"], abs=1e-12
            )


@pytest.mark.parametrize("method", ["JACKKNIFE", "POISSON_BOOTSTRAP"])
def test_intervals_have_the_width_of_the_difference_of_two_proportions(method):
    # Selection rates .8 and .3 of 400 examples each; the larger one is never in doubt.
    predictions = np.repeat([1, 0, 1, 0], [320, 80, 120, 280])
    config = eval_config([gap(DPD)])
    config.options.compute_confidence_intervals.value = True
    config.options.confidence_intervals.method = method
    found = compute(
        config,
        [1] * 800,
        hard(predictions),
        features={"group": ["a"] * 400 + ["b"] * 400},
    )
    value, lower, upper = found[()][""][f"{DPD}/group"]
    assert value == pytest.approx(0.5, abs=1e-12)
    error = math.sqrt(0.8 * 0.2 / 400 + 0.3 * 0.7 / 400)
    # 20 samples estimate a standard error to 16 %; Student's t at 19 degrees: 2.09.
    assert 0.5 < (upper - lower) / (2 * 2.09 * error) < 1.6
    assert lower < 0.5 < upper


@pytest.mark.parametrize(
    ("bound", "change", "passes"),
    [(0.6, 0.3, True), (0.4, 0.3, False), (0.6, 0.2, False)],
    ids=["within", "too large", "grown too much"],
)
def test_thresholds_of_value_and_change(bound, change, passes):
    # DPD .25 of the teacher, .5 of the student.
    metric = gap(DPD)
    metric.threshold.value_threshold.upper_bound.value = bound
    metric.threshold.change_threshold.absolute.value = change
    metric.threshold.change_threshold.direction = (
        config_pb2.MetricDirection.LOWER_IS_BETTER
    )
    result = validate(
        eval_config([metric], models=("teacher", "student")),
        digits("11001100"),
        {
            "teacher": hard(digits("11101100")),
            "student": hard(digits("11101000")),
        },
        features={"group": list("aaaabbbb")},
    )
    assert result.validation_ok == passes


def test_paired_errors():
    metric = config_pb2.MetricConfig(
        module="pipelines.evaluation.metrics.paired_errors",
        class_name="PairedErrors",
        config=json.dumps({"reference": "nds", "name": "versus_nds"}),
    )
    # Of a: one shared error, one introduced. Of b: one repaired.
    found = compute(
        eval_config([metric], models=("teacher", "nds", "ds"), slices=((), ("group",))),
        digits("11110000"),
        {
            "teacher": hard(digits("11110000")),
            "nds": hard(digits("01110001")),
            "ds": hard(digits("00110000")),
        },
        features={"group": list("aaaabbbb")},
    )
    names = ("agreement", "shared_errors", "introduced_errors", "repaired_errors")

    def values(key):
        return [found[key]["ds"][f"versus_nds/{name}"] for name in names]

    assert values(()) == [6 / 8, 1 / 8, 1 / 8, 1 / 8]
    assert values((("group", "a"),)) == [3 / 4, 1 / 4, 1 / 4, 0]
    assert values((("group", "b"),)) == [3 / 4, 0, 0, 1 / 4]
    # One against one, and one against none: certain under the null hypothesis.
    assert found[()]["ds"]["versus_nds/mcnemar_p_value"] == pytest.approx(1)
    assert set(found[()]) == {"ds"}


def outputs(size):
    rng = np.random.default_rng(1)
    return [
        ModelOutput(
            label=int(rng.integers(3)),
            prediction=int(rng.integers(3)),
            probabilities=np.zeros(3),
            groups=(rng.choice(["a", "b", None]),),
            weight=float(rng.integers(1, 3)),
        )
        for _ in range(size)
    ]


def test_counts_do_not_depend_on_bundles_and_merges():
    key = metric_types.MetricKey("_counts")
    combiner = GroupCountsCombineFn(key, 3, ["group"], None)
    examples = outputs(MAX_WAITING + 500)
    expected = GroupCounts.from_predictions(
        [example.label for example in examples],
        [example.prediction for example in examples],
        groups={"group": [example.groups[0] for example in examples]},
        sample_weight=[example.weight for example in examples],
        num_classes=3,
    )

    def bundle(part):
        accumulator = combiner.create_accumulator()
        for example in part:
            accumulator = combiner.add_input(accumulator, example)
        return accumulator

    def counts(accumulator):
        return combiner.extract_output(accumulator)[key]

    # Empty bundles, bundles of one example, and one that is counted on the way.
    cuts = [0, 0, 1, 2, 250, 250, len(examples)]
    bundles = [bundle(examples[i:j]) for i, j in itertools.pairwise(cuts)]
    assert counts(bundle(examples)) == expected
    assert counts(combiner.merge_accumulators(bundles)) == expected
    # A second time: merging has changed none of them. As an iterator, and reversed.
    assert counts(combiner.merge_accumulators(iter(bundles[::-1]))) == expected
    merged = bundles[0]
    for accumulator in bundles[1:]:
        merged = combiner.merge_accumulators([merged, accumulator])
    assert counts(merged) == expected
    assert counts(combiner.create_accumulator()).num_examples == 0

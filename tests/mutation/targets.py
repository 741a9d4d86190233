"""Which tests are to notice a mutant of which file."""

# Directory or file -> the tests that run for each of its files.
TESTS = {
    "kd_keras/fairness": ["tests/fairness"],
    "kd_keras/losses": ["tests/losses"],
    "kd_keras/distiller": ["tests/distiller"],
    "kd_keras/teacher_cache": ["tests/teacher_cache"],
    "kd_keras/training": ["tests/test_training.py"],
    "kd_keras/keras_internals.py": ["tests/test_keras_internals.py"],
    "pipelines/analysis": ["tests/pipelines/analysis"],
    "pipelines/release": ["tests/pipelines/release"],
    "pipelines/evaluation/metrics": ["tests/pipelines/evaluation/metrics"],
}

_ANALYSIS = {
    "class_bias": "class_bias_table",
    "disagreement": "disagreement_table",
    **{
        name: name
        for name in (
            *("agreement", "bands", "chance", "choice", "choice_table", "curves"),
            *("class_group_change", "data_table", "estimates", "findings", "groups"),
            *("headline", "individual_fairness", "joint_counts", "measures"),
            *("provenance", "published", "quantization", "results"),
        )
    },
}
# Files whose own tests suffice, which are quicker than those of the part.
FILES = {
    f"pipelines/analysis/{name}.py": [
        f"tests/pipelines/analysis/test_{test}.py",
        "tests/test_frozen.py::test_dataclasses_are_frozen[pipelines/analysis]",
    ]
    for name, test in _ANALYSIS.items()
}

FILES |= {
    f"pipelines/release/{name}.py": [
        f"tests/pipelines/release/test_{name}.py",
        "tests/test_frozen.py::test_dataclasses_are_frozen[pipelines/release]",
    ]
    for name in (
        *("blessing", "candidate", "gate", "measure", "policy", "select", "selection"),
        *("validation", "verdict"),
    )
}
FILES["pipelines/release/conversion.py"] = ["tests/pipelines/test_litert_table.py"]

_METRICS = "tests/pipelines/evaluation/metrics"
_INDICATORS = [
    f"{_METRICS}/test_fairness_indicators.py::{name}"
    for name in (
        "test_rates_of_hard_predictions_and_thresholds_are_scikit_learns",
        "test_what_is_undefined_is_nan_and_what_was_not_asked_for_is_left_out",
        "test_counts_are_shared_where_thresholds_and_classes_are_equal",
    )
]
_GAPS = [
    f"{_METRICS}/test_gap_metrics.py",
    f"{_METRICS}/test_group_gaps.py::test_an_unknown_gap_is_refused",
    f"{_METRICS}/test_group_gaps.py::test_counts_do_not_depend_on_bundles_and_merges",
]
_PAIRED = [f"{_METRICS}/test_paired_errors.py"]
FILES |= {
    f"pipelines/evaluation/metrics/{name}.py": tests
    for name, tests in {
        "combiners": [f"{_METRICS}/test_confusion_matrix.py", *_INDICATORS],
        "confusion_matrix": [f"{_METRICS}/test_confusion_matrix.py"],
        "counts": [*_GAPS, *_PAIRED],
        "fairness_indicators": _INDICATORS,
        "group_gaps": _GAPS,
        "outputs": [f"{_METRICS}/test_outputs.py"],
        "paired_errors": _PAIRED,
    }.items()
}

# Parts whose tests need TFMA, whose import takes longest.
EVALUATED = ("pipelines/release", "pipelines/evaluation")

# (file, mutant): no input tells these from the code; why stands above each.
EQUIVALENT: set[tuple[str, str]] = set()

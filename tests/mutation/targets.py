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

# Parts whose tests need TFMA, whose import takes longest.
EVALUATED = ("pipelines/release", "pipelines/evaluation")

# (file, mutant): no input tells these from the code; why stands above each.
EQUIVALENT: set[tuple[str, str]] = set()

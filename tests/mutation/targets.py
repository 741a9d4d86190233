"""Which tests are to notice a mutant of which file."""

# Directory or file -> the tests that run for each of its files.
TESTS = {
    "kd_keras/fairness": ["tests/fairness"],
    "kd_keras/losses": ["tests/losses"],
    "kd_keras/distiller": ["tests/distiller"],
    "kd_keras/teacher_cache": ["tests/teacher_cache"],
    "kd_keras/training": ["tests/test_training.py"],
    "kd_keras/keras_internals.py": ["tests/test_keras_internals.py"],
    "pipelines/analysis": [
        "tests/pipelines/test_report_statistics.py",
        "tests/pipelines/test_report.py",
        "tests/pipelines/test_findings.py",
        "tests/pipelines/test_select.py",
    ],
    "pipelines/release": [
        "tests/pipelines/test_gate.py",
        "tests/pipelines/test_select.py",
    ],
    "pipelines/evaluation/metrics": [
        "tests/pipelines/test_metrics.py",
        "tests/pipelines/test_metrics_group_gaps.py",
    ],
}

# (file, mutant): no input tells these from the code; why stands above each.
EQUIVALENT: set[tuple[str, str]] = set()

"""Which tests are to notice a mutant of which file."""

# Part of the code -> the tests that run for each of its files. The file of tests that
# mirrors a file, tests/losses/test_kl.py of kd_keras/losses/kl.py, runs first.
TESTS: dict[str, list[str]] = {
    "kd_keras/fairness": ["tests/fairness"],
    "kd_keras/losses": [],
    "kd_keras/distiller": [
        "tests/distiller/test_reference_cases.py",
        "tests/distiller/test_peer_defects.py",
    ],
    "kd_keras/teacher_cache": [],
    "kd_keras/training": [],
    "kd_keras/files.py": [],
    "kd_keras/keras_internals.py": [],
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

# File -> tests that run for it, behind its own, instead of those of its part.
TESTS_OF_FILES: dict[str, list[str]] = {
    "kd_keras/losses/_numerics.py": [
        "tests/losses/test_kl.py",
        "tests/losses/test_dist.py",
    ],
    "kd_keras/teacher_cache/identity.py": [
        "tests/teacher_cache/test_reading.py",
        "tests/teacher_cache/test_writing.py",
    ],
    "kd_keras/distiller/adapters.py": ["tests/distiller/test_teacher.py"],
    "kd_keras/distiller/batch.py": [
        "tests/distiller/test_structures.py",
        "tests/distiller/test_other_heads.py",
    ],
    "kd_keras/distiller/distiller.py": [
        "tests/distiller/test_reference_cases.py",
        "tests/distiller/test_settings.py",
        "tests/distiller/test_saving.py",
    ],
    "kd_keras/distiller/holder.py": [
        "tests/distiller/test_teacher.py",
        "tests/distiller/test_settings.py",
        "tests/distiller/test_saving.py",
    ],
    "kd_keras/distiller/part_term.py": [
        "tests/distiller/test_added.py",
        "tests/distiller/test_distribution.py",
    ],
    "kd_keras/distiller/projections.py": ["tests/distiller/test_features.py"],
    "kd_keras/distiller/recording.py": ["tests/distiller/test_features.py"],
    "kd_keras/distiller/reduction.py": ["tests/distiller/test_distribution.py"],
    "kd_keras/distiller/shown.py": ["tests/test_repr_html.py"],
}

# (file, mutant): no input tells these from the code; why stands above each.
EQUIVALENT: set[tuple[str, str]] = {
    # Reshaped to the shape that it has.
    ("kd_keras/losses/_numerics.py", "25: missing <= 0 -> missing < 0"),
    # The value in the branch that `where` does not take, away from 0 as 1 is.
    ("kd_keras/losses/_numerics.py", "43: 1.0 -> 2.0"),
}

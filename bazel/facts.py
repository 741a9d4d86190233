"""What imports do not say: who may depend on whom, sizes and tags of tests."""

# Directory with Python -> the directories that may depend on it, besides tests. The
# longest directory that holds a file counts. One with others below it here stands for
# its own modules alone, as "pipelines" for the mains.
VISIBLE_TO: dict[str, tuple[str, ...]] = {
    "bazel": (),
    "benchmarks": (),
    "configs": ("configs", "pipelines", "pipelines/analysis", "pipelines/cli"),
    "examples": (),
    "kd_keras": (
        "benchmarks",
        "examples",
        "kd_keras",
        "pipelines/analysis",
        "pipelines/evaluation",
        "pipelines/language_models",
        "pipelines/release",
        "pipelines/report",
        "pipelines/studies",
        "pipelines/tfx",
    ),
    "pipelines": (),
    "pipelines/analysis": (
        "pipelines",
        "pipelines/language_models",
        "pipelines/release",
        "pipelines/report",
        "pipelines/tfx",
    ),
    # The report's main is in its package.
    "pipelines/cli": ("pipelines", "pipelines/report"),
    "pipelines/evaluation": (
        "benchmarks",
        "examples",
        "pipelines",
        "pipelines/analysis",
        "pipelines/evaluation",
        "pipelines/release",
    ),
    "pipelines/language_models": ("pipelines",),
    "pipelines/release": ("pipelines", "pipelines/release", "pipelines/tfx"),
    "pipelines/report": ("pipelines", "pipelines/language_models"),
    "pipelines/studies": (
        "benchmarks",
        "pipelines",
        "pipelines/analysis",
        "pipelines/evaluation",
        "pipelines/language_models",
        "pipelines/release",
        "pipelines/report",
        "pipelines/tfx",
    ),
    "pipelines/terminal": (
        "pipelines",
        "pipelines/analysis",
        "pipelines/cli",
        "pipelines/release",
        "pipelines/report",
    ),
    "pipelines/tfx": ("examples", "pipelines", "pipelines/tfx"),
    "tests": (),
}

# Module -> the directory of the modules that it loads by name.
LOADS = {
    "pipelines/evaluation/eval_config.py": "pipelines/evaluation/metrics",
    "pipelines/analysis/policy_files.py": "configs/policies",
    "pipelines/cli/release_flags.py": "configs/policies",
    "pipelines/release/tracking.py": "pipelines/release/trackers",
    "pipelines/study.py": "configs",
    "tests/configs/test_rows.py": "configs",
    "tests/configs/test_rows_run.py": "configs",
    "tests/pipelines/tfma_metrics.py": "pipelines/evaluation/metrics",
    "tests/test_notebook.py": "kd_keras",
    "tests/test_scripts.py": "pipelines",
    "tests/test_speed.py": "pipelines",
}

# Their mains are no programs to run by hand.
NO_MAINS = ("bazel", "tests")

# Package -> files that macros name.
EXPORTS = {"bazel": {"pytest_main.py"}}

# .bazelrc has the time that each size allows.
SIZE, SLOW_SIZE = "medium", "enormous"
SIZES = {
    "tests/configs/test_rows_run.py": "large",
    "tests/fairness": "small",
    "tests/fairness/test_against_peers.py": "medium",
    "tests/fairness/test_gap_table.py": "medium",
    "tests/pipelines/test_beam_runners.py": "large",
    "tests/pipelines/test_evaluate.py": "large",
    "tests/pipelines/test_study.py": "large",
    "tests/scale": "large",
    "tests/scale/test_attempts.py": "small",
    "tests/pipelines/test_tensorboard.py": "large",
    "tests/test_files.py": "small",
}

# A test file with one of these marks of pytest, on one case or more, has it as a tag.
MARKS = {"slow", "browser"}
TAGS = {
    # Read the whole workspace, one starts Bazel: outside the sandbox, never cached.
    "tests/test_build_files.py": ("external", "local"),
    "tests/test_directions.py": ("external", "local"),
    # Read the documentation in the source tree.
    "tests/test_docs.py": ("external", "local"),
    "tests/test_notebook.py": ("external", "local"),
    "tests/test_tutorial.py": ("external", "local"),
    # Reads the source tree itself.
    "tests/test_security.py": ("external", "local"),
    "tests/fairness/test_gap_table.py": ("external", "local"),
}

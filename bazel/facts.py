"""What imports do not say: who may depend on whom, sizes and tags of tests."""

# Directory with Python -> the directories that may depend on it, besides tests:
# kd_keras <- pipelines, and configs alone.
VISIBLE_TO = {
    "bazel": (),
    "benchmarks": (),
    "configs": ("configs", "pipelines"),
    "examples": (),
    "kd_keras": ("benchmarks", "examples", "kd_keras", "pipelines"),
    "pipelines": ("benchmarks", "pipelines"),
    "tests": (),
}

# Module -> the directory of the modules that it loads by name.
LOADS = {
    "pipelines/evaluation/eval_config.py": "pipelines/evaluation/metrics",
    "pipelines/cli/release_flags.py": "configs/policies",
    "pipelines/study.py": "configs",
    "tests/configs/test_rows.py": "configs",
    "tests/configs/test_rows_run.py": "configs",
    "tests/pipelines/tfma_metrics.py": "pipelines/evaluation/metrics",
    "tests/test_notebook.py": "kd_keras",
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
    # Reads the whole workspace and starts Bazel: outside the sandbox, never cached.
    "tests/test_build_files.py": ("external", "local"),
    # Read the documentation in the source tree.
    "tests/test_docs.py": ("external", "local"),
    "tests/test_notebook.py": ("external", "local"),
    # Reads the source tree itself.
    "tests/test_security.py": ("external", "local"),
}

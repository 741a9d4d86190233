"""Which tests are to notice a mutant of which file."""

# Part of the code -> the tests that run for each of its files. The file of tests that
# mirrors a file, tests/losses/test_kl.py of kd_keras/losses/kl.py, runs first.
TESTS: dict[str, list[str]] = {
    "kd_keras/fairness": [],
    "kd_keras/losses": [],
    "kd_keras/distiller": [
        "tests/distiller/test_reference_cases.py",
        "tests/distiller/test_peer_defects.py",
    ],
    "kd_keras/teacher_cache": [],
    "kd_keras/training": [],
    "kd_keras/files.py": [],
    "kd_keras/keras_internals.py": [],
    "pipelines/analysis": [],
    "pipelines/release": [],
    "pipelines/evaluation/metrics": [],
}

# Part -> what its tests import that no mutant of it changes, and that takes long.
PRELOADED: dict[str, tuple[str, ...]] = {
    "pipelines/analysis": ("kd_keras.models", "fairlearn.metrics", "ml_collections"),
    "pipelines/release": ("kd_keras.models", "tensorflow_model_analysis"),
    "pipelines/evaluation/metrics": ("kd_keras", "tensorflow_model_analysis"),
}

_FAIRNESS = "tests/fairness"
_METRICS = "tests/pipelines/evaluation/metrics"

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
    "kd_keras/fairness/cell_counts.py": [
        f"{_FAIRNESS}/test_bad_input.py",
        f"{_FAIRNESS}/test_group_cases.py",
    ],
    "kd_keras/fairness/confusion.py": [
        f"{_FAIRNESS}/test_group_cases.py",
        f"{_FAIRNESS}/test_cell_counts.py",
    ],
    "kd_keras/fairness/disagreement.py": [f"{_FAIRNESS}/test_cell_counts.py"],
    "kd_keras/fairness/encoding.py": [
        f"{_FAIRNESS}/test_bad_input.py",
        f"{_FAIRNESS}/test_cell_counts.py",
    ],
    "kd_keras/fairness/gap_blocks.py": [
        f"{_FAIRNESS}/test_gaps.py",
        f"{_FAIRNESS}/test_group_cases.py",
        f"{_FAIRNESS}/test_cell_counts.py",
    ],
    "kd_keras/fairness/gap_intervals.py": [f"{_FAIRNESS}/test_unequal_intervals.py"],
    "kd_keras/fairness/gaps.py": [
        f"{_FAIRNESS}/test_group_cases.py",
        f"{_FAIRNESS}/test_bad_input.py",
    ],
    "kd_keras/fairness/named_gaps.py": [
        f"{_FAIRNESS}/test_gap_table.py::test_help_shows_what_a_gap_is",
        f"{_FAIRNESS}/test_gap_table.py::test_the_direction_says_which_rate_decides",
        f"{_FAIRNESS}/test_bad_input.py",
        f"{_FAIRNESS}/test_against_peers.py"
        "::test_array_functions_take_what_fairlearn_takes",
    ],
    "kd_keras/fairness/prediction_counts.py": [
        f"{_FAIRNESS}/test_paired_counts.py",
        f"{_FAIRNESS}/test_bad_input.py",
        f"{_FAIRNESS}/test_group_cases.py",
    ],
    "kd_keras/fairness/rates.py": [
        f"{_FAIRNESS}/test_group_cases.py",
        f"{_FAIRNESS}/test_against_peers.py::test_other_rates",
    ],
    "pipelines/analysis/class_bias.py": [
        "tests/pipelines/analysis/test_class_bias_table.py"
    ],
    "pipelines/analysis/disagreement.py": [
        "tests/pipelines/analysis/test_disagreement_table.py"
    ],
    "pipelines/release/conversion.py": ["tests/pipelines/test_litert_table.py"],
    "pipelines/evaluation/metrics/combiners.py": [
        f"{_METRICS}/test_confusion_matrix.py",
        f"{_METRICS}/test_fairness_indicators.py",
    ],
    "pipelines/evaluation/metrics/outputs.py": [f"{_METRICS}/test_metric_outputs.py"],
    "pipelines/evaluation/metrics/counts.py": [
        f"{_METRICS}/test_group_gaps.py",
        f"{_METRICS}/test_paired_errors.py",
        f"{_METRICS}/test_group_gaps_in_beam.py"
        "::test_counts_do_not_depend_on_bundles_and_merges",
    ],
}
# Values do not change once they are made.
TESTS_OF_FILES |= {
    f"{part}/{name}.py": [f"tests/test_frozen.py::test_dataclasses_are_frozen[{part}]"]
    for part, names in {
        "pipelines/analysis": ("choice", "costs", "curves", "data_table", "headline",
                               "published", "results"),
        "pipelines/release": ("candidate", "policy"),
    }.items()
    for name in names
}  # fmt: skip

# (file, mutant): no input tells these from the code; why stands above each.
EQUIVALENT: set[tuple[str, str]] = {
    # Reshaped to the shape that it has.
    (
        "kd_keras/losses/_numerics.py",
        "25: missing <= 0 -> missing < 0",
    ),
    # The value in the branch that `where` does not take; its gradient is dropped.
    (
        "kd_keras/losses/_numerics.py",
        "43: 1.0 -> 2.0",
    ),
    # Equality, `and` and the greatest common divisor do not know an order.
    (
        "kd_keras/distiller/soft.py",
        "117: ops.equal(ops.argmax(teacher_logits, axis=-1), "
        "ops.argmax(output.student, axis=-1)) -> "
        "ops.equal(ops.argmax(output.student, axis=-1), "
        "ops.argmax(teacher_logits, axis=-1))",
    ),
    (
        "kd_keras/distiller/soft.py",
        "121: ops.equal(teacher_logits > 0, output.student > 0) -> "
        "ops.equal(output.student > 0, teacher_logits > 0)",
    ),
    (
        "kd_keras/distiller/outputs.py",
        "178: ops.not_equal(weights, 0.0) -> ops.not_equal(0.0, weights)",
    ),
    (
        "kd_keras/distiller/outputs.py",
        "181: ops.logical_and(valid, mask) -> ops.logical_and(mask, valid)",
    ),
    (
        "kd_keras/distiller/hard.py",
        "137: ops.logical_and(mask, own_mask) -> ops.logical_and(own_mask, mask)",
    ),
    (
        "kd_keras/teacher_cache/reading.py",
        "138: tf.equal(example_keys(examples, self._spec), made[:size]) -> "
        "tf.equal(made[:size], example_keys(examples, self._spec))",
    ),
    (
        "kd_keras/teacher_cache/reading.py",
        "91: math.gcd(block_size(examples), self.identity.shard_examples) -> "
        "math.gcd(self.identity.shard_examples, block_size(examples))",
    ),
    # Pairs of sizes are compared, whichever is first.
    (
        "kd_keras/distiller/outputs.py",
        "212: zip(teacher[1:], student[1:], strict=False) -> zip(student[1:], "
        "teacher[1:], strict=False)",
    ),
    (
        "kd_keras/distiller/projections.py",
        "35: zip(teacher[1:-1], student[1:-1], strict=False) -> "
        "zip(student[1:-1], teacher[1:-1], strict=False)",
    ),
    # `strict=False` is the default.
    (
        "kd_keras/distiller/outputs.py",
        "212: zip(teacher[1:], student[1:], strict=False) -> zip(teacher[1:], "
        "student[1:])",
    ),
    (
        "kd_keras/distiller/projections.py",
        "35: zip(teacher[1:-1], student[1:-1], strict=False) -> "
        "zip(teacher[1:-1], student[1:-1])",
    ),
    # What is paired is made to be as long: one entry per output, teacher, hint or seed.
    (
        "kd_keras/distiller/added.py",
        "32: zip(batch.outputs, batch.scales(self.loss_weights), strict=True) "
        "-> zip(batch.outputs, batch.scales(self.loss_weights))",
    ),
    (
        "kd_keras/distiller/soft.py",
        "145: zip(batch.outputs, batch.scales(self.loss_weights), strict=True) "
        "-> zip(batch.outputs, batch.scales(self.loss_weights))",
    ),
    (
        "kd_keras/distiller/soft.py",
        "159: zip(weights, output.teacher, strict=True) -> zip(weights, "
        "output.teacher)",
    ),
    (
        "kd_keras/distiller/hard.py",
        "167: zip(batch.outputs, losses, scales, strict=True) -> "
        "zip(batch.outputs, losses, scales)",
    ),
    (
        "kd_keras/distiller/batch.py",
        "124: zip(names, keras.tree.flatten(y_pred), strict=True) -> zip(names,"
        " keras.tree.flatten(y_pred))",
    ),
    (
        "kd_keras/distiller/batch.py",
        "141: zip(names, heads, strict=True) -> zip(names, heads)",
    ),
    (
        "kd_keras/distiller/batch.py",
        "154: zip(distilled, per_output(outputs, distilled, 'teacher'), "
        "strict=True) -> zip(distilled, per_output(outputs, distilled, "
        "'teacher'))",
    ),
    (
        "kd_keras/distiller/features.py",
        "74: zip(self.hints, features, strict=True) -> zip(self.hints, features)",
    ),
    (
        "kd_keras/distiller/features.py",
        "72: zip(read, recorded, strict=True) -> zip(read, recorded)",
    ),
    (
        "kd_keras/training/fitting.py",
        "123: zip(seeds, first, strict=True) -> zip(seeds, first)",
    ),
    # Arrays of numbers are never pickled; the default axis is the last one.
    (
        "kd_keras/teacher_cache/reading.py",
        "180: np.save(content, array, allow_pickle=False) -> np.save(content, array)",
    ),
    (
        "kd_keras/teacher_cache/storage.py",
        "87: np.argpartition(log_p, -self.k, axis=-1) -> np.argpartition(log_p,"
        " -self.k)",
    ),
    # A checksum does not depend on the chunks that it is made in.
    (
        "kd_keras/teacher_cache/reading.py",
        "187: 2 ** 20 -> 2 * 20",
    ),
    # The same number in float32.
    (
        "kd_keras/teacher_cache/storage.py",
        "13: 1000000000.0 -> 1000000001.0",
    ),
    # A default that TFMA never leaves to itself: it passes what its metric is asked.
    *(
        (f"pipelines/evaluation/metrics/{file}.py", f"{line}: False -> True")
        for file, line in (
            *(("confusion_matrix", 65), ("confusion_matrix", 83)),
            *(("fairness_indicators", 80), ("group_gaps", 76), ("paired_errors", 70)),
        )
    ),
    # Of arrays with two axes, axis 1 is the last one.
    *(
        (f"pipelines/analysis/{file}.py", f"{line}: -1 -> 1")
        for file, line in (
            *(("agreement", 61), ("agreement", 62), ("bands", 58), ("calibrated", 23)),
            *(("costs", 153), ("estimates", 86)),
            *(("groups", 49), ("individual_fairness", 49)),
            ("results", 75),
        )
    ),
}

"""Which tests are to notice a mutant of which file."""

# Part of the code -> the tests that run for each of its files. The file of tests that
# mirrors a file, tests/losses/test_kl.py of kd_keras/losses/kl.py, runs first.
TESTS: dict[str, list[str]] = {
    "kd_keras/fairness": [],
    "kd_keras/losses": [],
    "kd_keras/mitigation": [],
    "kd_keras/distiller": [
        "tests/distiller/test_reference_cases.py",
        "tests/distiller/test_peer_defects.py",
    ],
    "kd_keras/teacher_cache": [],
    "kd_keras/training": [],
    "kd_keras/datasets/corruptions": ["tests/datasets/test_corruptions.py"],
    "kd_keras/files.py": [],
    "kd_keras/keras_internals.py": [],
    "pipelines/analysis": [],
    "pipelines/release": [],
    "pipelines/studies/wordnet.py": ["tests/pipelines/test_wordnet.py"],
    "pipelines/evaluation/metrics": [],
}

# Part -> what its tests import that no mutant of it changes, and that takes long.
PRELOADED: dict[str, tuple[str, ...]] = {
    "kd_keras/fairness": ("fairlearn.metrics", "sklearn.metrics", "keras"),
    **dict.fromkeys(
        (
            *("kd_keras/losses", "kd_keras/mitigation", "kd_keras/distiller"),
            *("kd_keras/teacher_cache", "kd_keras/training", "kd_keras/files.py"),
            "kd_keras/datasets/corruptions",
            "kd_keras/keras_internals.py",
        ),
        ("keras",),
    ),
    "pipelines/analysis": ("kd_keras.models", "fairlearn.metrics", "ml_collections"),
    "pipelines/release": ("kd_keras.models", "tensorflow_model_analysis"),
    "pipelines/studies/wordnet.py": ("kd_keras.models", "nltk"),
    "pipelines/evaluation/metrics": ("kd_keras", "tensorflow_model_analysis"),
}

_ANALYSIS = "tests/pipelines/analysis"
_FAIRNESS = "tests/fairness"
_HTML = "tests/test_repr_html.py"
_MITIGATION = "tests/mitigation"
_METRICS = "tests/pipelines/evaluation/metrics"
_RELEASE = "tests/pipelines/release"

# File -> tests that run for it, behind its own, instead of those of its part.
TESTS_OF_FILES: dict[str, list[str]] = {
    "kd_keras/losses/_numerics.py": [
        "tests/losses/test_kl.py",
        "tests/losses/test_dist.py",
    ],
    **{
        f"kd_keras/losses/{name}.py": ["tests/losses/test_part.py"]
        for name in ("decoupled", "dist", "hints")
    },
    "kd_keras/teacher_cache/identity.py": [
        "tests/teacher_cache/test_reading.py",
        "tests/teacher_cache/test_writing.py",
    ],
    "kd_keras/teacher_cache/reading.py": [
        "tests/teacher_cache/test_writing.py",
        "tests/training/test_stacked_fitting.py::test_members_of_one_cache_learn_from_it",
    ],
    "kd_keras/teacher_cache/writing.py": [
        "tests/teacher_cache/test_hidden.py"
        "::test_a_head_that_the_manifest_does_not_name_is_written_again",
        "tests/teacher_cache/test_hidden.py"
        "::test_a_cache_is_opened_again_and_only_what_is_gone_is_made_anew",
    ],
    "kd_keras/distiller/compiled_metrics.py": ["tests/distiller/test_bad_teachers.py"],
    "kd_keras/distiller/finite.py": ["tests/distiller/test_bad_teachers.py"],
    # Their own tests are enough.
    **{f"kd_keras/distiller/{name}.py": [] for name in ("chunks", "labels", "workers")},
    "kd_keras/training/stackable.py": ["tests/training/test_stack.py"],
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
    "kd_keras/distiller/settings.py": [
        "tests/distiller/test_reference_cases.py",
        "tests/distiller/test_peer_defects.py",
        "tests/distiller/test_added.py::test_hints_are_no_parts_and_parts_no_hints",
    ],
    "kd_keras/distiller/student.py": [
        "tests/distiller/test_student_trainer.py",
        "tests/distiller/test_reference_cases.py",
        "tests/distiller/test_peer_defects.py",
    ],
    "kd_keras/distiller/reduction.py": ["tests/distiller/test_distribution.py"],
    "kd_keras/distiller/shown.py": ["tests/test_repr_html.py"],
    "kd_keras/fairness/class_bias.py": [
        f"{_HTML}::test_class_bias_and_individual_fairness"
    ],
    "kd_keras/fairness/class_changes.py": [f"{_HTML}::test_comparisons"],
    "kd_keras/fairness/error_transfer.py": [f"{_HTML}::test_comparisons"],
    "kd_keras/fairness/contrast_changes.py": [
        f"{_FAIRNESS}/test_gap_bounds.py",
        f"{_FAIRNESS}/test_contrasts.py",
    ],
    "kd_keras/fairness/contrasts.py": [f"{_FAIRNESS}/test_gap_bounds.py"],
    "kd_keras/fairness/bootstrap.py": [f"{_FAIRNESS}/test_confusion.py"],
    "kd_keras/fairness/gap_bounds.py": [
        f"{_FAIRNESS}/test_contrasts.py",
        f"{_FAIRNESS}/test_unequal_intervals.py",
    ],
    "kd_keras/fairness/group_counts.py": [
        f"{_FAIRNESS}/test_cell_counts.py",
        f"{_FAIRNESS}/test_group_cases.py",
    ],
    "kd_keras/fairness/names.py": [
        f"{_FAIRNESS}/test_gap_groups.py",
        f"{_FAIRNESS}/test_group_cases.py",
    ],
    "kd_keras/fairness/proportions.py": [f"{_FAIRNESS}/test_contrasts.py"],
    "kd_keras/fairness/cell_counts.py": [
        f"{_FAIRNESS}/test_bad_input.py",
        f"{_FAIRNESS}/test_group_cases.py",
        f"{_HTML}::test_rates_and_counts",
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
        f"{_FAIRNESS}/test_confusion.py",
    ],
    "kd_keras/fairness/gap_table.py": [
        f"{_FAIRNESS}/test_gaps.py::test_where_nobody_has_a_group_a_gap_is_undefined"
    ],
    "kd_keras/fairness/gap_intervals.py": [
        f"{_FAIRNESS}/test_unequal_intervals.py",
        f"{_HTML}::test_gaps_and_changes",
    ],
    "kd_keras/fairness/gaps.py": [
        f"{_FAIRNESS}/test_gap_groups.py",
        f"{_FAIRNESS}/test_group_cases.py",
        f"{_FAIRNESS}/test_bad_input.py",
    ],
    "kd_keras/fairness/named_gaps.py": [
        f"{_FAIRNESS}/test_gap_table.py::test_help_shows_what_a_gap_is",
        f"{_FAIRNESS}/test_gap_table.py::test_the_direction_says_which_rate_decides",
        f"{_FAIRNESS}/test_bad_input.py",
    ],
    "kd_keras/fairness/paired_counts.py": [f"{_FAIRNESS}/test_cell_counts.py"],
    "kd_keras/fairness/prediction_counts.py": [
        f"{_FAIRNESS}/test_paired_counts.py",
        f"{_FAIRNESS}/test_bad_input.py",
        f"{_FAIRNESS}/test_group_cases.py",
    ],
    "kd_keras/fairness/rates.py": [
        f"{_FAIRNESS}/test_group_cases.py",
        f"{_FAIRNESS}/test_against_peers.py::test_other_rates",
        f"{_HTML}::test_rates_and_counts",
    ],
    "pipelines/analysis/annex_iv.py": [f"{_ANALYSIS}/test_model_card.py"],
    "pipelines/analysis/calibrated.py": [f"{_ANALYSIS}/test_estimates.py"],
    "pipelines/analysis/cards.py": [f"{_ANALYSIS}/test_answer.py"],
    "pipelines/analysis/costs.py": [
        f"{_ANALYSIS}/test_choice.py",
        f"{_ANALYSIS}/test_robustness.py",
    ],
    "pipelines/analysis/damaged.py": [f"{_ANALYSIS}/test_robustness.py"],
    "pipelines/analysis/impact.py": [f"{_ANALYSIS}/test_impact_table.py"],
    "pipelines/analysis/loss_table.py": [f"{_ANALYSIS}/test_group_losses.py"],
    "pipelines/analysis/methods.py": [f"{_ANALYSIS}/test_methods_table.py"],
    "pipelines/analysis/mitigation.py": [f"{_ANALYSIS}/test_mended_groups.py"],
    "pipelines/analysis/per_hundred.py": [f"{_ANALYSIS}/test_answer.py"],
    "pipelines/analysis/policy_files.py": [
        f"{_ANALYSIS}/test_verdicts.py",
        f"{_ANALYSIS}/test_answer.py",
    ],
    "pipelines/analysis/robustness_tables.py": [f"{_ANALYSIS}/test_robustness.py"],
    "pipelines/analysis/seed_means.py": [
        f"{_ANALYSIS}/test_findings.py",
        f"{_ANALYSIS}/test_bands.py",
    ],
    "pipelines/analysis/class_bias.py": [
        "tests/pipelines/analysis/test_class_bias_table.py"
    ],
    "pipelines/analysis/disagreement.py": [
        "tests/pipelines/analysis/test_disagreement_table.py"
    ],
    **{
        f"pipelines/analysis/findings_{name}.py": [f"{_ANALYSIS}/test_findings.py"]
        for name in ("claims", "published", "quantities", "words")
    },
    "pipelines/release/conversion.py": ["tests/pipelines/test_litert_table.py"],
    "pipelines/release/retraining.py": [
        f"{_RELEASE}/test_mitigation_training.py::{test}"
        for test in (
            "test_methods_are_for_the_attributes_that_are_refused",
            "test_a_student_without_a_teacher_is_not_trained_again",
        )
    ],
    **{
        f"pipelines/release/{name}.py": [f"{_RELEASE}/test_for_tools.py"]
        for name in ("annotations", "junit", "outcome", "sarif")
    },
    **{
        f"pipelines/release/{name}.py": ["tests/pipelines/test_tracking.py"]
        for name in ("tracking", "trackers/to_mlflow", "trackers/to_wandb")
    },
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
# Those of mitigation that several files share.
TESTS_OF_FILES |= {
    f"kd_keras/mitigation/{name}.py": [f"{_MITIGATION}/{test}.py" for test in tests]
    for tests, names in {
        ("test_group_thresholds",): ("constraints", "scores", "search"),
        ("test_threshold_curves", "test_group_thresholds"): ("curves",),
        ("test_group_offsets",): ("measure", "offset_lines", "offset_search"),
        ("test_group_thresholds", "test_group_offsets"): (
            *("outcome", "refusal", "served", "units"),
        ),
        ("test_training_losses",): (
            *("class_balance", "fair_features", "group_dro", "membership"),
            *("min_diff", "mixed_loss"),
        ),
        ("test_group_shift",): ("layers",),
        ("test_group_thresholds", "test_group_offsets", "test_wrapping"): ("mended",),
        ("test_wrap",): ("wrapping",),
    }.items()
    for name in names
}
for _name in ("added", "features", "hard", "soft"):
    _file = f"kd_keras/distiller/{_name}.py"
    _tests = TESTS_OF_FILES.setdefault(_file, [*TESTS["kd_keras/distiller"]])
    _tests.append("tests/distiller/test_objective.py::test_a_part_does_not_change")
_WRAP = f"{_MITIGATION}/test_wrap.py"
TESTS_OF_FILES |= {
    "kd_keras/mitigation/group_thresholds.py": [
        f"{_MITIGATION}/test_group_offsets.py",
        f"{_WRAP}::test_the_softmax_is_moved_by_the_threshold",
    ],
    "kd_keras/mitigation/heads.py": [f"{_MITIGATION}/test_mitigation_heads.py"],
    "kd_keras/mitigation/measure.py": [f"{_MITIGATION}/test_mitigation_measure.py"],
    "kd_keras/mitigation/served_group.py": [
        f"{_WRAP}::test_groups_by_name",
        f"{_WRAP}::test_the_group_is_a_feature_beside_the_attribute",
        f"{_WRAP}::test_the_feature_of_the_group_has_a_name_of_its_own",
    ],
}
# Values do not change once they are made.
for _part, _names in {
    "kd_keras/distiller": ("added", "features", "hard", "soft"),
    "kd_keras/fairness": ("cell_counts", "class_bias", "class_changes", "confusion",
                          "error_transfer", "gap_intervals", "gap_table", "gaps",
                          "impact", "individual", "intervals", "rates",
                          "stereotypes"),
    "kd_keras/mitigation": ("constraints", "curves", "measure", "offset_search",
                            "outcome", "units"),
    "pipelines/analysis": ("answer", "cards", "choice", "costs", "curves",
                           "data_table", "findings_claims", "group_losses",
                           "headline", "methods", "mitigation", "published",
                           "results", "robustness", "verdicts"),
    "pipelines/release": ("candidate", "policy", "remedies"),
}.items():  # fmt: skip
    for _name in _names:
        _frozen = f"tests/test_frozen.py::test_dataclasses_are_frozen[{_part}]"
        TESTS_OF_FILES.setdefault(f"{_part}/{_name}.py", []).append(_frozen)

"""Bounds that a student of the demo may be expected to keep."""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    policy = ml_collections.ConfigDict()
    policy.name = "demo"
    policy.level = 0.95  # Coverage of every interval.
    policy.replicates = 1000  # Of the bootstrap.
    # A rate of fewer examples is in no gap; validation has 18 of a shape and color.
    policy.min_examples = 10
    # What refuses a release: "failed", "undecided" (the interval has the bound inside),
    # "insufficient evidence". Nothing is released without one passed condition.
    policy.refuse = ("failed", "undecided")

    # Which temperature is recommended: metric and attribute, and what a student may
    # lose in accuracy. An empty attribute is the worst of all.
    policy.selection = ml_collections.ConfigDict()
    policy.selection.metric = "equalized_odds_difference"
    policy.selection.attribute = ""
    policy.selection.tolerance = 0.05
    # "mean", or the name of one, takes the metric on damaged data, where a study has
    # config.evaluation.corruptions; empty takes it on the data as they are.
    policy.selection.corruption = ""

    # What pipelines.mitigate may try: thresholds, and methods of config.methods, which
    # train the refused student again.
    policy.mitigation = ml_collections.ConfigDict({"methods": ("thresholds",)})

    policy.conditions = ml_collections.ConfigDict()
    policy.conditions.accuracy_drop = _condition(
        metric="accuracy", against="teacher", at_least=-0.25
    )
    policy.conditions.accuracy = _condition(
        metric="accuracy", at_least=0.7, decide_by="value"
    )
    policy.conditions.calibration = _condition(metric="ece", at_most=0.4)
    # Every attribute of the study must be here: whom a policy forgets, it harms.
    policy.conditions.worst_color = _condition(
        metric="worst_group_accuracy", attribute="color", at_least=0.55
    )
    policy.conditions.dpd_color = _condition(
        metric="demographic_parity_difference",
        attribute="color",
        at_most=0.5,
        decide_by="value",
    )
    for other in ("teacher", "nds"):
        policy.conditions[f"eod_color_growth_{other}"] = _condition(
            metric="equalized_odds_difference",
            attribute="color",
            against=other,
            at_most=0.5,
            min_examples=1,
        )
    return policy


def _condition(**fields: str | float) -> ml_collections.ConfigDict:
    """A condition; the fields are those of pipelines.release.policy.Condition."""
    return ml_collections.ConfigDict(fields)

"""Of those who earn much, a student may not find fewer women than men."""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    policy = ml_collections.ConfigDict()
    policy.name = "adult"
    policy.level = 0.95
    policy.replicates = 1000
    policy.refuse = ("failed", "undecided", "insufficient evidence")
    policy.selection = ml_collections.ConfigDict(
        {
            "metric": "equalized_odds_difference",
            "attribute": "sex",
            "tolerance": 0.01,
        }
    )
    conditions = {
        "accuracy_drop": {
            "metric": "accuracy",
            "against": "teacher",
            "at_least": -0.02,
        },
        "found_women_and_men": {
            "metric": "equal_opportunity_difference",
            "attribute": "sex",
            "at_most": 0.08,
        },
        "worst_race": {
            "metric": "worst_group_accuracy",
            "attribute": "race",
            "at_least": 0.7,
        },
    }
    # What pipelines.mitigate may try, see docs/mitigation.md.
    policy.mitigation = ml_collections.ConfigDict({"methods": ("thresholds",)})
    policy.conditions = ml_collections.ConfigDict(conditions)
    return policy

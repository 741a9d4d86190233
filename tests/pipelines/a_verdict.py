"""A verdict with every status, and the policy that it is of."""

POLICY = """import ml_collections

def get_config():
    policy = ml_collections.ConfigDict({"name": "strict"})
    policy.conditions.eod_b = condition(metric="eod")
    policy.conditions.eod = condition(metric="eod")
    policy.conditions["rare"] = condition(metric="eod")
    policy.conditions.update({"drop": condition(metric="accuracy")})
"""
REASONS = {
    "eod": "equalized odds difference of side is 30.0 %, allowed is at most 10 %",
    "eod_b": "the interval has the bound inside, of 95 % level",
    "rare": "fewer than 10 examples for a, b:\nwomen & men <7>",
    "drop": "accuracy is 82.5 %",
}
STATUSES = {
    "eod": "failed",
    "eod_b": "undecided",
    "rare": "insufficient evidence",
    "drop": "passed",
}


def verdict(refuse=("failed", "undecided"), names=tuple(REASONS), **others):
    conditions = [
        {
            **{"name": name, "status": STATUSES[name], "reason": REASONS[name]},
            **{"value": 0.3, "low": 0.1, "high": None, "decided_by": "interval"},
        }
        for name in names
    ]
    refused = [c["name"] for c in conditions if c["status"] in refuse]
    blessed = not refused and any(c["status"] == "passed" for c in conditions)
    reason = f"conditions not kept: {', '.join(refused)}" if refused else ""
    return {
        "blessed": blessed,
        "reason": reason or ("" if blessed else "no condition is passed"),
        "policy": "strict",
        "level": 0.95,
        "refuse": list(refuse),
        "run": "student-t04/seed0",
        "export_version": 3,
        "export_digest": "d" * 64,
        "split": "test",
        "examples": 80,
        "conditions": conditions,
        **others,
    }

"""What a distillation in a pipeline can be told, and what it needs."""

from collections.abc import Mapping
from typing import Any

DEFAULTS: dict[str, Any] = {
    "student": None,
    "student_options": {},
    "label": None,
    "class_names": None,
    "features": None,
    "groups": {},
    "image_shape": None,
    "max_values": {},
    "transformed": False,
    "teacher_outputs": None,
    "temperature": 4.0,
    "alpha": 0.8,
    "soft_loss": "kl",
    "method": "plain",
    "method_options": {},
    "batch_size": 64,
    "optimizer": "adam",
    "learning_rate": 1e-3,
    "seed": 0,
}
REQUIRED = ("student", "label", "class_names", "features")


def of_fn_args(fn_args: Any) -> dict[str, Any]:
    """All settings: those of custom_config, over which tuned hyperparameters win.

    Raises:
      ValueError: if one is missing or unknown, or FnArgs lack what they need.
    """
    given = dict(fn_args.custom_config or {})
    tuned: Mapping[str, Any] = (fn_args.hyperparameters or {}).get("values", {})
    settings = DEFAULTS | given | dict(tuned)
    check(settings)
    for name in ("base_model", "train_files", "eval_files"):
        if not getattr(fn_args, name):
            raise ValueError(
                f"fn_args.{name} is needed. Received: {getattr(fn_args, name)!r}."
            )
    if not (fn_args.schema_path or getattr(fn_args, "transform_graph_path", None)):
        raise ValueError(
            "fn_args.schema_path is needed, or transform_graph_path. Received: "
            "neither. Pass schema= or transform_graph= to the component."
        )
    if not fn_args.train_steps:
        raise ValueError(
            "fn_args.train_steps must be a positive number. Received: "
            f"{fn_args.train_steps!r}. Set num_steps in the Trainer's train_args."
        )
    return settings


def check(settings: Mapping[str, Any]) -> None:
    """Raises a ValueError that names a missing or an unknown setting."""
    unknown = sorted(settings.keys() - DEFAULTS.keys())
    if unknown:
        raise ValueError(
            f"custom_config must hold only {list(DEFAULTS)}. Received: {unknown}."
        )
    missing = [name for name in REQUIRED if not settings.get(name)]
    if missing:
        raise ValueError(f"custom_config must hold {missing}, which are missing.")

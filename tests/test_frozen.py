"""What a function returns does not change afterwards: dataclasses are frozen."""

import dataclasses
import importlib
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(
    "package",
    [
        *("kd_keras/distiller", "kd_keras/fairness", "kd_keras/mitigation"),
        *("pipelines/analysis", "pipelines/release"),
    ],
)
def test_dataclasses_are_frozen(package):
    found = []
    for path in sorted((ROOT / package).glob("*.py")):
        name = f"{package}/{path.stem}".replace("/", ".").removesuffix(".__init__")
        values = vars(importlib.import_module(name)).values()
        found += [v for v in values if isinstance(v, type) and v.__module__ == name]
    found = [cls for cls in found if "__dataclass_params__" in vars(cls)]
    found = [cls for cls in found if cls.__name__ != "_Patch"]  # It counts its users.
    assert found
    for cls in found:
        assert dataclasses.is_dataclass(cls)
        assert cls.__dataclass_params__.frozen, cls

"""The commands that come next, as a person types them here."""

import contextlib
import json
import os
import pathlib
import re
import sys
from collections.abc import Mapping
from typing import Any

from absl import flags as absl_flags

from pipelines.cli import given
from pipelines.terminal import shell


def command(module: str, **flags: str) -> str:
    """The call of a main, such as `.venv/bin/python -m pipelines.report --workdir=w`.

    Args:
      module: the main.
      **flags: flag -> value; empty ones are left out. --module_path is that of this
        process, where it was given.
    """
    path = os.path.relpath(sys.executable)
    python = sys.executable if path.startswith("..") else path
    same = absl_flags.FLAGS["module_path"].value if _parsed() else ""
    flags = {"module_path": same, **flags}
    words = [f"--{name}={value}" for name, value in flags.items() if value]
    return shell.command([python, "-m", module, *words])


def after_study(workdir: str, own_code: bool) -> str:
    """What a person may do with a finished study.

    Args:
      workdir: its working directory.
      own_code: whether it names modules, which the next mains have to find again.
    """
    flags = {"workdir": workdir}
    if own_code:
        flags["module_path"] = given.module_path()
    report = command("pipelines.report", **flags)
    flags["policy"] = given.policy()
    select, gate, mend = (
        command(f"pipelines.{name}", **flags) for name in ("select", "gate", "mitigate")
    )
    return "\n".join(
        [
            f"report:      {workdir}/report.html",
            *([f"again:       {report}"] if own_code else []),
            f"TensorBoard: {command('pipelines.tensorboard', workdir=workdir)}",
            f"choose T:    {select}",
            f"judge:       {gate}",
            f"mend:        {mend}",
        ]
    )


def push(workdir: str, policy: str, run: str = "") -> str:
    """The call of the gate that copies a blessed export to where a server reads it."""
    flags = {"workdir": workdir, "policy": policy, "run": run}
    return command("pipelines.gate", **flags, push=f"{workdir}/serving")


def after_gate(workdir: str, policy: str, verdict: Mapping[str, Any]) -> str:
    """What a person may do with a verdict: convert, mend, or find more examples."""
    run = verdict["run"]
    if verdict["blessed"]:
        return command("pipelines.litert", workdir=workdir, run=run)
    if not verdict["broken"]:
        return (
            "nothing seems broken, and no mending gives more evidence: measure on more "
            "examples, or on fewer groups"
        )
    base = run.removesuffix("/mended")
    if base == run:
        return command("pipelines.mitigate", workdir=workdir, policy=policy, run=run)
    if _verdict(workdir, base)[1]:
        again = command("pipelines.gate", workdir=workdir, policy=policy, run=base)
        return f"{base} was blessed as it was trained; by this policy? {again}"
    return (
        "it is mended already; what is left: more examples of these groups, features "
        "that tell more about them, a larger student where the teacher does better, or "
        "another bound, by those who answer for the model"
    )


def after_mitigate(workdir: str, policy: str, found: Mapping[str, Any]) -> str:
    """What a person may do with what mending came to; "" where nothing is left here.

    Args:
      workdir: the study's working directory.
      policy: path of the policy.
      found: as in mitigation.json.
    """
    if found["blessed"]:
        pushed = push(workdir, policy, found["run"])
        if any(s.startswith("Levelled down:") for s in found.get("sentences", ())):
            return f"every group is served worse than before; if you mean it: {pushed}"
        return pushed
    if not may_train(found):
        return ""
    flags = {"workdir": workdir, "policy": policy, "run": found["base"]}
    flags["policy.mitigation.methods"] = "('thresholds', 'balanced')"
    again = command("pipelines.mitigate", **flags)
    return f"no method that trains was tried; to weigh small groups more: {again}"


def may_train(found: Mapping[str, Any]) -> bool:
    """Whether a method that trains is left to try, as mitigation.json says.

    A student without a teacher, or one that such a method made, is not trained again;
    nor where thresholds keep everything on validation data.
    """
    base, *others = found["tried"] or [{"run": found["base"]}]
    plain = re.fullmatch(r"student-t[\d.]+/seed\d+", found["base"])
    tried = any(row["run"] != base["run"] for row in others)
    return bool(plain) and not tried and found.get("after") is None


def after_litert(workdir: str, run: str) -> str:
    """What a person may do with a converted run: push it where the gate blessed it.

    Args:
      workdir: the study's working directory.
      run: its directory below that.
    """
    policy, blessed = _verdict(workdir, run)
    policy = _found(workdir, policy)
    if blessed:
        return push(workdir, policy, run)
    if _verdict(workdir, f"{run}/mended")[1]:
        mended = command("pipelines.litert", workdir=workdir, run=f"{run}/mended")
        return f"the gate has blessed the mended one: {mended}"
    return command("pipelines.gate", workdir=workdir, policy=policy, run=run)


def _verdict(workdir: str, run: str) -> tuple[str, bool]:
    """The policy that judged a run, and whether it was blessed."""
    path = pathlib.Path(workdir, run, "blessing", "verdict.json")
    try:
        verdict = json.loads(path.read_text(encoding="utf-8"))
        return str(verdict["policy_file"]), verdict["blessed"] is True
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return "POLICY", False  # Nobody has judged it, or not here.


def _found(workdir: str, policy: str) -> str:
    """The path of a policy, which a verdict names without a folder that is far.

    It may lie beside the table of the study.
    """
    places = [pathlib.Path(policy)]
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
        text = pathlib.Path(workdir, "config.json").read_text(encoding="utf-8")
        table = json.loads(text)["config"]["dataset"]["path"]
        places.append(pathlib.Path(table).parent / policy)
    there = [str(place) for place in places if place.is_file()]
    return there[0] if there and there[0].isprintable() else "POLICY"


def _parsed() -> bool:
    return absl_flags.FLAGS.is_parsed() and "module_path" in absl_flags.FLAGS

"""A study's runs as runs of Weights & Biases."""

import hashlib
from collections.abc import Sequence

import wandb

from pipelines.release.logged import Logged


def write(project: str, found: Sequence[Logged]) -> str:
    """Writes as WANDB_MODE and WANDB_DIR say; offline needs no account."""
    for one in found:
        number = hashlib.sha256(one.key.encode()).hexdigest()[:16]
        run = wandb.init(
            project=project, name=one.name, id=number, config=dict(one.params)
        )
        for epoch, values in enumerate(one.curves):
            run.log(dict(values), step=epoch)
        run.summary.update(dict(one.results))
        if one.files:
            artifact = wandb.Artifact(f"{number}-files", type="report")
            for path in one.files:
                artifact.add_file(path)
            run.log_artifact(artifact)
        run.finish()
    return f"project {project}"

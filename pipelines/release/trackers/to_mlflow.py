"""A study's runs as runs of MLflow."""

from collections.abc import Sequence

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

from pipelines.release.logged import Logged


def write(experiment: str, found: Sequence[Logged]) -> str:
    """Writes where MLFLOW_TRACKING_URI says, as all that uses MLflow does."""
    client = MlflowClient()
    known = client.get_experiment_by_name(experiment)
    place = known.experiment_id if known else client.create_experiment(experiment)
    for one in found:
        # Of a key there is one run: MLflow adds to curves and cannot replace them.
        for old in client.search_runs([place], f"tags.kd_keras = '{_quoted(one.key)}'"):
            client.delete_run(old.info.run_id)
        run = client.create_run(place, run_name=one.name)
        number, now = run.info.run_id, run.info.start_time
        points = [
            Metric(name, value, now, epoch)
            for epoch, values in enumerate(one.curves)
            for name, value in values.items()
        ]
        points += [Metric(name, value, now, 0) for name, value in one.results.items()]
        params = [Param(name, str(value)[:500]) for name, value in one.params.items()]
        client.log_batch(number, tags=[RunTag("kd_keras", _quoted(one.key))])
        for first in range(0, len(params), 100):  # The most that a batch may have.
            client.log_batch(number, params=params[first : first + 100])
        for first in range(0, len(points), 1000):
            client.log_batch(number, metrics=points[first : first + 1000])
        for path in one.files:
            client.log_artifact(number, path)
        client.set_terminated(number)
    return client.tracking_uri


def _quoted(key: str) -> str:
    """Without what would end the string of a filter."""
    return key.replace("'", "_").replace("\\", "_")

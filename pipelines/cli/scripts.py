"""The console scripts kd-study, kd-gate, ...: each runs a main as `python -m` does."""

import functools
import runpy


def _run(module: str) -> None:
    # Under this name the main's flags are those of --help, and processes that it
    # starts find it again.
    runpy.run_module(module, run_name="__main__", alter_sys=True)


card = functools.partial(_run, "pipelines.card")
embeddings = functools.partial(_run, "pipelines.embeddings")
evaluate = functools.partial(_run, "pipelines.evaluate")
gate = functools.partial(_run, "pipelines.gate")
language = functools.partial(_run, "pipelines.language")
litert = functools.partial(_run, "pipelines.litert")
mitigate = functools.partial(_run, "pipelines.mitigate")
new = functools.partial(_run, "pipelines.new")
report = functools.partial(_run, "pipelines.report")
select = functools.partial(_run, "pipelines.select")
study = functools.partial(_run, "pipelines.study")
tensorboard = functools.partial(_run, "pipelines.tensorboard")
trainer = functools.partial(_run, "pipelines.trainer")

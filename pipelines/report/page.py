"""The report of a study, from its working directory."""

import dataclasses

from kd_keras.datasets.spec import DatasetSpec
from pipelines.analysis import agreement, mitigation, robustness, verdicts
from pipelines.analysis.published import NOTHING, read_published
from pipelines.analysis.quantization import litert_table
from pipelines.analysis.results import Study, read_study, with_mended
from pipelines.report import sections
from pipelines.report.html import Page
from pipelines.studies import embeddings, mended_run
from pipelines.studies.embeddings import Embeddings


def page(workdir: str, spec: DatasetSpec | None = None, published: str = "") -> Page:
    """The report of a study, which a notebook shows; arguments as in `write_report`."""
    study = read_study(workdir, spec)
    evaluated = agreement.require(workdir, study)
    built = sections.build(
        study,
        read_published(published, study) if published else NOTHING,
        _embeddings(workdir, study),
        litert_table(workdir, _with_all_mended(workdir, study)),
        mitigation.mended(workdir, study),
        verdicts.read(workdir, study),
        robustness.measure(workdir, study),
    )
    missing = len(study.results) - evaluated
    if not missing:
        return built
    told = f"TFMA has not evaluated {missing} of {len(study.results)} runs."
    return dataclasses.replace(built, introduction=[*built.introduction, told])


def _with_all_mended(workdir: str, study: Study) -> Study:
    runs = [result.run for result in study.results]
    for mended in mended_run.complete(workdir, runs):
        study = with_mended(workdir, study, mended.directory)
    return study


def _embeddings(workdir: str, study: Study) -> Embeddings | None:
    """Those of the extractor that the study has now."""
    found = embeddings.read(workdir, study.split)
    if found and embeddings.is_made_from(found, workdir, study.config):
        return found
    return None

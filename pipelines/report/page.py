"""The report of a study, from its working directory."""

import dataclasses

from kd_keras.datasets.spec import DatasetSpec
from pipelines.analysis import agreement
from pipelines.analysis.published import NOTHING, read_published
from pipelines.analysis.quantization import litert_table
from pipelines.analysis.results import Study, read_study
from pipelines.report import sections
from pipelines.report.html import Page
from pipelines.studies import embeddings
from pipelines.studies.embeddings import Embeddings


def page(workdir: str, spec: DatasetSpec | None = None, published: str = "") -> Page:
    """The report of a study, which a notebook shows; arguments as in `write_report`."""
    study = read_study(workdir, spec)
    evaluated = agreement.require(workdir, study)
    built = sections.build(
        study,
        read_published(published, study) if published else NOTHING,
        _embeddings(workdir, study),
        litert_table(workdir, study),
    )
    missing = len(study.results) - evaluated
    if not missing:
        return built
    told = f"TFMA has not evaluated {missing} of {len(study.results)} runs."
    return dataclasses.replace(built, introduction=[*built.introduction, told])


def _embeddings(workdir: str, study: Study) -> Embeddings | None:
    """Those of the extractor that the study has now."""
    found = embeddings.read(workdir, study.split)
    if found and embeddings.is_made_from(found, workdir, study.config):
        return found
    return None

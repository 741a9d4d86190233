"""A study counts the predictions of every run, and of every pair of runs, once."""

import collections

import pytest
from report_workdir import PAIRS, write_pairs

from pipelines.analysis.results import Model, read_study
from pipelines.report.page import page
from pipelines.studies.layout import DS, NDS, TEACHER
from pipelines.studies.predictions import Truth


@pytest.fixture
def calls(monkeypatch):
    """Name of a method of Truth -> number of calls."""
    found = collections.Counter()

    def count(name):
        real = getattr(Truth, name)

        def counted(*arguments):
            found[name] += 1
            return real(*arguments)

        monkeypatch.setattr(Truth, name, counted)

    count("counts")
    count("paired_counts")
    return found


def test_a_report_counts_once(tmp_path, calls):
    page(write_pairs(tmp_path), PAIRS)
    # Teacher, nds and T=4 of two seeds, on test data and on validation data, where T is
    # chosen; nds and T=4 with the teacher, T=4 with nds.
    assert calls == {"counts": 2 * 3 * 2, "paired_counts": 3 * 2}


def test_counts_are_of_the_results_asked_for(tmp_path, calls):
    study = read_study(write_pairs(tmp_path), PAIRS)
    teacher, nds, ds = (
        study.models[model][0]
        for model in (Model.named(TEACHER), Model.named(NDS), Model.named(DS, 4.0))
    )
    # Labels 11001100. Right are teacher 8, nds 6 (examples 2 and 5 are wrong), ds 7.
    right = [study.counts(r, "test").accuracy("side").overall for r in (teacher, nds)]
    assert right == [8 / 8, 6 / 8]
    assert study.counts(ds, "test").accuracy("side").overall == 7 / 8
    # nds 11101000 and ds 11001101 agree on 5 of 8 examples.
    pair = study.pair(nds, ds, "test")
    assert pair.agreement() == 5 / 8
    assert pair.a.accuracy("side").overall == 6 / 8
    assert study.pair(nds, ds, "test") is pair
    assert study.counts(ds, "test") is study.counts(ds, "test")
    assert study.counts(ds, "validation") is not study.counts(ds, "test")
    assert calls == {"counts": 4, "paired_counts": 1}

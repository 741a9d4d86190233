"""docs/results says what its tables say, and shows what its commands draw."""

import numpy as np
import pytest
import scipy.stats

from benchmarks import results_figures, results_together, shortcut
from benchmarks.results_tables import RESULTS, STUDIES, findings, models, read

PAGES = "".join(page.read_text("utf-8") for page in RESULTS.glob("*.md"))


@pytest.mark.parametrize("study", STUDIES)
def test_the_tables_are_those_of_the_study(study):
    for table in (models(study), findings(study)):
        assert table.count("\n") > 4
        assert f"\n\n{table}\n\n" in PAGES


def test_what_the_studies_decide_together(capsys):
    results_together.main()
    table, decided = capsys.readouterr().out.split("\n\n")
    assert f"\n\n{table}\n\n" in PAGES
    assert decided.splitlines() == [
        "11 of 12 claims are decided by a study at least.",
        "Choosing T by validation helps 8 of 9 accuracies; corrected for all of them "
        "(Holm), 6.",
        "Choosing T by validation helps 3 of 19 gaps; corrected for all of them "
        "(Holm), 1.",
    ]


def test_the_p_value_of_a_gain_is_that_of_its_seeds():
    values = [0.01, 0.03, 0.04, 0.02]
    found = scipy.stats.ttest_1samp(values, 0)
    low, high = found.confidence_interval()
    row = {"change": "0.025", "lower": str(low), "upper": str(high), "seeds": "4"}
    assert results_together.p_value(row) == pytest.approx(found.pvalue)


def test_gains_are_corrected_together():
    """By hand: t of one degree of freedom is 12.706; p of the second is .03."""
    times = scipy.stats.t.isf(0.015, 1) / scipy.stats.t.isf(0.025, 1)
    rows = [
        {"change": "1", "lower": str(1 - w), "upper": str(1 + w), "seeds": "2"}
        | {"verdict": "helps" if w < 1 else "not sure"}
        for w in (0.01, 1 / times, 1 / times, 5.0)
    ]
    assert results_together.choice("gaps", rows) == (
        "Choosing T by validation helps 3 of 4 gaps; corrected for all of them "
        "(Holm), 1."
    )


def test_numbers_by_hand(monkeypatch, tmp_path):
    """A table written down here, and what stands in it."""
    (tmp_path / "mine").mkdir()
    files = {
        "summary": "attribute,model,temperature,accuracy_mean,accuracy_sd,dpd_mean,"
        "dpd_sd,eod_mean,eod_sd\nsex,nds,,0.5,0.125,0.25,0.01,,\n"
        "sex,ds,4,0.75,0.0625,0.2,0.02,0.1,0.05\n",
        "calibration": "model,temperature,ece_raw,ece_scaled\nnds,,0.02,0.01\n"
        "ds,4,0.03,0.015\n",
        "findings": "finding,claim,verdict,value,lower,upper,unit,p,detectable\n"
        "1,#TC falls,not decided,0.5,,,rank correlation,0.9,\n"
        "1,#SC rises,not decided,0.5,,,rank correlation,0.9,0.75\n"
        "1,classes go,not decided,,,,%,,\n"
        "2,DPD falls,not decided,-0.5,-1.25,0.25,points,0.25,1.5\n"
        "2,EOD falls,refuted,0.5,0.25,0.75,points,1e-9,0.125\n",
    }
    for name, text in files.items():
        (tmp_path / "mine" / f"{name}.csv").write_text(text)
    monkeypatch.setattr("benchmarks.results_tables.RESULTS", tmp_path)
    assert models("mine").splitlines() == [
        "| model | accuracy % | DPD sex % | EOD sex % | ECE % | scaled |",
        "|---|---|---|---|---|---|",
        "| nds | 50.00 ± 12.50 | 25.00 ± 1.00 | - | 2.00 | 1.00 |",
        "| T = 4 | 75.00 ± 6.25 | 20.00 ± 2.00 | 10.00 ± 5.00 | 3.00 | 1.50 |",
    ]
    assert findings("mine").splitlines()[2:] == [
        "| 1 | #TC falls | not decided | +0.50 (rank) | nothing | 0.9 |",
        "| 1 | #SC rises | not decided | +0.50 (rank) | 0.75 (rank) | 0.9 |",
        "| 1 | classes go | not decided | undefined | - | - |",
        "| 2 | DPD falls | not decided | -0.50 (-1.25 to +0.25) | 1.50 | 0.25 |",
        "| 2 | EOD falls | refuted | +0.50 (+0.25 to +0.75) | - | < 1e-6 |",
    ]


@pytest.mark.parametrize("name", results_figures.FIGURES)
def test_the_figures_are_those_of_the_tables(name):
    assert (RESULTS / f"{name}.svg").read_bytes() == results_figures.drawn(name)
    titles = [title for study, title in STUDIES.items() if read(study, name)]
    figure = results_figures.panels(name, results_figures.FIGURES[name])
    shown = [axis.get_title() for axis in figure.axes if axis.axison]
    assert [title.rpartition(",")[0] for title in shown] == titles


def test_who_reads_the_color_by_hand():
    labels, colors = np.array([0, 0, 1, 2]), np.array([0, 1, 0, 0])
    logits = np.array(
        [
            [3, 1, 2],  # Fits, and is right.
            [3, 2, 1],  # Right, and its color's shape comes next.
            [3, 2, 1],  # Taken for its color's shape.
            [1, 2, 3],  # Right, and another shape comes next.
        ]
    )
    found = shortcut.of_model(labels, colors, logits)
    np.testing.assert_allclose(found, [1, 2 / 3, 1 / 3, 2 / 3])

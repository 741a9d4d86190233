"""Where published numbers cannot be a study's own, it is said."""

from memory_study import PEOPLE, study, truth

from kd_keras.datasets.spec import DatasetSpec
from pipelines.analysis.data_table import DataTable
from pipelines.analysis.measures import Measure
from pipelines.analysis.published import NOTHING, Number, Published
from pipelines.analysis.published_words import notes
from pipelines.analysis.results import Model
from pipelines.studies.layout import NDS, TEACHER, Run


def a_study(dataset):
    spec = DatasetSpec("any", PEOPLE.features, "y", ("no", "yes"), {"side": ("b", "a")})
    config = {"dataset": dataset}
    truths = {"test": truth([0, 1], {"side": [0, 1]})}
    return study(spec, truths, {Run(NDS, 0): {"test": [0, 1]}}, config=config)


def summary(base_rate_gap, eod_chance):
    row = {"attribute": "side", "model": "nds", "base_rate_gap": base_rate_gap}
    return DataTable("summary", "", (), [row | {"eod_chance": eod_chance}])


def published(**means):
    models = (Model.named(TEACHER), Model.named(NDS))
    return Published(
        {
            Measure(metric, "side"): {
                model: Number(mean, 0.0, "")
                for model, mean in zip(models, values, strict=True)
            }
            for metric, values in means.items()
        },
        {},
        {},
    )


def test_sizes_that_differ():
    numbers = published(dpd=(0.03, 0.04))
    made = a_study({"name": "trifeature", "image_size": 48})
    (line,) = notes(made, summary(0.034, 0.1), numbers)
    assert (
        "3,570 test examples there and 2 here; 224 pixels a side there and 48" in line
    )
    assert notes(a_study({"name": "own"}), summary(0.034, 0.1), numbers) == []
    assert notes(made, summary(0.034, 0.1), NOTHING) == []


def test_an_eod_below_that_of_noise():
    made = a_study({"name": "own"})
    (line,) = notes(made, summary(0.0, 0.133), published(eod=(0.0101, 0.0167)))
    assert line.startswith("The published EOD by side, 1.01 to 1.67 %, cannot be")
    assert "13.3 % by noise alone" in line
    assert notes(made, summary(0.0, 0.033), published(eod=(0.0101, 0.0167))) == []
    assert notes(made, summary(0.0, float("nan")), published(eod=(0.01, 0.02))) == []


def test_a_dpd_below_that_of_the_labels():
    made = a_study({"name": "own"})
    (line,) = notes(made, summary(0.61, 0.1), published(dpd=(0.011, 0.0333)))
    assert line.startswith("The published DPD by side, 1.10 to 3.33 %, cannot be")
    assert "labels alone are 61.0 points apart" in line
    assert notes(made, summary(0.06, 0.1), published(dpd=(0.011, 0.0333))) == []

"""Where published numbers cannot be a study's own, it is said."""

import pytest
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


@pytest.mark.parametrize(
    ("dataset", "examples"),
    # Test splits as the data sets' own papers and pages have them.
    [
        ("trifeature", "3,570"),
        ("cifar10", "10,000"),
        ("cifar100", "10,000"),
        ("svhn_cropped", "26,032"),
        ("tiny_imagenet", "10,000"),
        ("imagenet2012", "50,000"),
        ("celeb_a", "19,962"),
        ("hatexplain", "1,924"),
    ],
)
def test_each_data_set_has_its_size(dataset, examples):
    (line,) = notes(a_study({"name": dataset}), summary(0, 0), published(dpd=(1, 1)))
    assert f"{examples} test examples there and 2 here." in line
    assert "pixels" not in line


def test_equal_sizes_are_not_told():
    numbers = published(dpd=(0.03, 0.04))
    made = a_study({"name": "trifeature", "image_size": 224})
    (line,) = notes(made, summary(0.034, 0.1), numbers)
    assert "3,570 test examples there and 2 here. Compare" in line


def test_half_of_noise_or_of_the_labels_may_still_be():
    made = a_study({"name": "own"})
    assert notes(made, summary(0, 0.2), published(eod=(0.05, 0.1))) == []
    assert len(notes(made, summary(0, 0.2), published(eod=(0.05, 0.099)))) == 1
    assert notes(made, summary(0.2, 0), published(dpd=(0.05, 0.1))) == []
    assert len(notes(made, summary(0.2, 0), published(dpd=(0.05, 0.099)))) == 1
    assert notes(made, summary(None, 0), published(dpd=(0.05, 0.099))) == []


def test_rows_of_the_accuracy_or_of_another_attribute_say_nothing():
    made = a_study({"name": "own"})
    accuracy = Measure("accuracy", "")
    numbers = {accuracy: {Model.named(NDS): Number(0.01, 0.0, "")}}
    rows = [{"attribute": "", "base_rate_gap": 0.9, "eod_chance": 0.9}]
    table = DataTable("summary", "", (), rows)
    assert notes(made, table, Published(numbers, {}, {})) == []
    assert notes(made, table, published(dpd=(0.01, 0.02))) == []


def test_the_smallest_noise_of_any_model_is_held_against_an_eod():
    made = a_study({"name": "own"})
    rows = [{"attribute": "side", "eod_chance": chance} for chance in (0.5, None, 0.1)]
    table = DataTable("summary", "", (), rows)
    assert notes(made, table, published(eod=(0.01, 0.06))) == []
    (line,) = notes(made, table, published(eod=(0.01, 0.04)))
    assert "have 10.0 % by noise alone" in line

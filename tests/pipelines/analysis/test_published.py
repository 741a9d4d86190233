"""Published numbers: which rows are those of a study, and in which units."""

import numpy as np
import pytest
from memory_study import PEOPLE, study, truth

from kd_keras.datasets.spec import DatasetSpec
from pipelines.analysis.data_table import DataTable
from pipelines.analysis.measures import Measure
from pipelines.analysis.published import (
    NOTHING,
    Number,
    Published,
    published_table,
    read_published,
)
from pipelines.analysis.results import Model
from pipelines.studies.layout import DS, NDS, TEACHER, Run

T4, T10 = Model.named(DS, 4.0), Model.named(DS, 10.0)
EOD, DPD = Measure("eod", "side"), Measure("dpd", "side")
ACCURACY = Measure("accuracy", "")
GROUP_COLUMNS = (
    "dataset,attribute,model,temperature,accuracy,accuracy_sd,dpd,dpd_sd,eod,eod_sd,"
    "source\n"
)
CLASS_COLUMNS = (
    "dataset,teacher,student,model,temperature,top1_mean,top1_sd,sc,tc,source\n"
)
INDIVIDUAL_COLUMNS = "dataset,model,temperature,individual_fairness,source\n"


def a_study(dataset="pairs", teacher="resnet20", student="lenet5", groups=None):
    spec = DatasetSpec(
        dataset, PEOPLE.features, "y", ("no", "yes"), groups or {"side": ("b", "a")}
    )
    codes = {name: [0, 1] for name in spec.groups}
    config = {
        "dataset": {"name": dataset},
        "teacher": {"model": teacher},
        "student": {"model": student},
    }
    answers = {Run(NDS, 0): {"test": [0, 1]}}
    return study(spec, {"test": truth([0, 1], codes)}, answers, config=config)


def test_rows_of_groups(tmp_path):
    (tmp_path / "group_fairness.csv").write_text(
        GROUP_COLUMNS
        + "Pairs,Side,ds,4,90,0.5,3,0.2,4.3,0.1,table2\n"
        + "pairs,side,ds,10,80,,,,2.9,,figure\n"
        + "pairs,other,ds,4,70,1,1,1,1,1,later\n"
        + "pairs,other,nds,,60,2,1,1,1,1,later\n"
        + "pairs,side,base,,1,1,1,1,1,1,a model not known\n"
        + "elsewhere,side,nds,,1,1,1,1,1,1,another data set\n"
    )
    found = read_published(str(tmp_path), a_study())
    eod = found.measures[EOD]
    assert set(eod) == {T4, T10}
    assert eod[T4] == Number(pytest.approx(0.043), pytest.approx(0.001), "table2")
    assert np.isnan(eod[T10].sd)
    assert found.measures[DPD] == {
        T4: Number(pytest.approx(0.03), pytest.approx(0.002), "table2")
    }
    # The accuracy stands beside each attribute; the first row counts.
    accuracy = found.measures[ACCURACY]
    assert {m.title: n.mean for m, n in accuracy.items()} == pytest.approx(
        {"T=4": 0.9, "T=10": 0.8, "nds": 0.6}
    )
    assert accuracy[T4].source == "table2"
    assert found.curve(EOD) == pytest.approx({4.0: 0.043, 10.0: 0.029})
    assert found.curve(ACCURACY) == pytest.approx({4.0: 0.9, 10.0: 0.8})
    assert found.curve(Measure("eod", "age")) == {}
    assert (found.class_bias, found.individual) == ({}, {})


def test_rows_of_classes_and_of_individuals(tmp_path):
    (tmp_path / "class_bias.csv").write_text(
        CLASS_COLUMNS
        + "pairs,ResNet-20,LeNet-5,ds,4,80,1.5,5,15,table1\n"
        + "pairs,ResNet-20,LeNet-5,nds,,70,1,,,table1\n"
        + "pairs,ResNet-20,ResNet-18,ds,10,70,1,6,16,another student\n"
        + "pairs,ResNet-56,LeNet-5,ds,10,70,1,6,16,another teacher\n"
    )
    (tmp_path / "individual_fairness.csv").write_text(
        INDIVIDUAL_COLUMNS + "pairs,teacher,,0.5,table4\npairs,ds,4,0.0906,table4\n"
    )
    found = read_published(str(tmp_path), a_study())
    assert found.class_bias == {T4: (5, 15)}
    assert found.measures == {
        ACCURACY: {
            T4: Number(pytest.approx(0.8), pytest.approx(0.015), "table1"),
            Model.named(NDS): Number(pytest.approx(0.7), pytest.approx(0.01), "table1"),
        }
    }
    assert {m.title: n.mean for m, n in found.individual.items()} == {
        "teacher": 0.5, "T=4": 0.0906,
    }  # fmt: skip
    assert np.isnan(found.individual[T4].sd)
    assert found.individual[T4].source == "table4"


@pytest.mark.parametrize(
    ("dataset", "teacher", "student", "there"),
    [
        ("celeb_a", "resnet50", "resnet18", True),
        ("celeb_a", "resnet56", "resnet18", False),
        ("trifeature", "resnet20", "lenet5", True),
        ("trifeature", "resnet20", "resnet20", False),
        ("hatexplain", "bert", "distilbert", True),
        ("elsewhere", "bert", "distilbert", False),
    ],
)
def test_rows_that_name_no_pair_are_of_the_published_one(
    tmp_path, dataset, teacher, student, there
):
    rows = [f"{name},ds,4,0.1,x\n" for name in ("CelebA", "Trifeature", "HateXplain")]
    path = tmp_path / "individual_fairness.csv"
    path.write_text(INDIVIDUAL_COLUMNS + "".join(rows))
    found = read_published(str(tmp_path), a_study(dataset, teacher, student))
    assert (T4 in found.individual) == there


@pytest.mark.parametrize(
    ("here", "there"),
    [
        (("imagenet2012", "vit_b16", "tinyvit_5m"), "ImageNet,ViT-Base,TinyViT"),
        (("svhn_cropped", "resnet56", "resnet20"), "SVHN,ResNet-56,ResNet-20"),
    ],
)
def test_names_of_the_papers(tmp_path, here, there):
    path = tmp_path / "class_bias.csv"
    path.write_text(CLASS_COLUMNS + f"{there},ds,4,80,1,5,15,table1\n")
    assert read_published(str(tmp_path), a_study(*here)).class_bias == {T4: (5, 15)}


def test_files_that_are_not_there_or_lack_a_column_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"individual_fairness\.csv; it has none of"):
        read_published(str(tmp_path), a_study())
    path = tmp_path / "class_bias.csv"
    path.write_text(CLASS_COLUMNS.replace("sc,", ""))
    with pytest.raises(ValueError, match=r"lacks the columns \['sc'\]"):
        read_published(str(tmp_path), a_study())
    path.write_text("")
    with pytest.raises(ValueError, match="lacks the columns"):
        read_published(str(tmp_path), a_study())
    path.write_text(CLASS_COLUMNS)
    assert read_published(str(tmp_path), a_study()) == NOTHING


def summary_row(attribute, model, **values):
    return {"attribute": attribute, "model": model.name,
            "temperature": model.temperature, **values}  # fmt: skip


SUMMARY = DataTable(
    "summary",
    "",
    (),
    [
        summary_row("side", T4, accuracy_mean=0.5, accuracy_sd=0.1, eod_mean=0.25,
                    eod_sd=0.05),
        summary_row("side", T10, accuracy_mean=0.6, accuracy_sd=0.2, eod_mean=0.35,
                    eod_sd=0.15),
        summary_row("age", T4, accuracy_mean=0.9, accuracy_sd=0.9, eod_mean=0.45,
                    eod_sd=0.55),
    ],
)  # fmt: skip


def test_own_and_published_numbers_side_by_side():
    measures = {
        ACCURACY: {T4: Number(0.4, 0.01, "t1")},
        Measure("eod", "age"): {
            T4: Number(0.5, float("nan"), "t2"),
            Model.named(TEACHER): Number(0.1, 0.1, "t2"),
        },
    }
    assert published_table(SUMMARY, Published(measures, {}, {})).csv() == (
        "attribute,metric,model,temperature,own,own_sd,published,published_sd,"
        "difference,source\n"
        ",accuracy,ds,4,0.500000,0.100000,0.400000,0.010000,0.100000,t1\n"
        "age,eod,ds,4,0.450000,0.550000,0.500000,,-0.050000,t2\n"
    )


def test_nothing_published_is_no_table():
    assert published_table(SUMMARY, NOTHING) is None
    measures = {EOD: {Model.named(TEACHER): Number(0.1, 0.1, "t2")}}
    assert published_table(SUMMARY, Published(measures, {}, {})) is None


def test_means_of_every_data_set_and_attribute(tmp_path):
    (tmp_path / "group_fairness.csv").write_text(
        GROUP_COLUMNS
        + "celeba,male,ds,4,90,,3,,,,t\n"
        + "celeba,male,nds,,90,,5,,7,,t\n"
        + "celeba,young,ds,4,90,,4,,,,t\n"
        + "pairs,male,ds,4,90,,2,,,,t\n"
        + "pairs,male,base,,90,,9,,9,,a model not known\n"
    )
    (tmp_path / "individual_fairness.csv").write_text(
        INDIVIDUAL_COLUMNS + "pairs,ds,4,0.5,t\ncifar10,nds,,0.25,t\n"
    )
    nds = Model.named(NDS)
    found = read_published(str(tmp_path), a_study()).everywhere
    # Percent become shares; individual fairness has no unit.
    assert found == {
        "dpd": [{T4: 0.03, nds: 0.05}, {T4: 0.04}, {T4: 0.02}],
        "eod": [{nds: 0.07}],
        "individual_fairness": [{T4: 0.5}, {nds: 0.25}],
    }


def test_references_and_curves_are_of_their_models():
    numbers = {
        model: Number(mean, 0.0, "")
        for model, mean in (
            (Model.named(TEACHER), 0.1),
            (T4, 0.2),
            (Model.named(NDS), 0.3),
        )
    }
    found = Published({EOD: numbers}, {}, {})
    assert found.references(EOD) == {"teacher": 0.1, "nds": 0.3}
    assert found.curve(EOD) == {4.0: 0.2}
    assert found.references(DPD) == found.curve(DPD) == {}
    assert found.everywhere == {}


def test_the_accuracy_is_that_of_the_first_attribute():
    rows = [
        summary_row("side", T4, accuracy_mean=0.5, accuracy_sd=0.1),
        summary_row("age", T4, accuracy_mean=0.9, accuracy_sd=0.9),
    ]
    measures = {ACCURACY: {T4: Number(0.4, 0.01, "t1")}}
    found = published_table(
        DataTable("summary", "", (), rows), Published(measures, {}, {})
    )
    assert [row["own"] for row in found.rows] == [0.5]

"""What a person reads of a conversion."""

from pipelines.analysis.data_table import DataTable
from pipelines.analysis.quantization_words import told
from pipelines.studies.layout import DS, Run

NAN = float("nan")
RUN = Run(DS, 1, 4.0)


def row(name, attribute="sex", accuracy=(0.8, 0.0, 0.0, 0.0), eod=(0.0,) * 3, **other):
    value, *change = accuracy
    names = ("change", "low", "high")
    return {
        **{"model": "ds", "temperature": 4.0, "seed": 1, "format": name},
        **{"bytes": 12_340, "milliseconds": 0.01234, "attribute": attribute},
        **{"accuracy": value, "dpd_change": NAN, "dpd_low": NAN, "dpd_high": NAN},
        **{f"accuracy_{n}": v for n, v in zip(names, change, strict=True)},
        **{f"eod_{n}": v for n, v in zip(names, eod, strict=True)},
        **other,
    }


def lines(*rows):
    return told([DataTable("litert", "", [], rows)], RUN).split("\n")


def test_the_widest_change_of_a_gap_and_whom_it_is_about():
    found = lines(
        row("float32", eod=(-0.0001, -0.01, 0.01)),
        row("int8", "sex", (0.7, -0.1, -0.15, 0.05), (0.02, -0.01, 0.03)),
        row("int8", "age", (0.7, -0.1, -0.15, 0.05), (-0.04, -0.08, -0.01)),
    )
    # 12,340 bytes are 12.3 KB; an age gap that narrows by 4 is no harm.
    assert found == [
        "format               KB  ms each  accuracy %  change   widest change of a gap",
        "float32            12.3    0.012        80.0     0.0   0.0, EOD by sex",
        "int8               12.3    0.012        70.0   -10.0   -4.0, EOD by age",
        "no format surely changes the accuracy, or widens a gap",
    ]
    assert max(map(len, found)) <= 78


def test_an_attribute_is_in_its_line():
    found = lines(row("int8", "a\n::error::x", eod=(0.12, 0.03, 0.2)))
    assert len(found) == 3
    assert found[1].endswith("+12.0, EOD by a\\n::error::x")


def test_what_changes_surely_is_said():
    found = lines(
        row("float16", accuracy=(0.9, 0.1, 0.05, 0.15)),
        row("int8", accuracy=(0.7, -0.1, -0.15, -0.05), eod=(0.12, 0.03, 0.2)),
    )
    assert found[3:] == [
        "float16 surely changes the accuracy by +10.0 points (+5.0 to +15.0)",
        "int8 surely changes the accuracy by -10.0 points (-15.0 to -5.0)",
        "int8 surely widens EOD by sex by +12.0 points (+3.0 to +20.0)",
    ]


def test_a_study_without_groups_and_other_runs():
    alone = row("float32") | {"seed": 2}
    mended = row("float32", model="ds mended")
    balanced = row("float32", method="balanced")
    plain = row("float32")
    for gap in ("dpd", "eod"):
        for end in ("change", "low", "high"):
            del plain[f"{gap}_{end}"]
    assert lines(alone, mended, balanced, plain) == [
        "format               KB  ms each  accuracy %  change   widest change of a gap",
        "float32            12.3    0.012        80.0     0.0   -",
        "no format surely changes the accuracy, or widens a gap",
    ]

"""What a person reads while a study is made."""

from pipelines.studies.layout import DS, NDS, TEACHER, Run
from pipelines.studies.progress import StudyProgress


def test_the_last_run_has_no_time_left(capsys):
    runs = [Run(TEACHER, 0), Run(NDS, 0), Run(DS, 0, 1.0), Run(DS, 1, 1.0)]
    progress = StudyProgress(runs, runs)
    progress.finished(runs[0], 60, 0.9, runs[1:])
    progress.finished(runs[1], 30, 0.8, runs[2:])
    # Two students as long as the longest run, at the same time.
    progress.finished(runs[2], 90, 0.75, runs[3:], at_a_time=2)
    progress.finished(runs[3], 4, 0.5, [])
    progress.close()
    # Three runs of 60 s at most; two as long as the teacher, whose model is known.
    assert capsys.readouterr().out.splitlines() == [
        "[1/4] teacher seed 0: val_accuracy 0.900, 60 s, under 3.0 min of training "
        "left",
        "[2/4] student nds seed 0: val_accuracy 0.800, 30 s, under 2.0 min of training "
        "left",
        "[3/4] student T=1 seed 0: val_accuracy 0.750, 90 s, 1.5 min of training left",
        "[4/4] student T=1 seed 1: val_accuracy 0.500, 4 s",
    ]


def test_runs_that_are_there_already_are_counted(capsys):
    runs = [Run(TEACHER, 0), Run(NDS, 0)]
    progress = StudyProgress(runs, runs[1:])
    progress.finished(runs[1], 1, 0.5, [])
    progress.close()
    assert capsys.readouterr().out.splitlines() == [
        "1 of 2 runs are already there",
        "[2/2] student nds seed 0: val_accuracy 0.500, 1 s",
    ]

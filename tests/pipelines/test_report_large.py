"""Reports of a thousand classes, and of a hundred groups: small, and readable."""

import pathlib
import shutil

import pytest
import tensorflow as tf
from report_workdir import write_workdir

from kd_keras.datasets.spec import DatasetSpec
from pipelines.report.write import write_report

pytestmark = pytest.mark.slow
CHROMIUM = shutil.which("chromium")
IMAGE = {"image": tf.TensorSpec((8, 8, 3), tf.uint8)}
CLASSES = DatasetSpec(
    name="thousand",
    features=IMAGE,
    label="thing",
    class_names=tuple(f"thing {i:03d}, with a long name" for i in range(1000)),
    groups={},
)
GROUPS = DatasetSpec(
    name="hundred",
    features=IMAGE,
    label="y",
    class_names=("no", "yes"),
    groups={"place": tuple(f"place {i:02d}" for i in range(100))},
)


@pytest.fixture(scope="module", params=[CLASSES, GROUPS], ids=lambda spec: spec.name)
def report(request, tmp_path_factory) -> tuple[DatasetSpec, pathlib.Path]:
    spec = request.param
    # 20 examples of each class or group; fewer than 10 would not be compared.
    examples = 20 * max(len(spec.class_names), *map(len, spec.groups.values()), 100)
    workdir = write_workdir(
        tmp_path_factory.mktemp("large"), spec, temperatures=[4], examples=examples
    )
    return spec, pathlib.Path(write_report(workdir, spec)[-1])


def test_the_page_is_small_and_its_files_are_whole(report):
    spec, path = report
    assert path.stat().st_size < 1_500_000
    losses = (path.parent / "tables/group_losses.csv").read_text().splitlines()
    # Every class or group of two students; of two classes in three rates.
    compared = 2 * (3 * 100 if spec.groups else 1000)
    assert 0.9 * compared < len(losses) - 1 <= compared


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_the_page_opens_and_can_be_read(report):
    from playwright.sync_api import sync_playwright

    _, path = report
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"]
        )
        page = chromium.new_page(viewport={"width": 390, "height": 800})
        problems = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(path.as_uri())
        # Forty rows in the picture; the page says that there are more.
        assert page.locator("#dots li").count() == 40
        assert "more groups are in the table" in page.locator("#dots-note").inner_text()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        for folded in page.locator("details").all():
            folded.evaluate("node => { node.open = true; }")
        rows = page.locator("#table-group_losses tbody tr").count()
        assert rows == 300
        told = page.locator("#caption-group_losses").inner_text()
        assert "the first 300 of its" in told
        chromium.close()
    assert problems == []

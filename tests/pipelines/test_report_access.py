"""The report for everyone: axe in Chromium, by keyboard, colour-blind, printed."""

import pathlib
import re

import numpy as np
import pytest
from report_workdir import SHAPES, write_workdir

from pipelines.report.write import write_report

ROOT = pathlib.Path(__file__).resolve().parents[2]
AXE = ROOT / ".venv/node_modules/axe-core/axe.min.js"
pytestmark = pytest.mark.browser

# What colour-blind people see of linear RGB: Machado, Oliveira & Fernandes (2009), A
# Physiologically-based Model for Simulation of Color Vision Deficiency, table 1,
# severity 1.0.
SEEN = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


@pytest.fixture(scope="module")
def workdir(tmp_path_factory) -> str:
    path = write_workdir(tmp_path_factory.mktemp("report"), SHAPES)
    write_report(path, SHAPES)
    return path


@pytest.fixture
def page(browser, workdir):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"file://{workdir}/report.html")
    yield page
    page.close()


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: make axe")
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_axe_finds_nothing(browser, workdir, scheme, width):
    page = browser.new_page(
        viewport={"width": width, "height": 900}, color_scheme=scheme
    )
    # Before the page's own policy, which lets no other script in.
    page.add_init_script(path=AXE)
    page.goto(f"file://{workdir}/report.html")
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    found = page.evaluate("axe.run({resultTypes: ['violations', 'incomplete']})")
    page.close()
    assert {v["id"]: v["nodes"][0]["html"] for v in found["violations"]} == {}
    # Contrast over gradients and in SVG axe cannot tell; test_report_browser.py does.
    assert {v["id"] for v in found["incomplete"]} <= {"color-contrast"}
    assert len(found["passes"]) > 30


def test_all_controls_are_reached_and_used_by_keyboard(page):
    reached, outlined = [], []
    for _ in range(14):
        page.keyboard.press("Tab")
        name, outline = page.evaluate(
            """() => { const node = document.activeElement;
              return [node.name || node.textContent.trim(),
                getComputedStyle(node).outlineStyle]; }"""
        )
        reached.append(name)
        outlined.append(outline)
    order = ["Skip to the results", "attribute", "model", "measure", "limit"]
    assert [name for name in reached if name in order] == order
    assert "Which groups" in reached
    assert "none" not in outlined
    # A choice by keyboard draws the picture anew.
    page.locator("#controls [name=model]").focus()
    page.keyboard.press("Home")
    assert "teacher to nds:" in page.locator("#dots-title").text_content()


def test_a_point_of_the_frontier_says_its_numbers(page, workdir):
    mark = page.locator(".frontier .mark.teacher").first
    said = page.locator(".frontier .said").first
    assert said.text_content() == ""
    mark.focus()
    assert said.text_content() == mark.get_attribute("aria-label")
    assert mark.locator("title").text_content() == said.text_content()
    page.locator(".frontier .mark.nds .target").first.hover()
    assert said.text_content().startswith("nds: error ")
    folded = page.locator("details", has=page.locator("#table-frontier"))
    folded.locator("summary").click()
    row = page.locator("#table-frontier tbody tr").first
    values = row.locator("td.number").evaluate_all(
        "all => all.map(td => Number(td.dataset.value) * 100)"
    )
    numbers = [
        float(x) for x in re.findall(r"\d+\.\d", mark.get_attribute("aria-label"))
    ]
    # T of the teacher is empty; error and gap follow, each with its ends.
    assert numbers == pytest.approx(values[-6:], abs=0.0501)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_differ_for_the_colour_blind(page, scheme):
    page.emulate_media(color_scheme=scheme)
    names = ("--worse", "--better", "--quiet")
    worse, better, quiet = (
        page.evaluate(
            "name => getComputedStyle(document.documentElement).getPropertyValue(name)",
            name,
        )
        for name in names
    )
    for matrix in SEEN.values():
        of = [_lab(np.array(matrix) @ _linear(c)) for c in (worse, better, quiet)]
        # CIE 1976: two colours are just told apart at 2.3.
        assert np.linalg.norm(of[0] - of[1]) > 40
        assert np.linalg.norm(of[0] - of[2]) > 40
    # Teacher and student differ in shape, states in words.
    row = page.locator("#dots li").first
    assert row.locator("rect.teacher").count() == row.locator("circle.student").count()
    words = page.locator("#dots li .change").all_text_contents()
    assert all(re.search("surely (worse|better)|not sure", text) for text in words)


def _linear(colour: str) -> np.ndarray:
    value = np.array([int(colour.strip()[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def _lab(linear: np.ndarray) -> np.ndarray:
    """CIE 1976 L*a*b* of linear sRGB, white D65."""
    to_xyz = [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
    xyz = np.array(to_xyz) @ np.clip(linear, 0, 1) / np.array([0.95047, 1, 1.08883])
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_no_heading_is_left_alone_at_the_end_of_a_printed_page(page):
    pdfium = pytest.importorskip("pypdfium2", reason="pypdfium2 is not installed")
    headings = page.locator("main h2").all_text_contents()
    document = pdfium.PdfDocument(page.pdf(format="A4"))
    texts = [
        " ".join(document[i].get_textpage().get_text_bounded().split())
        for i in range(len(document))
    ]
    for heading in (" ".join(h.split()) for h in headings):
        after = [text.partition(heading)[2] for text in texts if heading in text]
        # On one of the pages that name it, a sentence at least follows.
        assert max(map(len, after)) > 60, heading


def test_a_table_of_several_printed_pages_has_its_header_on_each(page):
    pdfium = pytest.importorskip("pypdfium2", reason="pypdfium2 is not installed")
    page.locator("details", has=page.locator("#table-group_losses")).evaluate(
        "node => { node.open = true; }"
    )
    document = pdfium.PdfDocument(page.pdf(format="A4"))
    texts = [
        " ".join(document[i].get_textpage().get_text_bounded().split())
        for i in range(len(document))
    ]
    assert sum("seeds that lose" in text for text in texts) > 1


def test_printed_words_are_not_broken(page):
    # A4 within Chromium's margins of a centimetre.
    page.set_viewport_size({"width": 718, "height": 1000})
    page.emulate_media(media="print")
    widths = page.locator("#table-findings td.words").evaluate_all(
        "all => all.map(td => td.getBoundingClientRect().width)"
    )
    assert min(widths) >= 120
    assert page.evaluate("document.documentElement.scrollWidth") <= 718

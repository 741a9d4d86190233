"""The report in a real headless Chromium: offline, escaped, sortable, readable."""

import csv
import pathlib
from urllib.parse import unquote

import numpy as np
import pytest
from report_workdir import (
    HOSTILE_CLASS,
    HOSTILE_GROUP,
    SHAPES,
    write_embeddings,
    write_workdir,
)

from pipelines.report.write import write_report

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def workdir(tmp_path_factory) -> str:
    path = write_workdir(tmp_path_factory.mktemp("report"), SHAPES)
    write_embeddings(path, np.random.default_rng(0).random((600, 4)))
    printed = tmp_path_factory.mktemp("printed")
    (printed / "individual_fairness.csv").write_text(
        "dataset,model,temperature,individual_fairness,source\n"
        "shapes,ds,4,0.0387,table4\n"
    )
    write_report(path, SHAPES, str(printed))
    return path


@pytest.fixture
def page(browser, workdir):
    """The report; nothing may be reported on the console or asked of a network."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.problems, page.requested = [], []
    page.on("console", lambda message: page.problems.append(message.text))
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("request", lambda request: page.requested.append(request.url))
    page.goto(f"file://{workdir}/report.html")
    yield page
    page.close()


def read_csv(workdir: str, name: str) -> list[list[str]]:
    with open(f"{workdir}/tables/{name}.csv", encoding="utf-8", newline="") as file:
        return list(csv.reader(file))[1:]


def test_page_is_quiet_and_asks_for_nothing_else(page, workdir):
    assert page.problems == []
    requested = [url for url in page.requested if not url.startswith("data:")]
    assert requested == [f"file://{workdir}/report.html"]
    assert pathlib.Path(workdir, "report.html").stat().st_size < 1_500_000


def test_every_table_holds_the_values_of_its_csv(page, workdir):
    shown = page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll("table")].map(
          table => [table.id.slice("table-".length), [...table.tBodies[0].rows].map(
            row => [...row.cells].map(c => c.dataset.value ?? c.textContent))]))"""
    )
    files = sorted(path.stem for path in pathlib.Path(workdir, "tables").glob("*.csv"))
    assert sorted(shown) == files
    for name in files:
        expected = read_csv(workdir, name)
        cells = [[cell if cell != "-" else "" for cell in row] for row in shown[name]]
        # Groups are shown by their worst model, and kept by name.
        if name in ("groups", "transfer"):
            cells, expected = sorted(cells), sorted(expected)
        assert cells == expected[: len(cells)]


def test_percentages_are_the_csv_times_100(page, workdir):
    cells = page.locator("#table-summary tbody tr").first.locator("td").all()
    teacher = read_csv(workdir, "summary")[0]
    accuracy = next(c for c in cells if c.get_attribute("data-value") == teacher[4])
    assert accuracy.text_content() == f"{100 * float(teacher[4]):.2f}"


def test_names_with_markup_are_shown_and_not_run(page):
    assert page.title() == "Whom the student fails: shapes_study"
    assert page.locator("img").count() == 0
    assert page.locator("script:not([type])").count() == 1
    text = page.locator("body").evaluate("body => body.textContent")
    assert HOSTILE_CLASS in text
    assert HOSTILE_GROUP in text
    assert "$x^2$" in text


def pick(page, **names: str) -> None:
    for what, name in names.items():
        page.locator(f"#controls [name={what}]").select_option(label=name)


def test_the_picture_follows_the_selectors(page, workdir):
    pick(page, attribute="texture", model="T=10", measure="accuracy")
    title = page.locator("#dots-title").text_content()
    order = "the sure ones first, each the worst first"
    assert title == f"Accuracy by texture, teacher to T=10: {order}."
    columns = ("attribute", "model", "temperature", "measure")
    with open(f"{workdir}/tables/group_losses.csv", encoding="utf-8") as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if [row[c] for c in columns] == ["texture", "ds", "10", "accuracy"]
        ]
    shown = page.locator("#dots li .values").all_text_contents()
    assert shown == [
        f"{100 * float(row['teacher']):.1f} → {100 * float(row['student']):.1f} %"
        for row in rows
    ]
    names = page.locator("#dots li .name").all_text_contents()
    assert [name.split()[0] for name in names] == [row["group"] for row in rows]


def test_the_first_picture_is_the_same_without_the_script(browser, workdir):
    context = browser.new_context(java_script_enabled=False)
    still = context.new_page()
    still.goto(f"file://{workdir}/report.html")
    assert not still.locator("#controls").is_visible()
    rows = still.locator("#dots li").evaluate_all("all => all.map(li => li.innerText)")
    places = "all => all.map(c => c.getAttribute('cx'))"
    circles = still.locator("#dots li circle").evaluate_all(places)
    context.close()
    drawn = browser.new_page()
    drawn.goto(f"file://{workdir}/report.html")
    # Without a floor that anyone is below.
    drawn.locator("#controls [name=limit]").fill("0")
    assert len(rows) >= 2
    assert (
        drawn.locator("#dots li").evaluate_all("all => all.map(li => li.innerText)")
        == rows
    )
    assert drawn.locator("#dots li circle").evaluate_all(places) == circles
    drawn.close()


def test_the_floor_names_groups_and_models_below_it(page):
    slider = page.locator("#controls [name=limit]")
    slider.focus()
    page.keyboard.press("End")
    assert page.locator("#controls output").text_content() == "100 %"
    groups = page.locator("#dots li").count()
    # No model, and no teacher, has all answers right in any group.
    assert page.locator("#dots .below").count() == groups
    told = page.locator("#limit p").text_content()
    assert f"are below 100 %: teacher: {groups}, nds: {groups}," in told
    page.keyboard.press("Home")
    assert page.locator("#dots .below").count() == 0
    assert "teacher: 0, nds: 0," in page.locator("#limit p").text_content()


def test_a_rate_beside_the_floor_does_not_look_like_it(page):
    found = page.evaluate("[79.97, 80, 79.9, 80.004].map((rate) => beside(rate, 80))")
    assert found == ["79.97", "80.0", "79.9", "80.004"]


def test_of_wrong_answers_few_are_asked_until_somebody_asks_for_more(page):
    drawn = """(isAsked) => {
      const form = document.getElementById("controls");
      const data = JSON.parse(document.getElementById("dots-data").textContent);
      data.dots = [];
      data.ofWrong = data.ofWrong.map(() => true);
      draw(data, form, isAsked);
      return form.elements["limit-value"].value;
    }"""
    assert page.locator("#controls output").text_content() == "80 %"
    assert page.evaluate(drawn, False) == "20 %"
    page.locator("#controls [name=limit]").fill("30")
    assert page.evaluate(drawn, True) == "30 %"


@pytest.mark.parametrize("name", ["group_losses", "summary"])
def test_csv_comes_out_of_the_page_itself(page, workdir, name):
    for folded in page.locator("details", has=page.locator(f"#table-{name}")).all():
        folded.locator("summary").first.click()
    with page.expect_download() as download:
        page.get_by_label(f"Download CSV: {name}").click()
    assert download.value.suggested_filename == f"{name}.csv"
    written = pathlib.Path(workdir, "tables", f"{name}.csv").read_bytes()
    assert pathlib.Path(download.value.path()).read_bytes() == written


def test_the_next_command_names_the_directory(page, workdir):
    command = page.locator(".cards code").text_content()
    assert f"--workdir={workdir} \\\n" in command


def test_text_is_not_too_small(page):
    """In figures, too, whose size follows the window's."""
    for width in (390, 1400):
        page.set_viewport_size({"width": width, "height": 900})
        smallest = page.evaluate(
            """() => Math.min(...[...document.querySelectorAll("body *")]
              .filter(node => [...node.childNodes].some(
                child => child.nodeType === 3 && child.textContent.trim()))
              .filter(node => node.checkVisibility())
              .map(node => parseFloat(getComputedStyle(node).fontSize)
                * (node.getScreenCTM ? Math.hypot(
                  node.getScreenCTM().a, node.getScreenCTM().b) : 1)))"""
        )
        assert smallest >= 10.99


def test_headers_sort_by_mouse_and_keyboard(page):
    header = page.locator("#table-summary thead th", has_text="DPD").first
    column = header.evaluate("header => header.cellIndex")

    def values():
        return page.locator("#table-summary tbody").evaluate(
            "(body, i) => [...body.rows].map(r => Number(r.cells[i].dataset.value))",
            column,
        )

    header.locator("[role=button]").click()
    assert header.get_attribute("aria-sort") == "ascending"
    assert values() == sorted(values())
    header.locator("[role=button]").focus()
    page.keyboard.press("Enter")
    assert header.get_attribute("aria-sort") == "descending"
    assert values() == sorted(values(), reverse=True)


def test_filter_keeps_rows_with_all_words(page):
    page.locator("details", has=page.locator("#table-runs")).locator("summary").click()
    field = page.locator("details", has=page.locator("#table-runs")).get_by_role(
        "searchbox"
    )
    field.fill("teacher dpd")
    rows = page.locator("#table-runs tbody tr:visible").all_text_contents()
    assert len(rows) == 4  # Two seeds, two attributes.
    assert all("teacher" in row and "dpd" in row for row in rows)


@pytest.mark.parametrize("width", [360, 768, 1920])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_fits_the_window(page, width, scheme):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_print_cuts_no_table(page):
    # A4 at 96 dots an inch, without margins.
    page.set_viewport_size({"width": 794, "height": 1123})
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("document.documentElement.scrollWidth") <= 794
    body = page.locator("body").evaluate(
        "b => [getComputedStyle(b).backgroundColor, getComputedStyle(b).color]"
    )
    assert body == ["rgb(255, 255, 255)", "rgb(0, 0, 0)"]


def test_every_link_leads_to_a_file_or_a_heading(page, workdir):
    targets = page.locator("a").evaluate_all("all => all.map(a => a.href)")
    root = f"file://{workdir}/"
    assert {target.rpartition(".")[2] for target in targets} >= {"csv", "svg", "png"}
    for target in targets:
        assert target.startswith(root)
        name, _, anchor = unquote(target.removeprefix(root)).partition("#")
        assert pathlib.Path(workdir, name).is_file()
        assert not anchor or page.locator(f"[id='{anchor}']").count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_links_have_enough_contrast(page, scheme):
    page.emulate_media(color_scheme=scheme)
    ratios = page.evaluate(
        """() => {
          const linear = c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
          const light = rgb => rgb.match(/[\\d.]+/g).slice(0, 3).map(
            (c, i) => [0.2126, 0.7152, 0.0722][i] * linear(c / 255))
            .reduce((a, b) => a + b);
          const paper = light(getComputedStyle(document.body).backgroundColor);
          return ["p", "a", "caption", "figcaption", "summary", "th [role=button]",
            "svg text"]
            .map(selector => {
              const style = getComputedStyle(document.querySelector(selector));
              const ink = light(selector.startsWith("svg") ? style.fill : style.color);
              const [low, high] = [ink, paper].sort((a, b) => a - b);
              return (high + 0.05) / (low + 0.05);
            });
        }"""
    )
    # WCAG 2.2, 1.4.3: at least 4.5 for text.
    assert min(ratios) >= 4.5


def test_page_is_structured_for_screen_readers(page):
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.locator("h1").count() == 1
    for figure in page.locator("[role=img]").all():
        assert figure.evaluate(
            "node => (node.getAttribute('aria-label') ?? document.getElementById("
            "node.getAttribute('aria-labelledby')).textContent).trim().length > 20"
        )
    assert page.locator("th:not([scope])").count() == 0
    assert page.locator("table:not(:has(caption))").count() == 0
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(node => node.id)")
    assert len(ids) == len(set(ids))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the results"

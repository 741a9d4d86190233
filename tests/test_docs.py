"""README and docs/: blocks run, commands could be given, links lead somewhere."""

import contextlib
import functools
import html.parser
import http.server
import pathlib
import re
import shutil
import subprocess
import sys
import textwrap
import threading
import urllib.parse

import docs_commands
import pytest
import yaml
from docs_fixtures import fixtures

ROOT = docs_commands.ROOT
PAGES = sorted(
    str(path.relative_to(ROOT))
    for path in (ROOT / "README.md", ROOT / "CHANGELOG.md", *ROOT.glob("docs/**/*.md"))
)


def python_blocks(page: str) -> list[tuple[int, str]]:
    """(first line, source) of each Python block of a page, or of docstrings."""
    text = (ROOT / page).read_text()
    return [
        (text[: match.start()].count("\n") + 2, textwrap.dedent(match[2]))
        for match in re.finditer(r"^( *)```python\n(.*?)^\1```", text, re.M | re.S)
    ]


MODULES = [
    str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("kd_keras/**/*.py"))
]


# Clusters of Slurm and Kubernetes are not at hand. TFX's page is run with TFX, in
# tests/pipelines/in_tfx.
NOT_RUN = ("docs/scale.md", "docs/tfx.md")
# test_examples.py runs the script that README shows.
WITH_PYTHON = [p for p in PAGES + MODULES if p != "README.md" and python_blocks(p)]


@pytest.mark.parametrize("page", WITH_PYTHON)
def test_python_blocks_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = fixtures(page)
    for line, source in python_blocks(page):
        # Empty lines first, so that an error has the line of the page.
        block = compile("\n" * (line - 1) + source, ROOT / page, "exec")
        if page not in NOT_RUN:
            exec(block, namespace)
    check = globals().get(f"_check_{pathlib.Path(page).stem}")
    if check:
        check(namespace)


def _check_tutorial(namespace):
    from pipelines.studies import config_checks

    study = namespace["get_config"]()
    config_checks.validate(study)
    assert (study.name, study.temperatures) == ("mine", (2.0, 8.0))
    # Both files hold the same untrained model.
    assert namespace["result"].disagreement == {"distilled": 0.0}


def _check_release(namespace):
    from kd_keras import DatasetSpec
    from pipelines.release import policy

    groups = {"color": ("red", "blue"), "texture": ("solid", "rain")}
    spec = DatasetSpec("shapes", {}, "shape", ("a", "b"), groups)
    found = [c.name for c in policy.conditions(namespace["policy"], spec)]
    assert "eod_growth" in found


def _check_fairness(namespace):
    # Two attributes with 3 and 2 groups.
    assert len(namespace["counts"].groups["color"]) == 3
    assert namespace["pair"].num_examples == 500


@pytest.mark.parametrize("page", PAGES)
def test_commands_could_be_given(page, tmp_path):
    text = (ROOT / page).read_text()
    # What a page tells to save is there.
    for name, content in docs_commands.saved(text).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        text = text.replace(f"={name}", f"={path}")
    found = {command: docs_commands.problem(command) for command in _commands(text)}
    assert {c: problem for c, problem in found.items() if problem} == {}


def _commands(text):
    return dict.fromkeys(docs_commands.commands(text))


@pytest.mark.parametrize("page", PAGES)
def test_commands_can_be_copied(page):
    blocks = re.findall(
        r"^ *```\w*\n(.*?)^ *```", (ROOT / page).read_text(), re.M | re.S
    )
    assert [block for block in blocks if re.search(r"^ *\$ ", block, re.M)] == []


def test_wrong_commands_are_found():
    demo = "python -m pipelines.study --config=configs/demo.py --workdir=w"
    for command, problem in {
        demo: "",
        f"{demo} --config.alhpa=0.5": "alhpa",
        f"{demo} --push=x": "push",
        "python -m pipelines.study --workdir=w": "--config is needed",
        "python -m pipelines.studdy --workdir=w": "studdy",
        "python -m pipelines.evaluate --workdir=w --runner=FlinkRunner": "",
        "python -m pipelines.evaluate --workdir=w --runer=x": "no options ['runer']",
        "make everything": "no target ['everything']",
        "python benchmarks/audit.py --fairlearn-example 1": "no flags",
        "pytest -s tests/test_nothing.py": "no tests/test_nothing.py",
    }.items():
        found = docs_commands.problem(command)
        assert problem in found, command
        assert bool(problem) == bool(found), command


@pytest.mark.parametrize("page", ["README.md", "CHANGELOG.md"])
def test_links_of_pages_outside_the_site(page):
    text = (ROOT / page).read_text()
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"https?:", target):
            assert (ROOT / target.split("#")[0]).exists(), target


class _Page(html.parser.HTMLParser):
    """Links, what the page loads, and the places that can be linked to."""

    def __init__(self, path: pathlib.Path):
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.ids: set[str] = set()
        self.feed(path.read_text())

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.ids |= {attributes.get("id"), attributes.get("name")}
        if tag == "a" and attributes.get("href"):
            self.links.append(attributes["href"])
        if tag in ("link", "script", "img", "iframe", "source"):
            self.loaded.append(attributes.get("href") or attributes.get("src") or "")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site as `make docs` builds it."""
    directory = tmp_path_factory.mktemp("docs")
    shutil.copy(ROOT / "mkdocs.yml", directory)
    shutil.copytree(ROOT / "docs", directory / "docs")
    (directory / "kd_keras").symlink_to(ROOT / "kd_keras")
    build = [sys.executable, "-m", "zensical", "build", "--strict"]
    run = subprocess.run(build, cwd=directory, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    return directory / "site"


@pytest.fixture(scope="module")
def pages(site):
    return {path: _Page(path) for path in site.rglob("*.html")}


def test_every_page_has_its_place_in_the_navigation():
    config = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
    named = set(re.findall(r"[\w/]+\.md", str(config["nav"])))
    docs = ROOT / "docs"
    written = {str(path.relative_to(docs)) for path in docs.glob("**/*.md")}
    assert written == named


def test_internal_links_lead_somewhere(pages):
    wrong = []
    for path, page in pages.items():
        if path.name == "404.html":  # Its links begin at the server's root.
            continue
        for link in page.links:
            url = urllib.parse.urlsplit(link)
            if url.scheme or url.netloc:
                continue
            target = (path.parent / url.path).resolve() if url.path else path
            fragment = urllib.parse.unquote(url.fragment)
            known = pages[target].ids if target in pages else set()
            if not target.exists() or (fragment and fragment not in known):
                wrong.append((path.name, link))
    assert not wrong
    assert len(pages) > 10


def test_nothing_is_loaded_from_a_network(pages):
    for path, page in pages.items():
        for source in page.loaded:
            assert not re.match(r"(https?:)?//", source), (path.name, source)


def test_api_has_the_public_names(pages):
    import kd_keras
    from kd_keras import fairness, losses

    ids = set().union(*(page.ids for page in pages.values()))
    names = {identifier.rsplit(".", 1)[-1] for identifier in ids if identifier}
    public = [*kd_keras.__all__, *losses.__all__]
    public += [name for name, value in vars(fairness).items() if _is_public(value)]
    assert set(public) - names - {"SOFTMAX_LOSSES", "SIGMOID_LOSSES"} == set()


def _is_public(value):
    return callable(value) and value.__module__.startswith("kd_keras")


@pytest.mark.browser
@pytest.mark.skipif(not shutil.which("chromium"), reason="Chromium is not installed")
@pytest.mark.parametrize("served", [True, False], ids=["served", "from the disk"])
def test_site_in_a_browser(site, served):
    """No request leaves the machine, no script fails, and the search finds a name."""
    from playwright.sync_api import sync_playwright

    with _address(site, served) as address, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = chromium.new_page()
        requests, problems = [], []
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        for name in ("index.html", "api/fairness.html"):
            page.goto(f"{address}/{name}")
            page.wait_for_load_state("networkidle")
            page.keyboard.press("/")
            box = page.locator("input[aria-autocomplete=list]")
            box.press_sequentially("false_discovery_gap")
            results = page.get_by_role("listbox", name="Search results")
            results.get_by_text("Your own metric").first.wait_for()
            page.keyboard.press("Enter")
            page.wait_for_url("**/own_metric.html*")
        chromium.close()
    assert problems == []
    assert [url for url in requests if not url.startswith(address)] == []


@contextlib.contextmanager
def _address(directory, served):
    if not served:
        yield directory.as_uri()
        return
    handler = functools.partial(_Quiet, directory=directory)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass

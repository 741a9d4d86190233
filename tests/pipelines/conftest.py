"""What the report's tests share, and where they find the helpers beside this file."""

import shutil

import pytest


@pytest.fixture(scope="module")
def browser():
    """A real headless Chromium; one at a time, or Playwright refuses the second one."""
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=found, args=["--no-sandbox"]
        )
        yield chromium
        chromium.close()

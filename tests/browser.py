"""The Chromium of the tests."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# Prevent background requests of the browser.
QUIET = ["--disable-gpu", "--disable-background-networking", "--disable-component-update"]
QUIET += ["--disable-sync", "--no-first-run", "--disable-quic", "--no-sandbox"]


@contextmanager
def open_chromium() -> Generator[Browser]:
    """Start the Chromium of the system, and close it.

    Playwright keeps an event loop running in the thread while it is open: a second browser, and
    every `asyncio.run`, fails there. Close it before tests of other modules run.
    """
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium")
    assert path is not None, "scripts/install-test-tools installs it"
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()

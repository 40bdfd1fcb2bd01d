"""A real headless browser, the page over a stored desk, and the whole product for it to look at."""

import asyncio
import base64
import contextlib
import os
import shutil
import time
from pathlib import Path

import pytest

from tests.end_to_end.conftest import environment, product, venues
from tests.page.page_server import KEY, served
from tests.page.page_world import stored_desk

__all__ = ["environment", "product", "venues"]

ROOT = Path(__file__).parents[2]
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
WAIT_S = 20
PHONE, DESK = (390, 844), (1440, 1000)


def pytest_collection_modifyitems(items):
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            # The SDK announces its stricter typing once per process, whichever test comes first.
            item.add_marker(pytest.mark.filterwarnings("ignore:azure.functions df_loads was called"))


def axe_source():
    """axe-core as text; skips by name where it is not installed."""
    named = os.environ.get("NODE_TOOLS")
    folders = [Path(named), Path(named, "node_modules")] if named else []
    for folder in (*folders, ROOT / "tests" / "tools" / "node_modules"):
        source = folder / "axe-core" / "axe.min.js"
        if source.exists():
            return source.read_text(encoding="utf-8")
    pytest.skip("needs axe-core: npm install --prefix tests/tools, or name its folder in NODE_TOOLS")


class Browser:
    """A browser that a test drives without blocking the servers it looks at, which run in the same loop."""

    def __init__(self, driver):
        self._driver = driver

    async def open(self, url):
        await asyncio.to_thread(self._driver.get, url)

    async def js(self, script, *arguments):
        """What a script returns."""
        return await asyncio.to_thread(self._driver.execute_script, script, *arguments)

    async def cdp(self, command, **arguments):
        return await asyncio.to_thread(self._driver.execute_cdp_cmd, command, arguments)

    async def look(self, size=DESK, scheme="light"):
        """The window's size, and what the system prefers."""
        width, height = size
        await self.cdp(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        await self.cdp(
            "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}]
        )

    async def until(self, condition, *arguments, wait_s=WAIT_S):
        """Wait until a JavaScript expression is true, and return its value."""
        deadline = time.monotonic() + wait_s
        while True:
            value = await self.js(f"return {condition}", *arguments)
            if value:
                return value
            if time.monotonic() > deadline:
                text = await self.js("return document.body.innerText")
                pytest.fail(f"never became true: {condition} {arguments}\n{text[:3000]}")
            await asyncio.sleep(0.05)

    async def text(self, selector):
        return await self.js(
            "return [...document.querySelectorAll(arguments[0])].map((each) => each.innerText).join('\\n')",
            selector,
        )

    async def shows(self, selector, text):
        """Wait until what the selector finds shows the text."""
        await self.until(
            "[...document.querySelectorAll(arguments[0])].some((each) => each.innerText.includes(arguments[1]))",
            selector,
            text,
        )

    async def click(self, selector):
        await self.until("document.querySelector(arguments[0])", selector)
        await self.js(
            "const found = document.querySelector(arguments[0]);"
            "found.scrollIntoView({block: 'center'}); found.click()",
            selector,
        )

    async def press(self, *keys):
        """Press keys where the focus is."""
        from selenium.webdriver import ActionChains  # noqa: PLC0415 - the tests without a browser do not need it

        await asyncio.to_thread(ActionChains(self._driver).send_keys(*keys).perform)

    async def fill(self, selector, text):
        await self.js(
            "const found = document.querySelector(arguments[0]); found.focus(); found.value = ''", selector
        )
        await self.press(text)

    async def console(self):
        """What the console has said since the last time, errors and warnings only."""
        entries = await asyncio.to_thread(self._driver.get_log, "browser")
        return [entry["message"] for entry in entries if entry["level"] in {"SEVERE", "WARNING"}]

    async def refresh(self):
        """Have the page ask again now, as it does when its tab comes to the front."""
        await self.js("document.dispatchEvent(new Event('visibilitychange'))")

    async def picture(self, path):
        shot = await self.cdp("Page.captureScreenshot", format="png")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    async def serious_findings(self):
        """What axe finds serious or critical on the page as it stands."""
        source = axe_source()
        await self.js(f"if (!window.axe) {{ {source} }}")
        found = await asyncio.to_thread(
            self._driver.execute_async_script,
            "const done = arguments[0]; axe.run(document, {resultTypes: ['violations']}).then(done, done)",
        )
        return [
            f"{each['id']}: {node['html'][:200]} {node['failureSummary']}"
            for each in found["violations"]
            if each["impact"] in {"serious", "critical"}
            for node in each["nodes"]
        ]


@pytest.fixture(scope="session")
def driver(tmp_path_factory):
    """Chromium with a fresh profile; skips by name where it is not installed."""
    pytest.importorskip("selenium", reason="needs selenium: pip install -r requirements-dev.txt")
    from selenium import webdriver  # noqa: PLC0415 - only where it is installed
    from selenium.webdriver.chrome.service import Service  # noqa: PLC0415 - as above

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    chromedriver = shutil.which("chromedriver")
    if chromium is None or chromedriver is None:
        pytest.skip("needs chromium and chromedriver: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    started = webdriver.Chrome(options=options, service=Service(chromedriver))
    started.set_script_timeout(60)
    yield started
    started.quit()


@pytest.fixture
async def browser(driver):
    """The browser on an empty page, without the memory of earlier tests."""
    window = Browser(driver)
    await window.look()
    yield window
    await window.console()
    with contextlib.suppress(Exception):  # a page that refuses storage has nothing to clear
        await window.js("sessionStorage.clear(); localStorage.clear()")
    await window.open("about:blank")


@pytest.fixture
async def desk(tmp_path):
    async with stored_desk(tmp_path) as opened:
        yield opened


@pytest.fixture
async def server(desk):
    async with served(desk) as started:
        yield started


@pytest.fixture
def page(browser, server):
    """Open the page of the stored desk with its key, and wait for its first data."""

    async def open_page(fragment=f"key={KEY}"):
        await browser.open("about:blank")
        await browser.open(f"{server.url}#{fragment}")
        await browser.until("!document.getElementById('dashboard').hidden")
        return browser

    return open_page

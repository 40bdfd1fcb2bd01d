"""The page over the whole product: the functions on their host, the venues simulated."""

import asyncio
import os

import pytest

from localhost import Host
from tests.end_to_end.conftest import running
from tests.page.conftest import DESK, PHONE, ROOT

IMAGES = ROOT / "docs" / "images"
SCANS_FOR_PICTURES = 40
BETWEEN_SCANS_S = 5


async def open_page(browser, host):
    await browser.open(f"{host.base_url}/api/dashboard#key={host.function_key}")
    await browser.until("!document.getElementById('dashboard').hidden")


async def scan_from_the_page(browser):
    """Press the button and wait for the end of the scan and its trades; what the page then says."""
    await browser.click("#scan-button")
    await browser.until("document.querySelector('#scan-result progress')")
    await browser.until("document.querySelector('#scan-result [data-done]')", wait_s=60)
    return await browser.text("#scan-result")


async def test_a_manual_scan_runs_from_the_page_to_its_result(product, browser):
    await open_page(browser, product.host)
    assert "No scan has been recorded yet" in await browser.text("#summary")
    for _ in range(20):
        told = await scan_from_the_page(browser)
        assert "Compared" in told
        assert "Why loops were refused" in told
        if await browser.js("return document.querySelector('#scan-result table a')"):
            break
    else:
        pytest.fail("20 scans of the simulated market found no opportunity")
    assert await browser.js("return document.querySelectorAll('#scan-result tbody .badge').length")
    await product.host.drain(60)
    await browser.refresh()
    await browser.until("document.querySelector('[data-slot=trades] tbody tr')")
    await browser.until("document.querySelector('[data-slot=opportunities] tbody tr')")
    await browser.until("document.querySelectorAll('[data-slot=refused] tbody tr').length > 1")
    await browser.click("#scan-result table a")
    await browser.shows("#detail", "of scan")
    assert await browser.serious_findings() == []
    assert await browser.console() == []


async def test_a_scan_of_what_the_person_chose_asks_for_that_only(product, browser):
    await open_page(browser, product.host)
    await browser.until("document.querySelectorAll('input[name=venue]').length === 4")
    await browser.click("input[value=bybit]")
    await browser.click("input[value=gateio]")
    await browser.fill("#scan-symbols", "btc/usdt, eth/usdt")
    await browser.fill("#scan-edge", "3.5")
    told = await scan_from_the_page(browser)
    assert "Compared 4 instruments" in told
    await product.host.drain(60)
    await browser.refresh()
    await browser.shows("#figures", "2 of 2")
    await browser.shows("#figures", "2 not asked")
    await browser.shows("#summary", "The manual scan of")


async def test_the_page_survives_its_server_going_away_and_coming_back(environment, browser):
    async with running(environment) as product:
        await product.scan()
        await product.host.drain(60)
        await open_page(browser, product.host)
        port = int(product.host.base_url.rpartition(":")[2])
        await browser.js("window.samePage = true")
    await browser.refresh()
    await browser.shows("#notes", "The server cannot be reached. What you see is from")
    await browser.shows("#connection", "No answer")
    assert "found" in await browser.text("#summary")
    async with Host(ROOT / "function_app.py", environment, port=port):
        await browser.until("document.getElementById('connection').dataset.state === 'live'", wait_s=30)
        assert "cannot be reached" not in await browser.text("#notes")
        await browser.shows("#announcer", "The server answers again")
        assert await browser.js("return window.samePage")


async def take_pictures(product, browser):
    for _ in range(SCANS_FOR_PICTURES):
        await product.host.invoke_timer("scan_timer")
        await asyncio.sleep(BETWEEN_SCANS_S)
    await product.host.drain(60)
    for _ in range(20):
        await product.host.invoke_timer("scan_timer")
        await product.host.drain(60)
        if product.rows("SELECT opportunities FROM scans ORDER BY time DESC LIMIT 1")[0]["opportunities"]:
            break
        await asyncio.sleep(BETWEEN_SCANS_S)
    await open_page(browser, product.host)
    for scheme in ("light", "dark"):
        await browser.look((1440, 1180), scheme)
        await asyncio.sleep(0.3)
        await browser.picture(IMAGES / f"dashboard-{scheme}.png")
    await browser.look(PHONE, "light")
    await browser.picture(IMAGES / "dashboard-phone.png")
    await browser.look(DESK, "light")
    await browser.click("[data-slot=trades] tbody tr:has(.badge[data-tone=good], .badge[data-tone=warn]) a")
    await browser.shows("#detail", "Every fill")
    await browser.picture(IMAGES / "trade.png")


if os.environ.get("UPDATE_SCREENSHOTS") == "1":
    # Taking them is no test: it takes minutes, and only whoever renews the README's pictures asks for it.
    test_the_pictures_of_the_readme_are_taken = take_pictures

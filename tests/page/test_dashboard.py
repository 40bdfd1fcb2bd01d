"""The page in a real browser, over a desk whose past is known."""

import asyncio

import pytest

from tests.page.conftest import DESK, PHONE
from tests.page.page_server import KEY
from tests.page.page_world import NASTY, left_out, scan_rows

MOST_REQUESTS = 3


async def test_the_page_loads_without_an_error_in_few_and_small_requests(desk, server, page):
    await desk.live()
    browser = await page()
    assert await browser.console() == []
    loaded = await browser.js(
        "return performance.getEntries().filter((each) => each.transferSize !== undefined)"
        ".map((each) => [each.name, each.transferSize])"
    )
    assert len(loaded) <= MOST_REQUESTS
    assert sum(size for _, size in loaded) < 200_000
    assert len(server.requests) <= MOST_REQUESTS
    assert "Simulated market" in await browser.text("#market")
    assert await browser.js("return document.getElementById('connection').dataset.state") == "live"


async def test_what_was_found_refused_and_earned_is_shown_with_units(desk, page):
    await desk.live()
    browser = await page()
    figures = await browser.text("#figures")
    assert "+12.34 USDT" in figures
    assert "4 of 4" in figures
    found = await browser.text("[data-slot=opportunities] tbody tr:first-child")
    assert "Binance → Kraken" in found
    assert "+11.2 bps" in found
    assert "1.50 USDT" in found
    assert "now" in found
    assert "Approved" in found
    refused = await browser.text("[data-slot=refused]")
    assert "Order book is too old" in refused
    assert "STALE_BOOK" in refused
    assert "detail 50" in refused
    assert "0.3" in await browser.text("[data-slot=inventory]")
    assert "+20 %" in await browser.text("[data-slot=inventory]")
    assert "no rule objects" in await browser.text("[data-slot=verdicts]")
    assert "15 s" in await browser.text("[data-slot=lifetimes]")
    for chart in ("profit", "distribution"):
        assert await browser.js(
            f"return document.querySelector('[data-slot={chart}] svg[role=img]').ariaLabel"
        )
        assert await browser.js(
            f"return document.querySelectorAll('[data-slot={chart}] table tbody tr').length"
        )


async def test_without_a_key_the_page_asks_for_one_and_says_when_it_is_wrong(desk, server, browser):
    await desk.live(scans=5)
    await browser.open(server.url)
    await browser.until("!document.getElementById('key-section').hidden")
    assert await browser.js("return document.getElementById('dashboard').hidden")
    assert "overview" not in server.requests
    await browser.fill("#key", "wrong")
    await browser.click("#key-form button")
    await browser.shows("#key-error", "not accepted")
    await browser.fill("#key", KEY)
    await browser.click("#key-form button")
    await browser.until("!document.getElementById('dashboard').hidden")
    assert await browser.js("return document.getElementById('key-section').hidden")


async def test_the_key_leaves_the_address_and_stays_in_the_tab_only(desk, page):
    await desk.live(scans=5)
    browser = await page()
    assert KEY not in await browser.js("return location.href")
    assert KEY not in await browser.js("return document.documentElement.outerHTML")
    assert await browser.js("return JSON.stringify(localStorage)") == "{}"
    await browser.js("location.reload()")
    await browser.until("!document.getElementById('dashboard').hidden")
    await browser.click("#forget-key")
    await browser.until("!document.getElementById('key-section').hidden")
    assert await browser.js("return sessionStorage.getItem('function-key')") is None


async def test_names_from_the_data_never_become_markup(desk, page):
    rows = scan_rows(1, desk.clock.now_ms(), found=1, explanation=NASTY)
    rows["rejections"][0]["best_detail"] = NASTY
    rows["trades"][0]["detail"] = NASTY
    for each in (*rows["arbitrage_opportunities"], *rows["trades"]):
        each["path"] = f"binance:{NASTY}/USDT:buy > kraken:BTC/USDT:sell"
    await desk.load(1, rows)
    await desk.fund()
    browser = await page()
    await browser.click("[data-slot=trades] a")
    await browser.shows("#detail", "Every fill")
    assert NASTY in await browser.text("#detail")
    assert NASTY in await browser.text("[data-slot=refused]")
    assert await browser.js("return document.querySelectorAll('img').length") == 0
    assert await browser.js("return document.title") == "Arbitrage"


async def test_a_desk_without_a_scan_says_so(page):
    browser = await page()
    assert "No scan has been recorded yet" in await browser.text("#summary")
    assert "There is nothing to stop" in await browser.text("[data-slot=switch]")
    assert await browser.console() == []


async def test_when_nothing_is_found_the_page_says_why(desk, page):
    refused = (("DEPOSIT_CLOSED", 2), ("STALE_BOOK", 7))
    await desk.load(1, scan_rows(1, desk.clock.now_ms(), refused=refused, missing="kraken"))
    browser = await page()
    summary = await browser.text("#summary")
    assert "found nothing: all 9 promising loops were refused" in summary
    assert "order book is too old (7), deposits are closed (2)" in summary
    assert "Kraken did not answer" in summary
    assert "banned until 12:00: 418" in await browser.text("[data-slot=venues]")


async def test_when_no_loop_is_profitable_the_page_says_that(desk, page):
    await desk.load(1, scan_rows(1, desk.clock.now_ms(), refused=()))
    browser = await page()
    assert "no loop returned more than it took, after fees" in await browser.text("#summary")


async def test_a_venue_that_our_rate_limit_left_out_is_not_said_to_have_been_silent(desk, page):
    rows = left_out(scan_rows(1, desk.clock.now_ms(), missing="kraken"), "kraken")
    await desk.load(1, rows)
    browser = await page()
    assert "(Kraken was left out: our rate limit)" in await browser.text("#summary")
    venues = await browser.text("[data-slot=venues]")
    assert "left out" in venues
    assert "our rate limit left no room" in venues
    silent = next(each for each in rows["venue_health"] if each["venue"] == "bybit")
    silent["status"] = "timeout"
    await desk.load(
        2,
        scan_rows(2, desk.clock.now_ms() + 1)
        | {"venue_health": [{**each, "scan_id": "scan-0002"} for each in rows["venue_health"]]},
    )
    await browser.refresh()
    await browser.shows("#summary", "(Bybit did not answer; Kraken was left out: our rate limit)")


async def test_old_data_is_called_old(desk, page):
    await desk.load(1, scan_rows(1, desk.clock.now_ms() - 600_000))
    browser = await page()
    await browser.shows("#notes", "This data is old: the newest scan was 10 min")
    assert await browser.js("return document.getElementById('connection').dataset.state") == "old"


async def test_alarms_stand_above_everything(desk, page):
    alarm = {"severity": "critical", "detail": "no scan for 9 min", "since_ms": 0, "told_ms": 0}
    await desk.state.replace(desk.room("alarms"), "memory", {"missing_scans": {**alarm, "absent_ms": None}})
    browser = await page()
    await browser.shows("#notes", "no scan for 9 min")


async def test_a_refresh_brings_the_new_and_keeps_what_a_person_is_at(desk, page):
    await desk.live(scans=49)
    browser = await page()
    await browser.js(
        """document.querySelector("[data-slot=profit] details").open = true;
        document.getElementById("scan-symbols").value = "btc/usdt";
        document.querySelector("input[name=venue]").checked = false;
        window.kept = document.querySelector("[data-slot=opportunities] tbody tr");
        window.keptKey = kept.dataset.key;
        kept.querySelector("a").focus();
        scrollTo(0, 300);
        window.keptTop = kept.getBoundingClientRect().top;"""
    )
    await desk.load(50, scan_rows(50, desk.clock.now_ms(), found=2))
    await browser.refresh()
    await browser.until("document.querySelector('[data-slot=opportunities] tbody tr') !== window.kept")
    assert await browser.js("return kept.isConnected && kept.dataset.key === keptKey")
    assert await browser.js("return document.activeElement === kept.querySelector('a')")
    assert abs(await browser.js("return kept.getBoundingClientRect().top - keptTop")) < 1
    assert await browser.js("return document.querySelector('[data-slot=profit] details').open")
    assert await browser.js("return document.getElementById('scan-symbols').value") == "btc/usdt"
    assert not await browser.js("return document.querySelector('input[name=venue]').checked")
    await browser.shows("#announcer", "A scan found 2 opportunities")


async def test_a_refresh_that_brings_nothing_new_moves_nothing_but_time(desk, server, page):
    await desk.live(scans=10)
    browser = await page()
    await browser.js(
        """window.changed = [];
        new MutationObserver((found) => {
          for (const each of found) if (!each.target.closest("svg")) changed.push(each.target.outerHTML);
        }).observe(document.getElementById("dashboard"), {childList: true, subtree: true, attributes: true});"""
    )
    for answers in (2, 3):
        await browser.refresh()
        async with asyncio.timeout(20):
            while server.requests.count("overview") < answers:  # noqa: ASYNC110 - a list sets no event
                await asyncio.sleep(0.02)
    await browser.until("document.getElementById('connection').dataset.state === 'live'")
    assert await browser.js("return changed") == []


async def test_a_trade_opens_with_every_fill_by_keyboard_and_closes_with_escape(desk, page):
    from selenium.webdriver.common.keys import Keys  # noqa: PLC0415 - only with a browser

    await desk.live(scans=10)
    browser = await page()
    await browser.js("document.querySelector('[data-slot=trades] a').focus()")
    await browser.press(Keys.ENTER)
    await browser.shows("#detail", "Every fill (2)")
    told = await browser.text("#detail")
    assert "80,123.45 USDT" in told
    assert "1.00154 USDT" in told
    assert "Trade t-10-0 of scan scan-0010" in told
    assert await browser.js("return document.getElementById('detail').contains(document.activeElement)")
    await browser.press(Keys.ESCAPE)
    await browser.until("!document.getElementById('detail').open")
    assert "trade" not in await browser.js("return location.hash")


async def test_an_opportunity_opens_with_its_orders_from_a_link(desk, page):
    await desk.live(scans=10)
    browser = await page(f"key={KEY}&opportunity=scan-0010/o-10-0")
    await browser.shows("#detail", "The simulated trade with every fill")
    assert "buy BTC/USDT" in await browser.text("#detail table")
    await browser.click("#detail a")
    await browser.shows("#detail", "Every fill (2)")


async def test_the_theme_follows_the_system_until_a_person_chooses(desk, page):
    await desk.live(scans=5)
    browser = await page()
    background = "return getComputedStyle(document.body).backgroundColor"
    await browser.look(scheme="light")
    light = await browser.js(background)
    await browser.look(scheme="dark")
    dark = await browser.js(background)
    assert light != dark
    await browser.click("#theme")
    assert await browser.js(background) == light
    await browser.js("location.reload()")
    await browser.until("!document.getElementById('dashboard').hidden")
    assert await browser.js(background) == light


async def test_the_first_tab_leads_past_the_header(desk, page):
    from selenium.webdriver.common.keys import Keys  # noqa: PLC0415 - only with a browser

    await desk.live(scans=5)
    browser = await page()
    await browser.press(Keys.TAB)
    assert await browser.js("return document.activeElement.innerText") == "Skip to the opportunities"
    await browser.press(Keys.ENTER)
    assert await browser.js("return document.activeElement.id") == "opportunities"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["390", "1440"])
async def test_axe_finds_nothing_serious(desk, page, size, scheme):
    await desk.live()
    await desk.load(51, scan_rows(51, desk.clock.now_ms(), found=1, missing="bybit"))
    browser = await page()
    await browser.look(size, scheme)
    await browser.js("for (const each of document.querySelectorAll('details')) each.open = true")
    assert await browser.serious_findings() == []
    assert await browser.js("return document.documentElement.scrollWidth") <= size[0]
    await browser.click("[data-slot=trades] a")
    await browser.shows("#detail", "Every fill")
    assert await browser.serious_findings() == []
    await browser.js("document.getElementById('detail').close()")
    await browser.click("[data-slot=switch] button")
    assert await browser.serious_findings() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_serious_where_the_key_is_asked_for(server, browser, scheme):
    await browser.look(PHONE, scheme)
    await browser.open(server.url)
    await browser.until("!document.getElementById('key-section').hidden")
    assert await browser.serious_findings() == []

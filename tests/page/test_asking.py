"""What a person asks for on the page: the switch turned, a scan by hand."""

from shared.domain.kill_switch import KillSwitch
from shared.findings import Findings, VenueAnswer
from shared.scans import Scan
from tests.page.page_world import RATE_LIMITED, scan_rows


async def test_the_kill_switch_is_tripped_and_cleared_by_a_person_with_a_reason(desk, page):
    await desk.live(scans=5)
    browser = await page()
    await browser.click("[data-slot=switch] button")
    await browser.click("#switch-confirm")
    await browser.js("document.getElementById('switch-form').noValidate = true")
    await browser.fill("#switch-by", "   ")
    await browser.click("#switch-confirm")
    await browser.shows("#switch-error", "Say who you are and why")
    await browser.fill("#switch-by", "Ada")
    await browser.fill("#switch-reason", "odd <b>prices</b>")
    await browser.click("#switch-confirm")
    await browser.shows("[data-slot=switch]", "Stopped by Ada: odd <b>prices</b>.")
    await browser.shows("#figures", "Stopped")
    await browser.click("[data-slot=switch] button")
    await browser.fill("#switch-reason", "prices are right again")
    await browser.click("#switch-confirm")
    await browser.shows("[data-slot=switch]", "Simulated execution is running.")
    assert await browser.console() == []


async def test_a_switch_that_the_settings_hold_cannot_be_turned_here(desk, page):
    await desk.live(scans=5)
    desk.halted = True
    browser = await page()
    await browser.shows("[data-slot=switch]", "The setting KILL_SWITCH is on")
    assert await browser.js("return document.querySelector('[data-slot=switch] button').disabled")


async def test_a_switch_that_the_product_tripped_says_by_what(desk, page):
    await desk.live(scans=5)
    reason = "KILL_SWITCH was on in a scan that traded"
    await desk.fund(kill_switch=KillSwitch().trip("setting", reason, desk.clock.now_ms()))
    browser = await page()
    await browser.shows("[data-slot=switch]", f"Stopped by a setting: {reason}. Scanning goes on;")
    await browser.click("[data-slot=switch] button")
    await browser.shows("#switch-effect", "Simulated trades are executed again from now on.")


async def test_a_trade_of_before_tells_that_the_switch_was_on(desk, page):
    rows = scan_rows(1, desk.clock.now_ms(), found=1)
    rows["trades"][0] |= {"status": "refused", "reason": "KILL_SWITCH"}
    await desk.load(1, rows)
    await desk.fund()
    browser = await page()
    await browser.shows("[data-slot=trades]", "Kill switch was on")
    await browser.shows("[data-slot=switch]", "Simulated execution is running.")


async def test_a_scan_of_no_venue_is_not_asked_for(desk, server, page):
    await desk.live(scans=5)
    browser = await page()
    await browser.js("for (const box of document.querySelectorAll('input[name=venue]')) box.checked = false")
    await browser.click("#scan-button")
    await browser.shows("#scan-result", "Tick at least one venue")
    await browser.shows("#announcer", "Tick at least one venue")
    assert await browser.js("return document.activeElement.name") == "venue"
    assert server.sent == []
    await browser.fill("#scan-capital", "-5")
    await browser.click("input[value=kraken]")
    await browser.click("#scan-button")
    await browser.shows("#scan-result", "is out of range")
    assert server.sent == [{"venues": ["kraken"], "capital": "-5"}]


async def test_commas_are_taken_as_they_are_meant_and_what_could_mean_two_numbers_is_refused(
    desk, server, page
):
    await desk.live(scans=5)
    browser = await page()
    # The symbol is wrong, so that every answer is a refusal, and names the capital only where that is wrong too.
    await browser.fill("#scan-symbols", "bitcoin")
    meant = {
        "1,000": "1000",
        "12,345,678.5": "12345678.5",
        "2,5": "2.5",
        "0,125": "0.125",
        " 750.25 ": "750.25",
        "1.000,5": None,
        "1,00,000": None,
        "1,000,00": None,
    }
    for typed, number in meant.items():
        await browser.js("document.querySelector('[data-slot=scan-result]').replaceChildren()")
        await browser.fill("#scan-capital", typed)
        await browser.click("#scan-button")
        await browser.shows("#scan-result", "is no symbol")
        assert server.sent[-1]["capital"] == (number or typed)
        told = await browser.text("#scan-result")
        assert (f"capital: '{typed}' is no number" in told) == (number is None), told


async def test_a_manual_scan_tells_whether_a_venue_was_silent_or_left_out(desk, server, page):
    await desk.live(scans=5)
    answers = (
        VenueAnswer("binance", "ok", None),
        VenueAnswer("gateio", "timeout", "no order books within 5 s"),
        VenueAnswer("kraken", *RATE_LIMITED),
    )
    found = Findings(1, "simulated", "s1", "http", desk.clock.now_ms(), 5, answers, 9, 0, (), (), (), {}, ())
    server.scan = Scan(found, "findings", "batch", None)
    browser = await page()
    await browser.click("#scan-button")
    await browser.shows("#scan-result", "Gate.io is missing: no order books within 5 s")
    await browser.shows("#scan-result", "Kraken was left out: our rate limit left no room for order books")


async def test_a_wrong_scan_is_told_with_value_limit_and_remedy(desk, page):
    await desk.live(scans=5)
    browser = await page()
    await browser.fill("#scan-symbols", "bitcoin")
    await browser.fill("#scan-capital", "-5")
    await browser.click("#scan-button")
    await browser.shows("#scan-result", "'BITCOIN' is no symbol; write BASE/QUOTE")
    await browser.shows("#scan-result", "capital: '-5' is out of range; send a number above zero")

"""Requests that nobody should send: each is answered with what is wrong and what to send, and nothing happens."""

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request

import pytest

from tests.commands.conftest import ASIDE, ROOT

NEVER = "0 0 0 1 1 *"


@pytest.fixture(scope="module")
def ask(venues, tmp_path_factory):
    """Ask the served product: status and decoded body."""
    folder = tmp_path_factory.mktemp("served")
    schedules = {f"{name}_SCHEDULE": NEVER for name in ("SCAN", "MARKETS", "COMPACT", "WATCHDOG")}
    environment = {name: value for name, value in os.environ.items() if name not in ASIDE}
    with (folder / "log").open("w") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "localhost", "--app", ROOT / "function_app.py"],
            cwd=folder,
            env={**environment, **schedules, "PYTHONPATH": str(ROOT), "PORT": "0", "SIMULATOR_URL": venues},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )

        def request(method, path, body=None, raw=None):
            data = raw if raw is not None else (None if body is None else json.dumps(body).encode())
            asked = urllib.request.Request(f"{url}/{path}", data, {"x-functions-key": key}, method=method)  # noqa: S310 - loopback
            try:
                with urllib.request.urlopen(asked) as answer:  # noqa: S310 - loopback
                    return answer.status, answer.headers, answer.read()
            except urllib.error.HTTPError as error:
                return error.code, error.headers, error.read()

        try:
            link = next(line for line in child.stdout if line.startswith("dashboard: "))
            url, key = re.fullmatch(r"dashboard: (.*)/dashboard#key=(.*)\n", link).groups()
            yield request
        finally:
            child.terminate()
            child.wait()
            child.stdout.close()
    assert "Traceback" not in (folder / "log").read_text()


def refused(answer):
    """The errors of an answer that refuses a request."""
    status, headers, body = answer
    assert status == 400, body
    assert headers["Content-Type"] == "application/problem+json"
    problem = json.loads(body)
    assert problem["status"] == 400
    assert problem["detail"] == "; ".join(problem["errors"])
    return problem["errors"]


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"venues": "binance"}, ["venues: 'binance' is no list of names"]),
        (
            {"venues": [], "symbols": [1]},
            ["venues: [] is no list of names", "symbols: [1] is no list of names"],
        ),
        ({"venues": ["mtgox"]}, ["venues: 'mtgox' is unknown; known are binance, bybit, gateio, kraken"]),
        ({"symbols": ["BTC", "/"]}, ["symbols: 'BTC' is no symbol", "symbols: '/' is no symbol"]),
        ({"symbols": ["A/B"] * 201}, ["symbols: 201 names, limit 200; send fewer"]),
        (
            {"min_net_bps": -1, "capital": 0},
            ["min_net_bps: -1 is out of range", "capital: 0 is out of range"],
        ),
        ({"min_net_bps": "1e999999999"}, ["min_net_bps: '1e999999999' is out of range"]),
        ({"capital": "1_0"}, ["capital: '1_0' is no number"]),
        ({"capital": True}, ["capital: true is no number; send a number above zero"]),
        ({"capital": {}}, ["capital: {} is no number"]),
        ({"size": 1}, ["size: unknown field; known are venues, symbols, min_net_bps, capital"]),
    ],
)
def test_a_scan_with_wrong_fields_names_them_all(ask, body, errors):
    told = refused(ask("POST", "scan", body))
    assert len(told) == len(errors)
    for line, beginning in zip(told, errors, strict=True):
        assert line.startswith(beginning)


def test_a_scan_of_symbols_that_no_chosen_venue_lists_names_them_all(ask):
    told = refused(
        ask("POST", "scan", {"symbols": ["BTC/USDT", "abc/xyz", "NONE/USDT"], "venues": ["kraken"]})
    )
    remedy = "is listed by none of kraken; send symbols that one of them lists"
    assert told == [f"symbols: 'ABC/XYZ' {remedy}", f"symbols: 'NONE/USDT' {remedy}"]


def test_a_scan_of_symbols_in_small_letters_finds_them(ask):
    status, _, body = ask("POST", "scan", {"symbols": ["btc/usdt", "BTC/USDT", "eth/usdt"]})
    assert (status, json.loads(body)["instruments_compared"]) == (200, 2 * 4)


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"{", "body: is no JSON ("),
        (b"\xff\xfe", "body: is no JSON ("),
        (b'{"a":' + b"[" * 5000, "body: is no JSON ("),
        (b"null", "body: null is no object"),
        (b"[1]", "body: [1] is no object"),
        (b" " * 16_385, "body: 16385 bytes, limit 16384; send less"),
    ],
)
@pytest.mark.parametrize("path", ["scan", "reload", "kill-switch"])
def test_a_body_that_is_no_object_is_refused(ask, path, raw, error):
    (told,) = refused(ask("POST", path, raw=raw))
    assert told.startswith(error)


def test_an_error_does_not_repeat_all_of_a_long_value(ask):
    (told,) = refused(ask("POST", "scan", {"venues": "x" * 10_000}))
    assert len(told) < 400


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ({"limit": "0"}, ["limit: '0' is no whole number from 1 to 500; send one"]),
        ({"limit": "9" * 5000}, ["limit: '99999"]),
        ({"offset": "-1", "limit": "x"}, ["limit: 'x'", "offset: '-1'"]),
        ({"since": "yesterday"}, ["since: 'yesterday' is no time; write 2026-01-31T12:00:00Z"]),
        ({"until": "2026-01-01"}, ["until: '2026-01-01' has no time zone"]),
        ({"since": "0001-01-01T00:00:00+14:00"}, ["since: '0001-01-01T00:00:00+14:00' is no time"]),
        ({"colour": "red"}, ["colour: unknown parameter; known are "]),
    ],
)
@pytest.mark.parametrize("path", ["opportunities", "trades"])
def test_a_listing_with_wrong_parameters_names_them_all(ask, path, query, errors):
    told = refused(ask("GET", f"{path}?{urllib.parse.urlencode(query)}"))
    assert len(told) == len(errors)
    for line, beginning in zip(told, errors, strict=True):
        assert line.startswith(beginning)


def test_a_filter_is_data_and_never_a_query(ask):
    status, _, body = ask(
        "GET", "trades?" + urllib.parse.urlencode({"scan_id": "' OR 1=1 --", "status": "\x00"})
    )
    assert (status, json.loads(body)) == (200, {"items": [], "next_offset": None})


def test_the_kill_switch_wants_to_know_who_and_why_in_a_line_each(ask):
    assert len(refused(ask("POST", "kill-switch", {"tripped": "yes"}))) == 3
    for words in ("", " ", "two\nlines", "x" * 201, 7, None):
        (told,) = refused(ask("POST", "kill-switch", {"tripped": True, "by": "Ada", "reason": words}))
        assert told.startswith("reason: ")
        assert told.endswith("is no line of 1 to 200 characters; say why")


@pytest.mark.parametrize(
    "blob", ["", "../../state.db", "simulated/scans/../../../x", "/etc/passwd", "a" * 201]
)
def test_reload_takes_no_name_that_leads_out_of_the_lake(ask, blob):
    (told,) = refused(ask("POST", "reload", {"blobs": [blob]}))
    assert told.startswith(f"blob name '{blob[:100]}")


def test_reload_of_an_unknown_blob_and_a_status_of_an_unknown_scan_are_404(ask):
    assert ask("POST", "reload", {"blobs": ["simulated/scans/nothing.json.gz"]})[0] == 404
    status, headers, body = ask("GET", "scans/..%2F..%2Fstate.db")
    assert (status, headers["Content-Type"]) == (404, "application/problem+json")
    assert "no scan '../../state.db'" in json.loads(body)["detail"]


def test_text_says_its_charset_once(ask):
    for path in ("metrics", "dashboard"):
        assert ask("GET", path)[1]["Content-Type"].count("charset=utf-8") == 1

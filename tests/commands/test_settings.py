"""Wrong settings: all of them at once, each with value, limit and remedy, and nothing is started."""

import pytest

from shared.settings import read

WRONG = {
    "MARKET": ("moon", "is none of simulated, live; set one of them"),
    "SIMULATOR_URL": ("localhost", "is no address; start it with http://"),
    "VENUES": ("binance,mtgox", "names mtgox; known are binance, bybit, gateio, kraken"),
    "SCAN_SCHEDULE": ("* * * * *", "has not six fields; write second minute hour day month weekday"),
    "MARKETS_SCHEDULE": ("0 61 * * * *", "has '61' as minute; write *, */n or numbers from 0 to 59"),
    "MAX_AGE_MS": ("0", "is outside 1 to 600000; set a number between them"),
    "BOOK_LEVELS": ("many", "is no whole number; set one from 5 to 200"),
    "MIN_PROFIT": ("-1", "is outside 0 to 1000000; set a number between them"),
    "MIN_NET_BPS": ("NaN", "is outside 0 to 10000; set a number between them"),
    "CAPITAL": ("1e3x", "is no number; set one from 1 to 1000000000"),
    "FEES": ("{", "is neither a JSON object nor a readable file of one"),
    "ALIASES": ("[]", "is neither a JSON object nor a readable file of one"),
    "SEED": ("x", "is no whole number; set one from 0 to 2147483647"),
    "KILL_SWITCH": ("maybe", "is none of on, off; set one of them"),
    "AZURE_KEY_VAULT_URL": ("http://vault", "is no address; start it with https://"),
    "MIN_CONFIDENCE": ("2", "is outside 0 to 1; set a number between them"),
}
GIVEN = {name: value for name, (value, _) in WRONG.items()}


def assert_all_are_told(ended):
    assert (ended.code, ended.out) == (2, "")
    told = {line.split("=")[0]: line for line in ended.err.splitlines()}
    assert set(told) == set(WRONG)
    for name, (value, remedy) in WRONG.items():
        assert told[name].startswith(f"{name}={value!r} {remedy}"), told[name]


@pytest.mark.parametrize("command", ["scan", "doctor", "migrate", "reload x"])
def test_a_command_tells_every_wrong_setting_at_once(run, command, tmp_path):
    assert_all_are_told(run("shared", *command.split(), **GIVEN))
    assert not (tmp_path / ".data").exists()


def test_the_development_host_tells_every_wrong_setting_at_once(run, tmp_path):
    app = read.__code__.co_filename.replace("shared/settings.py", "function_app.py")
    assert_all_are_told(run("localhost", "--app", app, "--once", **GIVEN))
    assert not (tmp_path / ".data").exists()


def test_a_wrong_secret_is_named_and_not_repeated(run):
    ended = run("shared", "doctor", ALERT_WEBHOOK_URL="hooks.example/hidden")
    assert ended.code == 2
    assert ended.err.startswith("ALERT_WEBHOOK_URL=(secret) is no address")
    assert "hidden" not in ended.err


def test_a_fee_that_no_fee_can_be_is_told_with_its_field_beside_the_others(run):
    ended = run("shared", "scan", FEES='{"binance": {"taker_bps": "cheap"}}', MAX_AGE_MS="x")
    assert ended.code == 2
    by_age, by_fee = ended.err.splitlines()
    assert by_age.startswith("MAX_AGE_MS='x'")
    assert "holds no fee at binance.taker_bps: 'cheap' is outside -10000 to 10000" in by_fee


@pytest.mark.parametrize("field", ["*/15", "0,30", "5-10", "5-10/2", "59", "*"])
def test_a_schedule_of_the_host_is_accepted(field):
    written = f"{field} 0 9-17 1 JAN-MAR MON-FRI"
    assert read({"SCAN_SCHEDULE": written}).scan_schedule == written


@pytest.mark.parametrize(("name", "value"), [("SEED", "x"), ("MARKET", "moon"), ("PORT", "x")])
def test_what_the_host_cannot_start_with_hides_no_other_wrong_setting(run, name, value):
    app = read.__code__.co_filename.replace("shared/settings.py", "function_app.py")
    ended = run("localhost", "--app", app, **{name: value, "MAX_AGE_MS": "x"})
    assert (ended.code, ended.out) == (2, "")
    assert "MAX_AGE_MS='x' is no whole number; set one from 1 to 600000" in ended.err
    assert "usage" not in ended.err

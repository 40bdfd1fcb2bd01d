"""Wrong settings: all of them at once, each with value, limit and remedy, and nothing is started."""

from datetime import UTC, datetime

import pytest
from croniter import croniter

from shared.errors import SettingsError
from shared.settings import read

WRONG = {
    "MARKET": ("moon", "is none of simulated, live; set one of them"),
    "SIMULATOR_URL": ("localhost", "is no address; start it with http://"),
    "VENUES": ("binance,mtgox", "names 'mtgox'; known venues are binance, bybit, gateio, kraken"),
    "SCAN_SCHEDULE": ("* * * * *", "has not six fields; write second minute hour day month weekday"),
    "MARKETS_SCHEDULE": (
        "0 61 * * * *",
        "has '61' as minute; write *, */n, or numbers from 0 to 59, in a range the lower first",
    ),
    "MAX_AGE_MS": ("0", "is outside 1 to 600000; set a number between them"),
    "BOOK_LEVELS": ("many", "is no whole number; set one from 5 to 200"),
    "MIN_PROFIT": ("-1", "is outside 0 to 1000000; set a number between them"),
    "MIN_NET_BPS": ("NaN", "is no number; set one from 0 to 10000 (digits 0-9 and a point)"),
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


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("VENUES", ",", "names nothing; leave it out, or write names with commas between them"),
        ("WATCH_LIST", "btc,ETH", "names 'btc'; write assets in capitals, as BTC,USDT"),
        ("WATCH_LIST", "BTC/USDT", "names 'BTC/USDT'; write assets in capitals"),
        ("BLOCK_LIST", "btc/usdt", "names 'btc/usdt'; write BTC, BTC/USDT, kraken:BTC or kraken:BTC/USDT"),
        ("BLOCK_LIST", "kraken/BTC,ETH", "names 'kraken/BTC'; write BTC, BTC/USDT, kraken:BTC"),
        ("BLOCK_LIST", "Kraken:BTC", "known venues are binance, bybit, gateio, kraken"),
        ("BLOCK_LIST", "kraken:", "names 'kraken:'"),
        ("FEES", '{"Binance": {"taker_bps": "1"}}', "names 'Binance'; known venues are binance, bybit"),
        (
            "FEES",
            '{"kraken": {"instruments": {"btc/usdt": {}}}}',
            "names 'btc/usdt'; write symbols as BTC/USDT",
        ),
        ("ALIASES", '{"foo": 1}', """has {"foo": 1}; write {"gateio:ABC": "XYZ"}, both in capitals"""),
        ("ALIASES", '{"binance:BTC": 5}', """has {"binance:BTC": 5}; write {"gateio:ABC": "XYZ"}"""),
        ("ALIASES", '{"mtgox:BTC": "XYZ"}', "known venues are binance, bybit, gateio, kraken"),
        ("SCAN_SCHEDULE", "XYZ * * * * *", "has 'XYZ' as second; write *, */n, or numbers from 0 to 59"),
        ("SCAN_SCHEDULE", "50-10 * * * * *", "has '50-10' as second"),
        (
            "SCAN_SCHEDULE",
            "0 0 0 1 * BUY",
            "has 'BUY' as weekday; write *, */n, or numbers from 0 to 6 or SUN to SAT",
        ),
        (
            "SCAN_SCHEDULE",
            "0 0 0 31 2 *",
            "has '31' as day, which no month of '2' has; write a day that comes",
        ),
        ("SCAN_SCHEDULE", "0 0 0 31 APR,JUN *", "has '31' as day, which no month of 'APR,JUN' has"),
        (
            "AZURE_OPENAI_ENDPOINT",
            "https://",
            "has no host, or a wrong port; write a whole address, as https://host",
        ),
        ("AZURE_OPENAI_ENDPOINT", "https://x:y", "has no host, or a wrong port"),
        ("MAX_AGE_MS", "1_000", "is no whole number; set one from 1 to 600000 (digits 0-9 alone)"),
        ("MAX_AGE_MS", "٣٠٠٠", "is no whole number; set one from 1 to 600000 (digits 0-9 alone)"),
        ("MAX_AGE_MS", "9" * 5000, "is outside 1 to 600000"),
        ("MIN_PROFIT", "1_0", "is no number; set one from 0 to 1000000 (digits 0-9 and a point)"),
        ("MIN_PROFIT", "١", "is no number"),  # noqa: RUF001 - meant
        ("MIN_PROFIT", "Infinity", "is no number"),
        ("MIN_PROFIT", "1e99999999999999999999", "is no number"),
        ("AZURE_STORAGE_ACCOUNT_NAME", "My Account!", "write its 3 to 24 small letters and digits"),
        ("AZURE_STORAGE_ACCOUNT_NAME", "https://x.blob.core.windows.net", "without the address"),
        ("AzureWebJobsStorage__accountName", "st", "is no name of a storage account"),
        ("AZURE_DATALAKE_ACCOUNT_NAME", "A B", "is no name of a storage account"),
        ("AZURE_DATALAKE_ACCOUNT_NAME", "a" * 25, "is no name of a storage account"),
        ("AZURE_CLIENT_ID", "not-a-guid", "is no client id; write the GUID that the identity shows"),
        ("FEES", '{"kraken": {"taker_bps": "1"}, "kraken": {}}', "names 'kraken' twice; name each once"),
        ("FEES", '{"kraken": {"taker_bps": 1, "taker_bps": 2}}', "names 'taker_bps' twice; name each once"),
        ("FEES", '{"kraken": {"taker_bps": "1_0"}}', "holds no fee at kraken.taker_bps: '1_0'"),
        ("ALIASES", '{"gateio:A": "X", "gateio:A": "Y"}', "names 'gateio:A' twice; name each once"),
    ],
)
def test_a_value_that_would_do_nothing_or_something_else_is_refused(name, value, told):
    with pytest.raises(SettingsError) as error:
        read({name: value})
    (problem,) = error.value.problems
    assert problem.startswith(f"{name}={value!r} ")
    assert told in problem


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("AZURE_SQL_CONNECTION_STRING", "hidden", "Server= is missing; copy the ODBC string"),
        ("AZURE_SQL_CONNECTION_STRING", "Server=hidden;Database=hidden;Encrypt=no", "write Encrypt=yes"),
        (
            "AZURE_STORAGE_CONNECTION_STRING",
            "hidden",
            "AccountName= and AccountKey= missing; copy the connection",
        ),
        ("AzureWebJobsStorage", "AccountName=hidden;AccountKey=", "AccountKey= missing; copy the connection"),
        ("AZURE_STORAGE_CONNECTION_STRING", "AccountName=hidden;AccountKey=!!!", "AccountKey= is not base64"),
        ("AZURE_STORAGE_CONNECTION_STRING", "AccountName=hidden;AccountKey=hid=den", "is not base64; copy"),
        (
            "AZURE_STORAGE_CONNECTION_STRING",
            "AccountName=hidden;AccountKey=ü===",
            "AccountKey= is not base64",
        ),
        ("AzureWebJobsStorage", "SharedAccessSignature=hidden", "BlobEndpoint= and TableEndpoint= missing"),
    ],
)
def test_a_connection_string_that_cannot_connect_is_refused_without_being_repeated(name, value, told):
    with pytest.raises(SettingsError) as error:
        read({name: value})
    (problem,) = error.value.problems
    assert problem.startswith(f"{name}=(secret) cannot be used: ")
    assert told in problem
    assert "hidden" not in problem


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BLOCK_LIST", "BTC,1000SATS/USDT,kraken:BTC,gateio:BTC3L/USDT"),
        ("ALIASES", '{"gateio:ABC": "XYZ"}'),
        ("FEES", '{"kraken": {"taker_bps": 25, "instruments": {"BTC/USDT": {"taker_bps": "0"}}}}'),
        ("AZURE_SQL_CONNECTION_STRING", "Data Source=tcp:x,1433;Initial Catalog=arbitrage;Encrypt=True"),
        ("AZURE_STORAGE_CONNECTION_STRING", "UseDevelopmentStorage=true"),
        ("AZURE_STORAGE_CONNECTION_STRING", "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=a2V5"),
        ("AZURE_STORAGE_ACCOUNT_NAME", "devstoreaccount1"),
        ("AZURE_DATALAKE_ACCOUNT_NAME", "0ab"),
        ("AZURE_CLIENT_ID", "0F8FAD5B-d9cb-469f-a165-70867728950e"),
        ("MIN_PROFIT", "+1.5e2"),
        ("MIN_PROFIT", ".5"),
        ("MAX_AGE_MS", "+2000"),
        ("AZURE_STORAGE_CONNECTION_STRING", "BlobEndpoint=b;TableEndpoint=t;SharedAccessSignature=s"),
        ("AZURE_OPENAI_ENDPOINT", "https://name.openai.azure.com/"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://[::1]:4318"),
    ],
)
def test_a_value_that_can_be_meant_is_accepted(name, value):
    assert read({name: value}) != read({})


@pytest.mark.parametrize(
    "written", ["5/10 * * * * *", "*/90 */90 */90 */90 */90 */9", "0 0 0 29 2 MON", "0 0 0 31 * fri"]
)
def test_a_schedule_that_is_accepted_comes_to_pass(written):
    assert read({"SCAN_SCHEDULE": written})
    times = croniter(written, datetime(2026, 1, 1, tzinfo=UTC), second_at_beginning=True, day_or=False)
    assert times.get_next(datetime).year >= 2026


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


@pytest.mark.parametrize("account", ["AZURE_STORAGE_ACCOUNT_NAME", "AzureWebJobsStorage__accountName"])
def test_the_hosts_connection_string_counts_for_nothing_beside_the_name_of_an_account(account):
    keyless = "DefaultEndpointsProtocol=https;AccountName=starb;EndpointSuffix=core.windows.net"
    found = read({account: "starb", "AzureWebJobsStorage": keyless})
    assert (found.storage_account, found.storage_connection) == ("starb", None)

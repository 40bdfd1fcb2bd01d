"""`python -m shared detect`: recordings in, one JSON object a snapshot out."""

import json

import pytest

LEG_FIELDS = {
    "venue",
    "symbol",
    "side",
    "amount",
    "average_price",
    "limit_price",
    "fee",
    "fee_asset",
}


@pytest.fixture
def detect(run, recording, snapshot):
    """Detect in the 30 bps snapshot with these options: its opportunities, or the reasons to refuse."""

    def command(*options):
        ended = run("shared", "detect", recording(snapshot), *options)
        assert (ended.code, ended.err) == (0, "")
        (found,) = ended.objects
        return found["opportunities"] or {refused["reason"] for refused in found["rejections"]}

    return command


def test_an_opportunity_is_told_with_every_leg(detect):
    (found,) = detect()
    assert found["kind"] == "two_leg"
    assert [(leg["venue"], leg["side"]) for leg in found["legs"]] == [("binance", "buy"), ("kraken", "sell")]
    assert all(set(leg) == LEG_FIELDS for leg in found["legs"])
    # 1 BTC bought for 100,000, a thousandth of it kept as fee, sold at 100,300 less a thousandth.
    assert found["start_amount"] == "100000"
    assert found["net_profit"] == "99.5003"
    assert found["start_asset"] == "USDT"


def test_packed_and_plain_files_are_read_alike_and_in_turn(run, recording, snapshot):
    plain = recording({**snapshot, "scan_id": "first"})
    packed = recording({**snapshot, "scan_id": "second"}, name="recording.ndjson.gz")
    ended = run("shared", "detect", plain, packed)
    assert ended.code == 0
    first, second = ended.objects
    assert (first.pop("scan_id"), second.pop("scan_id")) == ("first", "second")
    assert first == second


@pytest.mark.parametrize("name", [500 * "x", "/etc/hostname", "../outside.json.gz"])
def test_a_reference_that_no_lake_holds_is_refused_with_its_line_and_the_others_go_on(
    run, recording, snapshot, tmp_path, name
):
    (tmp_path / "outside.json.gz").write_bytes(b"")
    path = recording({**snapshot, "reference": name}, snapshot)
    ended = run("shared", "detect", path)
    assert ended.err.startswith(f"{path}, line 1: reference: ")
    assert len(ended.objects) == 1


def test_what_the_lake_recorded_is_read_with_the_reference_that_it_names(run, venues, tmp_path):
    told = run("shared", "scan", "--json", SIMULATOR_URL=venues).objects[0]
    (scan,) = (tmp_path / ".data").rglob("*-scan.ndjson.gz")
    ended = run("shared", "detect", scan)
    assert (ended.code, ended.err) == (0, "")
    (found,) = ended.objects
    assert found["scan_id"] == told["scan_id"]
    assert found["opportunities"] + found["rejections"]
    elsewhere = tmp_path / scan.name
    elsewhere.write_bytes(scan.read_bytes())
    ended = run("shared", "detect", elsewhere)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"{elsewhere}, line 1: reference: ")
    assert "names a blob that is not stored; restore it" in ended.err


def test_books_of_fills_are_left_out_with_one_note(run, recording, snapshot):
    fills = {**snapshot, "phase": "execution"}
    both = recording(snapshot, fills)
    alone = recording(fills, fills, name="fills-execution.ndjson.gz")
    ended = run("shared", "detect", both, alone)
    assert ended.code == 0
    assert len(ended.objects) == 1
    assert ended.err == "left out 3 snapshots of phase execution: they hold the books of fills, no scan\n"


def test_each_malformed_line_is_named_and_the_others_go_on(run, recording, snapshot):
    rounded = json.loads(json.dumps(snapshot))
    rounded["venues"]["kraken"]["books"]["BTC/USDT"]["asks"] = [[100.5, "1"]]
    lines = [
        "{",
        snapshot,
        {**snapshot, "version": 2},
        "",
        {**snapshot, "time": "noon"},
        {**snapshot, "balances": {"binance": {"USDT": "-1"}}},
        rounded,
        "[]",
        snapshot,
    ]
    path = recording(*lines)
    ended = run("shared", "detect", path)
    assert ended.code == 1
    assert [found["scan_id"] for found in ended.objects] == ["one", "one"]
    places = [
        (1, "line: '{' is no JSON"),
        (3, "version: 2 is no known version; write 1"),
        (5, "time: 'noon' is no time"),
        (6, "balances.binance.USDT: '-1' is negative"),
        (7, "venues.kraken.books.BTC/USDT.asks[0]: 100.5 is not exact"),
        (8, "line: [] is no object"),
    ]
    told = ended.err.splitlines()
    assert len(told) == len(places)
    for line, (number, beginning) in zip(told, places, strict=True):
        assert line.startswith(f"{path}, line {number}: {beginning}"), line


def test_a_file_that_cannot_be_read_is_named_and_the_others_go_on(run, recording, snapshot, tmp_path):
    cut = recording(snapshot, name="cut.ndjson.gz")
    cut.write_bytes(cut.read_bytes()[:-20])
    ended = run(
        "shared", "detect", tmp_path / "absent.ndjson", cut, tmp_path / "notes.txt", recording(snapshot)
    )
    assert ended.code == 1
    assert len(ended.objects) == 1
    assert [line.split(":")[0] for line in ended.err.splitlines()] == [
        str(tmp_path / "absent.ndjson"),
        str(cut),
        str(tmp_path / "notes.txt"),
    ]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--min-net-bps", "20"], "NET_EDGE_TOO_SMALL"),
        (["--min-profit", "100"], "BELOW_MIN_PROFIT"),
        (["--too-good-bps", "5"], "TOO_GOOD_TO_BE_TRUE"),
    ],
)
def test_a_limit_above_what_is_there_refuses_it(detect, options, reason):
    assert detect(*options) == {reason}


def test_age_and_skew_are_limited_by_their_options(run, recording, snapshot):
    snapshot["venues"]["kraken"]["books"]["BTC/USDT"]["time"] = "2026-11-22T11:59:58.000Z"
    path = recording(snapshot)

    def outcome(*options):
        (found,) = run("shared", "detect", path, *options).objects
        return [refused["reason"] for refused in found["rejections"]] or "found"

    assert outcome() == ["SKEWED_BOOKS"]
    assert outcome("--max-skew-ms", "2000") == "found"
    assert outcome("--max-skew-ms", "2000", "--max-age-ms", "1999") == ["STALE_BOOK"]


def test_unknown_transfers_are_marked_or_refused(run, recording, snapshot):
    for venue in snapshot["venues"].values():
        del venue["currencies"]
    path = recording(snapshot)
    (allowed,) = run("shared", "detect", path, "--transfer-unknown", "allow").objects
    (refused,) = run("shared", "detect", path, "--transfer-unknown", "refuse").objects
    assert allowed["opportunities"][0]["marks"] == ["TRANSFER_UNKNOWN"]
    assert refused["opportunities"] == []
    assert [each["reason"] for each in refused["rejections"]] == ["TRANSFER_UNKNOWN"]


def test_a_file_of_fees_overrides_the_recorded_ones(detect, tmp_path):
    fees = tmp_path / "fees.json"
    fees.write_text(json.dumps({"binance": {"taker_bps": "0"}, "kraken": {"taker_bps": 0}}))
    (found,) = detect("--fees", str(fees))
    assert found["net_profit"] == "300"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--min-net-bps", "-1"], "--min-net-bps: -1 is below 0, the limit"),
        (["--min-profit", "much"], "--min-profit: 'much' is no number"),
        (["--min-profit", "1_0"], "--min-profit: '1_0' is no number"),
        (["--max-age-ms", "1.5"], "--max-age-ms: '1.5' is no whole number of at least 0"),
        (["--max-skew-ms", "-3"], "--max-skew-ms: '-3' is no whole number of at least 0"),
        (["--too-good-bps", "nan"], "--too-good-bps: 'nan' is no number"),
        (["--transfer-unknown", "maybe"], "--transfer-unknown: invalid choice: 'maybe'"),
        (["--fees", "absent.json"], "--fees absent.json"),
        (["--colour", "red"], "unrecognized arguments: --colour red"),
    ],
)
def test_a_wrong_option_is_named_and_exits_2(run, recording, snapshot, options, told):
    ended = run("shared", "detect", recording(snapshot), *options)
    assert (ended.code, ended.out) == (2, "")
    assert told in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "give a readable JSON file"),
        ("[]", "write {"),
        ('{"binance": {}, "binance": {}}', "names 'binance' twice; name each once"),
        ('{"binance": {"taker_bps": "cheap"}}', "binance.taker_bps: 'cheap'"),
        ('{"binance": {"maker_bps": "1"}}', "binance.maker_bps: '1' is unknown"),
    ],
)
def test_a_wrong_file_of_fees_is_named_with_its_field_and_exits_2(
    run, recording, snapshot, tmp_path, content, told
):
    fees = tmp_path / "fees.json"
    fees.write_text(content)
    ended = run("shared", "detect", recording(snapshot), "--fees", fees)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"--fees {fees}: ")
    assert told in ended.err


def test_no_command_no_file_and_an_unknown_command_exit_2(run):
    for arguments in ([], ["detect"], ["dance"]):
        ended = run("shared", *arguments)
        assert ended.code == 2
        assert ended.err.startswith("usage: python -m shared")

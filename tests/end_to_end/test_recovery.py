"""Crashes, lost messages and failing loads: nothing recorded is lost, nothing is booked twice."""

import asyncio
import json

import pytest

from shared import composition, loading, steps, upkeep
from shared.errors import TransientLoadError
from shared.records import iso
from tests.end_to_end.auditing import (
    assert_balances_equal_the_fills,
    assert_every_blob_is_loaded_once,
    standing,
)


async def settle(product, monkeypatch):
    """Let the watchdog find everything that was left behind, and finish it."""
    monkeypatch.setattr(upkeep, "SETTLING_MS", 0)
    for _ in range(3):
        await product.host.invoke_timer("watchdog_timer")
        await product.host.drain(60)


async def test_a_scan_whose_message_and_workflow_were_lost_is_found_by_the_watchdog(product, monkeypatch):
    desk = await composition.desk()
    found = await steps.scan(desk, steps.ScanRequest("timer"))
    while not found.opportunities:
        found = await steps.scan(desk, steps.ScanRequest("timer"))
    assert not product.rows("SELECT name FROM sqlite_master WHERE name = 'scans'") or not product.rows(
        f"SELECT * FROM scans WHERE scan_id = '{found.scan_id}'"
    )
    await settle(product, monkeypatch)
    assert product.rows(f"SELECT * FROM scans WHERE scan_id = '{found.scan_id}'")
    assert product.rows(f"SELECT * FROM trades WHERE scan_id = '{found.scan_id}'")
    assert_every_blob_is_loaded_once(product.data_dir)


async def test_executing_twice_at_once_books_the_same_trades_once(product):
    desk = await composition.desk()
    found = await steps.scan(desk, steps.ScanRequest("timer"))
    while not found.opportunities:
        found = await steps.scan(desk, steps.ScanRequest("timer"))
    work = found.work()
    verdicts = [
        await steps.analyze(desk, {**work, "opportunity_id": each, "rank": 0})
        for each in work["opportunities"]
    ]
    given = {**work, "verdicts": verdicts}
    blobs = await asyncio.gather(*(steps.execute(desk, given) for _ in range(4)))
    assert len({blob["blob"] for blob in blobs}) == 1
    assert (await steps.execute(desk, given)) == blobs[0]
    await steps.record(desk, {**given, "execution": blobs[0]["blob"]})
    assert_balances_equal_the_fills(product.data_dir)
    assert list(standing(product.data_dir)["executed"]) == [found.scan_id]


async def test_an_absent_database_poisons_nothing_and_the_loads_catch_up(product, monkeypatch):
    desk = await composition.desk()

    async def absent(*_args):
        raise TransientLoadError("the database is away")

    with monkeypatch.context() as away:
        away.setattr(type(desk.warehouse), "load", absent)
        for _ in range(3):
            await product.host.invoke_timer("scan_timer")
        await product.host.drain(60)
        retries = await desk.state.entries(desk.room("retries"))
        assert {entry.value["attempts"] for entry in retries} == {1}
    assert not product.host.poisoned_messages()
    for entry in await desk.state.entries(desk.room("retries")):
        await desk.state.replace(desk.room("retries"), entry.key, {**entry.value, "next_ms": 0})
    await settle(product, monkeypatch)
    assert_every_blob_is_loaded_once(product.data_dir)
    assert not await desk.state.entries(desk.room("retries"))


async def test_a_back_off_is_forgotten_when_another_message_loaded_its_blob(product, monkeypatch):
    desk = await composition.desk()
    found = await steps.scan(desk, steps.ScanRequest("timer"))

    async def absent(*_args):
        raise TransientLoadError("the database is away")

    assert await loading.load(desk, found.load_message())
    with monkeypatch.context() as away:
        away.setattr(type(desk.warehouse), "load", absent)
        assert await loading.load(desk, found.load_message())
    (entry,) = await desk.state.entries(desk.room("retries"))
    await settle(product, monkeypatch)
    assert [each.key for each in await desk.state.entries(desk.room("retries"))] == [entry.key]
    await desk.state.replace(desk.room("retries"), entry.key, {**entry.value, "next_ms": 0})
    await settle(product, monkeypatch)
    assert not await desk.state.entries(desk.room("retries"))
    assert_every_blob_is_loaded_once(product.data_dir)


async def test_back_off_doubles_and_is_bounded(product, monkeypatch):
    desk = await composition.desk()

    async def absent(*_args):
        raise TransientLoadError("the database is away")

    found = await steps.scan(desk, steps.ScanRequest("timer"))
    monkeypatch.setattr(type(desk.warehouse), "load", absent)
    waits = []
    for _ in range(8):
        assert await loading.load(desk, found.load_message())
        (entry,) = await desk.state.entries(desk.room("retries"))
        waits.append(round((entry.value["next_ms"] - desk.clock.now_ms()) / 1000))
    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]


async def test_a_batch_that_can_never_load_is_kept_with_its_reason_and_can_be_sent_again(product):
    assert (await product.scan())[0] == 200
    await product.host.drain(60)
    (path,) = product.blobs("scans")
    blob = str(path.relative_to(product.data_dir / "lake"))
    good = path.read_bytes()
    desk = await composition.desk()
    second = await steps.scan(desk, steps.ScanRequest("timer"))
    broken = product.data_dir / "lake" / second.batch
    whole = broken.read_bytes()
    broken.write_bytes(b"not a batch")
    status, told = await product.call("POST", "reload", {"blobs": [second.batch]})
    assert (status, told["queued"]) == (202, [second.batch])
    await product.host.drain(60)
    (kept,) = await desk.state.entries(desk.room("poisoned"))
    assert kept.key == second.batch
    assert "gzip" in kept.value["reason"]
    broken.write_bytes(whole)
    status, told = await product.call("POST", "reload", {"poisoned": True})
    assert (status, told["queued"]) == (202, [second.batch])
    assert "gzip" in told["reasons"][second.batch]
    await product.host.drain(60)
    assert not await desk.state.entries(desk.room("poisoned"))
    assert path.read_bytes() == good
    assert blob != second.batch
    assert_every_blob_is_loaded_once(product.data_dir)


async def test_a_blob_the_lake_does_not_have_cannot_be_reloaded(product):
    status, told = await product.call("POST", "reload", {"blobs": ["simulated/scans/nothing.json.gz"]})
    assert status == 404
    assert "nothing.json.gz" in told["detail"]


async def test_a_message_that_names_no_blob_is_kept_as_poison(product):
    desk = await composition.desk()
    for text in ("no json", json.dumps({"other": 1}), json.dumps([1])):
        assert not await loading.load(desk, text)
    assert len(await desk.state.entries(desk.room("poisoned"))) == 3


async def test_what_no_repair_can_load_is_forgotten_and_holds_nothing_else_up(product):
    assert (await product.scan())[0] == 200
    await product.host.drain(60)
    (path,) = product.blobs("scans")
    blob = str(path.relative_to(product.data_dir / "lake"))
    desk = await composition.desk()
    gone = blob.replace("Z-", "Z-0")[: len(blob)]
    await loading.load(desk, "no json")
    await loading.load(desk, json.dumps({"blob": "/no name of a lake"}))
    for name in (blob, gone):
        await loading.poison(desk, name, "repaired since")
    status, told = await product.call("POST", "reload", {"poisoned": True})
    assert (status, told["queued"]) == (202, [blob])
    assert gone in told["forgotten"]
    assert len(told["forgotten"]) == 3
    await product.host.drain(60)
    assert not await desk.state.entries(desk.room("poisoned"))


async def test_what_the_warehouse_lacks_since_a_time_can_be_sent_again(product):
    assert (await product.scan())[0] == 200
    await product.host.drain(60)
    desk = await composition.desk()
    second = await steps.scan(desk, steps.ScanRequest("timer"))
    hour_ago = iso(desk.clock.now_ms() - 3_600_000)
    status, told = await product.call("POST", "reload", {"since": hour_ago})
    assert (status, told) == (202, {"queued": [second.batch]})
    await product.host.drain(60)
    assert_every_blob_is_loaded_once(product.data_dir)
    assert (await product.call("POST", "reload", {"since": hour_ago}))[1] == {"queued": []}


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({}, "exactly one of blobs, poisoned, since"),
        ({"blobs": ["a"], "poisoned": True}, "exactly one of"),
        ({"blobs": "a"}, "blobs"),
        ({"poisoned": "yes"}, "send true"),
        ({"since": "yesterday"}, "write 2026-01-31T12:00:00Z"),
        ({"since": "2026-11-20T10:00:00"}, "no time zone"),
        ({"since": "2999-01-01T00:00:00Z"}, "in the future"),
        ({"until": "2026-11-20T10:00:00Z"}, "unknown field"),
    ],
)
async def test_a_wrong_request_to_load_again_is_told_what_is_wrong(product, body, names):
    status, told = await product.call("POST", "reload", body)
    assert status == 400
    assert names in told["detail"]


async def test_a_blob_that_is_no_batch_is_poison_and_troubles_no_round(product):
    desk = await composition.desk()
    found = await steps.scan(desk, steps.ScanRequest("timer"))
    strange = "simulated/scans/copied-by-hand.json.gz"
    await desk.lake.write(strange, await desk.lake.read(found.batch))
    assert not await loading.load(desk, json.dumps({"blob": strange}))
    assert "no batch of a scan" in (await loading.poisoned(desk))[strange]
    never = found.batch.replace(found.batch.rpartition("/")[2][:8], "20269999")
    await desk.lake.write(never, b"put here by somebody else")
    await upkeep.watch(desk)

import asyncio
import multiprocessing
import sqlite3

import pytest
from azure.core.exceptions import ClientAuthenticationError

from shared.adapters.azure_storage import TableState
from shared.adapters.embedded import SqliteState
from shared.errors import Conflict, StorageError
from shared.ports import STATE_VALUE_BYTES


async def test_an_entry_reads_back_with_the_tag_it_was_given(state):
    value = {"text": "a'b\"c\né币", "number": 1.5, "nested": {"list": [1, None, True]}}
    tag = await state.put("live-desk", "standing", value, None)
    entry = await state.get("live-desk", "standing")
    assert (entry.key, entry.value, entry.etag) == ("standing", value, tag)


async def test_what_was_never_written_is_none(state):
    assert await state.get("live-desk", "none") is None
    assert await state.entries("live-desk") == []


async def test_creating_what_exists_is_a_conflict(state):
    await state.put("p", "k", {"n": 1}, None)
    with pytest.raises(Conflict, match="p/k: exists already"):
        await state.put("p", "k", {"n": 2}, None)
    assert (await state.get("p", "k")).value == {"n": 1}


async def test_replacing_what_changed_since_is_a_conflict(state):
    first = await state.put("p", "k", {"n": 1}, None)
    second = await state.put("p", "k", {"n": 2}, first)
    with pytest.raises(Conflict, match="p/k: changed since"):
        await state.put("p", "k", {"n": 3}, first)
    assert await state.put("p", "k", {"n": 4}, second) != second
    assert (await state.get("p", "k")).value == {"n": 4}


async def test_replacing_what_is_gone_is_a_conflict(state):
    tag = await state.put("p", "k", {}, None)
    await state.delete("p", "k")
    with pytest.raises(Conflict):
        await state.put("p", "k", {}, tag)


async def test_a_tag_does_not_fit_an_entry_made_anew(state):
    tag = await state.put("p", "k", {"n": 1}, None)
    await state.delete("p", "k")
    await state.put("p", "k", {"n": 1}, None)
    with pytest.raises(Conflict):
        await state.put("p", "k", {"n": 2}, tag)


async def test_replace_writes_whatever_is_there(state):
    await state.replace("p", "k", {"n": 1, "long": "x" * 100_000})
    tag = (await state.get("p", "k")).etag
    await state.replace("p", "k", {"n": 2})
    assert (await state.get("p", "k")).value == {"n": 2}
    with pytest.raises(Conflict):
        await state.put("p", "k", {}, tag)


async def test_deleting_twice_is_no_error(state):
    await state.replace("p", "k", {})
    await state.delete("p", "k")
    await state.delete("p", "k")
    assert await state.get("p", "k") is None


async def test_entries_come_by_key_and_by_prefix_within_their_partition(state):
    keys = [
        "b",
        "a/2",
        "a/10",
        "a/1",
        "A",
        "a",
        "a0",
        "é",
        "币安",
        "a%b",
        "a_b",
        "a'b",
        "ab#?\\",
        "=3D",
        "z" * 600,
    ]
    for key in keys:
        await state.replace("p", key, {"key": key})
    await state.replace("other", "a/3", {})
    assert [entry.key for entry in await state.entries("p")] == sorted(keys)
    assert [entry.value["key"] for entry in await state.entries("p", "a/")] == ["a/1", "a/10", "a/2"]
    for prefix in ("a", "a_", "a%", "é", "币", "z" * 500, "=", "none"):
        found = [entry.key for entry in await state.entries("p", prefix)]
        assert found == sorted(key for key in keys if key.startswith(prefix)), prefix


async def test_keys_that_differ_late_stay_apart(state):
    first, second = "币" * 200 + "a", "币" * 200 + "b"
    await state.replace("p", first, {"n": 1})
    await state.replace("p", second, {"n": 2})
    assert (await state.get("p", first)).value == {"n": 1}
    assert (await state.get("p", second)).value == {"n": 2}


async def test_a_value_of_the_greatest_length_is_kept(state):
    value = {"x": "é" * ((STATE_VALUE_BYTES - 8) // 2)}
    await state.replace("p", "k", value)
    assert (await state.get("p", "k")).value == value


async def test_a_value_that_is_too_long_is_refused_with_its_limit(state):
    for write in (
        state.replace("p", "k", {"x": "y" * STATE_VALUE_BYTES}),
        state.put("p", "k", {"x": "y" * STATE_VALUE_BYTES}, None),
    ):
        with pytest.raises(StorageError, match=f"longer than {STATE_VALUE_BYTES}; store it in the lake"):
            await write


async def test_of_many_instances_that_create_an_entry_one_wins(open_state):
    async def create(number):
        try:
            await open_state().put("p", "k", {"n": number}, None)
        except Conflict:
            return None
        return number

    winners = [n for n in await asyncio.gather(*(create(n) for n in range(6))) if n is not None]
    assert len(winners) == 1
    assert (await open_state().get("p", "k")).value == {"n": winners[0]}


async def test_a_counter_that_many_instances_raise_loses_nothing(open_state):
    await open_state().put("p", "counter", {"n": 0}, None)

    async def raise_it(times):
        store = open_state()
        while times:
            entry = await store.get("p", "counter")
            try:
                await store.put("p", "counter", {"n": entry.value["n"] + 1}, entry.etag)
            except Conflict:
                continue
            times -= 1

    await asyncio.gather(*(raise_it(10) for _ in range(4)))
    assert (await open_state().get("p", "counter")).value == {"n": 40}


def _count_up(path, times):
    async def run():
        store = SqliteState(path)
        for index in range(times):
            await store.replace("p", f"own-{multiprocessing.current_process().pid}-{index}", {})
        done = 0
        while done < times:
            entry = await store.get("p", "counter")
            try:
                if entry is None:
                    await store.put("p", "counter", {"n": 1}, None)
                else:
                    await store.put("p", "counter", {"n": entry.value["n"] + 1}, entry.etag)
            except Conflict:
                continue
            done += 1
        await store.close()

    asyncio.run(run())


async def test_processes_share_a_new_file_from_its_first_moment(tmp_path):
    path = tmp_path / "state.db"
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_count_up, args=(path, 25)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    store = SqliteState(path)
    assert (await store.get("p", "counter")).value == {"n": 75}
    assert len(await store.entries("p", "own-")) == 75
    await store.close()


async def test_a_file_that_is_no_database_is_one_clear_line(tmp_path):
    path = tmp_path / "state.db"
    path.write_text("this is no database, it only lies in the place of one")
    with pytest.raises(StorageError, match=r"state .*state\.db: file is not a database; check") as error:
        await SqliteState(path).get("p", "k")
    assert isinstance(error.value.__cause__, sqlite3.Error)


async def test_a_state_goes_on_after_close(state):
    await state.replace("p", "k", {"n": 1})
    await state.close()
    assert (await state.get("p", "k")).value == {"n": 1}


@pytest.mark.parametrize("write", [True, False])
async def test_a_missing_identity_is_told_with_what_to_do_about_it(monkeypatch, write):
    class NobodySignedIn:
        def __init__(self, **_options):
            pass

        def get_token(self, *_scopes, **_options):
            raise ClientAuthenticationError("no credential is set up")

        get_token_info = get_token

    monkeypatch.setattr("azure.identity.DefaultAzureCredential", NobodySignedIn)
    state = TableState(account_name="arbprod")
    with pytest.raises(
        StorageError, match=r"no credential is set up; sign in \(az login\), or check AZURE_CLIENT_ID"
    ):
        await (state.put("a", "b", {}, None) if write else state.get("a", "b"))
    await state.close()

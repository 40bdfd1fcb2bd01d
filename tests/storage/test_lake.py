import asyncio
import os
import uuid

import pytest
from azure.core.exceptions import HttpResponseError

from shared.adapters.azure_storage import BlobLake
from shared.adapters.embedded import FileLake
from shared.errors import InputError, NotFound, StorageError

NAMES = [
    "live/reference/ab.json.gz",
    "live/scans/date=2026-11-21/hour=23/20261121T235959000Z-aa.json.gz",
    "live/scans/date=2026-11-22/hour=00/20261122T000000000Z-ab.json.gz",
    "live/scans/date=2026-11-22/hour=00/20261122T001500000Z-00.json.gz",
    "live/scans/date=2026-11-22/hour=01/20261122T010000000Z-ff.json.gz",
    "live/scans-old/x",
    "live/scans.txt",
    "live/trades/date=2026-11-22/hour=00/20261122T000000000Z-ab.json.gz",
    "simulated/scans/x",
]


async def listed(lake, prefix, after=""):
    return [name async for name in lake.names(prefix, after)]


@pytest.fixture
async def filled(lake):
    for name in NAMES:
        await lake.write(name, name.encode())
    return lake


async def test_a_blob_reads_back_as_it_was_written(lake):
    data = bytes(range(256)) * 4096
    await lake.write("live/a.bin", data)
    assert await lake.read("live/a.bin") == data


async def test_an_empty_blob_is_a_blob(lake):
    await lake.write("live/empty", b"")
    assert await lake.read("live/empty") == b""
    assert await lake.exists("live/empty")


async def test_writing_again_replaces_the_blob(lake):
    await lake.write("live/a", b"first")
    await lake.write("live/a", b"2nd")
    assert await lake.read("live/a") == b"2nd"


async def test_a_missing_blob_is_named_in_the_error(lake):
    with pytest.raises(NotFound, match="live/none"):
        await lake.read("live/none")
    assert not await lake.exists("live/none")


async def test_a_deleted_blob_is_gone_and_deleting_it_again_is_no_error(filled):
    await filled.delete(NAMES[0])
    await filled.delete(NAMES[0])
    await filled.delete("live/scans.txt/under-a-blob")
    assert not await filled.exists(NAMES[0])
    assert await listed(filled, "") == sorted(NAMES[1:])


async def test_names_come_in_the_order_of_their_text(filled):
    assert await listed(filled, "") == sorted(NAMES)


@pytest.mark.parametrize(
    "prefix",
    ["live/", "live/scans", "live/scans/", "live/scans/date=2026-11-22/hour=00/2026", "none/", "live/sc"],
)
async def test_only_names_under_the_prefix_are_listed(filled, prefix):
    assert await listed(filled, prefix) == sorted(name for name in NAMES if name.startswith(prefix))


@pytest.mark.parametrize(
    "after", [*NAMES, "live/scans/date=2026-11-22/hour=00", "live/scans/date=2026-11-22/hour=00/", "zzz"]
)
async def test_listing_goes_on_after_a_name(filled, after):
    assert await listed(filled, "live/", after) == sorted(
        name for name in NAMES if name.startswith("live/") and name > after
    )


async def test_an_empty_lake_lists_nothing(lake):
    assert await listed(lake, "live/") == []


async def test_more_names_than_a_page_are_all_listed(lake):
    names = [f"live/many/{index:04d}" for index in range(40)]
    await asyncio.gather(*(lake.write(name, b"x") for name in names))
    assert await listed(lake, "live/many/") == names


@pytest.mark.parametrize(
    "name",
    [
        "../escape",
        "/etc/passwd",
        "live/../../x",
        "live//x",
        "live/",
        "",
        "live/.hidden",
        "a\\b",
        "a\0b",
        "x" * 201,
        "C:x",
        "a?b",
        "a#b",
        "é",
    ],
)
async def test_a_name_that_could_leave_the_lake_is_refused(lake, name):
    for use in (lake.read(name), lake.write(name, b""), lake.exists(name), lake.delete(name)):
        with pytest.raises(InputError, match="blob name"):
            await use


async def test_concurrent_writers_leave_one_whole_blob(lake):
    contents = [bytes([65 + index]) * 50_000 for index in range(8)]
    await asyncio.gather(*(lake.write("live/contested", content) for content in contents))
    assert await lake.read("live/contested") in contents
    assert await listed(lake, "") == ["live/contested"]


async def test_folders_without_a_wanted_name_are_never_listed(filled, monkeypatch):
    visited = []
    list_folder = filled._list

    async def watched(folder):
        visited.append(folder)
        return await list_folder(folder)

    monkeypatch.setattr(filled, "_list", watched)
    await listed(filled, "live/scans/", "live/scans/date=2026-11-22/hour=00/20261122T000000000Z-ab.json.gz")
    assert visited == [
        "live/scans/",
        "live/scans/date=2026-11-22/",
        "live/scans/date=2026-11-22/hour=00/",
        "live/scans/date=2026-11-22/hour=01/",
    ]


def forbidden(*_args, **_options):
    error = HttpResponseError("not authorized")
    error.status_code = 403
    raise error


async def test_an_empty_folder_of_a_hierarchical_namespace_is_removed_where_a_walk_meets_it(
    azurite, monkeypatch
):
    lake = BlobLake(connection_string=azurite, container=f"lake-{uuid.uuid4().hex[:12]}")
    await lake.write(
        "live/scans/hour=00", b"stands for the folder: the emulator has no hierarchical namespace"
    )
    await lake.write("live/scans/hour=01/x", b"x")
    real = BlobLake._list

    async def hierarchical(self, folder):
        if folder == "live/scans/hour=00/":
            return [], []
        folders, blobs = await real(self, folder)
        return [*folders, *(f"{blob}/" for blob in blobs if blob == "live/scans/hour=00")], [
            blob for blob in blobs if blob != "live/scans/hour=00"
        ]

    monkeypatch.setattr(BlobLake, "_list", hierarchical)
    assert await listed(lake, "live/scans/hour=00/") == []
    assert await lake.exists("live/scans/hour=00"), "who asks for a folder by name may be about to fill it"
    with monkeypatch.context() as readers:
        readers.setattr("azure.storage.blob.ContainerClient.delete_blob", forbidden)
        assert await listed(lake, "live/") == ["live/scans/hour=01/x"], "who may only read reads"
    assert await listed(lake, "live/") == ["live/scans/hour=01/x"]
    assert not await lake.exists("live/scans/hour=00")
    assert await listed(lake, "live/") == ["live/scans/hour=01/x"]
    await lake.close()


async def test_a_write_that_fails_leaves_the_old_blob_and_no_rubbish(tmp_path, monkeypatch):
    lake = FileLake(tmp_path)
    await lake.write("live/a", b"old")

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="cannot write live/a: No space left on device"):
        await lake.write("live/a", b"new")
    monkeypatch.undo()
    assert await lake.read("live/a") == b"old"
    assert [path.name for path in (tmp_path / "live").iterdir()] == ["a"]


async def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError) as error:
        await FileLake(tmp_path / "file" / "lake").write("live/a", b"x")
    assert "cannot write live/a" in str(error.value)
    assert "DATA_DIR" in str(error.value)
    assert "\n" not in str(error.value)

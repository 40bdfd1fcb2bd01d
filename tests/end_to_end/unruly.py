"""Product processes to be killed: their database fails and drops connections, their messages come twice, unordered.

Run as a command it imports the product once and forks a process a line of its input, so that a kill costs little:
`start SEED` answers with the process id, `bury` waits for its end.
"""

import asyncio
import os
import random
import signal
import sqlite3
import sys
import traceback
from pathlib import Path

from sqlalchemy import Engine, event
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from localhost import host as hosting
from localhost.indexing import load_app
from localhost.queues import Queues
from shared import loading, upkeep
from shared.adapters import azure_storage, embedded, parquet, sql  # noqa: F401 - before the fork, not after each
from shared.adapters.sql import loading as sql_loading  # noqa: F401 - as above
from shared.adapters.sql import reading  # noqa: F401 - as above

APP = Path(__file__).parents[2] / "function_app.py"
BUSY, DROPPED, UNHEARD, TWICE, UNEXPECTED = "busy", "dropped", "unheard commit", "twice", "unexpected"
BUSY_SHARE, DROPPED_SHARE, UNHEARD_SHARE = 0.03, 0.02, 0.4
WATCH_EVERY_S = 0.3
LATER_MS = 400


class Diary:
    """What went wrong on purpose, a line each, kept across kills."""

    def __init__(self, path):
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def tell(self, line):
        os.write(self._file, f"{line}\n".encode())


def break_database(diary):
    """Statements fail or find their connection gone; some commits are done and not answered."""

    @event.listens_for(Engine, "before_cursor_execute")
    def cut(connection, _cursor, statement, *_rest):
        if statement.startswith("PRAGMA"):
            return
        chance = random.random()
        if chance < BUSY_SHARE:
            diary.tell(BUSY)
            raise sqlite3.OperationalError("database is locked")
        if chance < BUSY_SHARE + DROPPED_SHARE:
            diary.tell(DROPPED)
            connection.connection.dbapi_connection.close()

    commit = SQLiteDialect_pysqlite.do_commit

    def commit_unheard(dialect, connection):
        commit(dialect, connection)
        if random.random() < UNHEARD_SHARE:
            diary.tell(UNHEARD)
            raise sqlite3.OperationalError("disk I/O error")

    SQLiteDialect_pysqlite.do_commit = commit_unheard


class UnrulyQueues(Queues):
    """Delivers each message twice, sooner or later, in any order."""

    diary = None

    def send(self, messages):
        super().send(messages * 2)
        self.diary.tell(TWICE)
        self._store.connection.execute(
            "UPDATE messages SET inserted_at = abs(random() % 1000000), "
            "visible_at = visible_at + abs(random() % ?) / 1000.0 WHERE claimed = 0 AND dequeue_count = 0",
            (LATER_MS,),
        )


async def keep_invoking(host, timer, diary, pause_s=0.0):
    while True:
        try:
            await host.invoke_timer(timer)
        except Exception:  # noqa: BLE001 - told in the diary, which the test reads
            diary.tell(f"{UNEXPECTED} in {timer}: {traceback.format_exc()!r}")
        await asyncio.sleep(pause_s)


async def end_with(parent):
    """No process outlives the command that started it."""
    while os.getppid() == parent:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.2)
    os._exit(1)


async def live(data_dir, diary):
    async with hosting.Host(APP, data_dir) as host:
        await asyncio.gather(
            end_with(os.getppid()),
            keep_invoking(host, "scan_timer", diary),
            keep_invoking(host, "watchdog_timer", diary, WATCH_EVERY_S),
        )


def be_unruly(seed, data_dir, diary):
    random.seed(seed)
    UnrulyQueues.diary = diary
    hosting.Queues = UnrulyQueues
    upkeep.SETTLING_MS = 500
    loading.LOAD_BACKOFF_MS, loading.LOAD_BACKOFF_LIMIT_MS = 100, 400
    break_database(diary)
    try:
        asyncio.run(live(data_dir, diary))
    except BaseException:
        diary.tell(f"{UNEXPECTED} end: {traceback.format_exc()!r}")
        raise


def answer(value):
    sys.stdout.write(f"{value}\n")
    sys.stdout.flush()


def main():
    data_dir = Path(os.environ["DATA_DIR"])
    diary = Diary(sys.argv[1])
    load_app(APP)
    process = 0
    for line in sys.stdin:
        command, _, seed = line.strip().partition(" ")
        if command == "start":
            process = os.fork()
            if not process:
                be_unruly(int(seed), data_dir, diary)
            answer(process)
        else:
            answer(os.waitpid(process, 0)[1] == signal.SIGKILL)


if __name__ == "__main__":
    main()

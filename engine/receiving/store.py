"""The profiles that have come in, in SQLite: each report once, in one transaction, by a thread of its own.

    reports    the body of each POST, packed, as it came
    profiles   one row for each profile: what a list needs, and where its report is

What has been acknowledged has been synced to disk. Reports that wait for the same sync share it.
"""

from __future__ import annotations

import contextlib
import queue
import sqlite3
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from .report import PACKING, agent_of, hottest

if TYPE_CHECKING:
    from collections.abc import Callable

    from .report import Report

    T = TypeVar("T")
    _Job = Callable[[sqlite3.Connection], None]

VERSION = 1
"""Of the tables; `user_version` in the file."""
_COLUMNS_BEFORE = frozenset({"profile_id", "report", "content_type"})
"""By which the only table of the first version is known."""
MAX_TOGETHER = 64
"""Reports in one transaction."""
TIDY_INTERVAL_S = 60.0
_TIDY_SHARE = 0.05
"""Of the reports, the oldest, that go at a time where there are too many bytes."""

_SCHEMA = f"""
PRAGMA page_size = 8192;
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS reports (
    id INTEGER PRIMARY KEY,
    received_at REAL NOT NULL,
    agent_version TEXT NOT NULL,
    peer TEXT NOT NULL,
    content_type TEXT NOT NULL,
    packing TEXT NOT NULL,
    body BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS profiles (
    id INTEGER PRIMARY KEY,
    profile_id TEXT NOT NULL UNIQUE,
    report INTEGER NOT NULL,
    position INTEGER NOT NULL,
    began_at REAL NOT NULL,
    duration_secs REAL NOT NULL,
    language TEXT NOT NULL,
    agent TEXT NOT NULL,
    total_samples INTEGER NOT NULL,
    hottest TEXT NOT NULL
);
PRAGMA user_version = {VERSION};
"""


class CannotOpen(Exception):
    """The file cannot be used as a database; the text says why."""


@dataclass(frozen=True, slots=True)
class Retention:
    age_s: float | None = None
    """Reports that came longer ago go."""
    size_bytes: int | None = None
    """The oldest reports go while the file is larger."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a report."""

    new: int
    duplicates: int


class Store:
    """Every method may be called from any thread and returns at once; futures raise `sqlite3.Error`."""

    def __init__(self, name: str, retention: Retention | None = None) -> None:
        """`name` is a file's, or `:memory:`. Raises `CannotOpen`."""
        self._retention = retention or Retention()
        self._jobs: queue.SimpleQueue[_Job | _Wish | None] = queue.SimpleQueue()
        opened: Future[None] = Future()
        self._thread = threading.Thread(target=self._work, args=(name, opened), name="store", daemon=True)
        self._thread.start()
        try:
            opened.result()
        except (sqlite3.Error, OSError) as error:
            raise CannotOpen(str(error)) from None

    def add(self, report: Report) -> Future[Stored]:
        """Keep what of `report` is not there yet; done when it is on disk."""
        wish = _Wish(report, Future())
        self._jobs.put(wish)
        return wish.told

    def ask(self, question: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """What `question` gives for the database, which it must not change."""
        told: Future[T] = Future()

        def answer(database: sqlite3.Connection) -> None:
            try:
                told.set_result(question(database))
            except sqlite3.Error as error:
                told.set_exception(error)

        self._jobs.put(answer)
        return told

    def close(self) -> None:
        """Wait until all that was asked for is done, and let go of the file."""
        self._jobs.put(None)
        self._thread.join()

    def _work(self, name: str, opened: Future[None]) -> None:
        try:
            database = _open(name)
        except (sqlite3.Error, CannotOpen) as error:
            opened.set_exception(error if isinstance(error, sqlite3.Error) else sqlite3.DatabaseError(str(error)))
            return
        opened.set_result(None)
        tidied_s = float("-inf")
        with contextlib.closing(database):
            while True:
                wishes, job = self._next_jobs()
                _keep(database, wishes)
                if time.monotonic() - tidied_s > TIDY_INTERVAL_S:
                    with contextlib.suppress(sqlite3.Error):
                        tidy(database, self._retention)
                    tidied_s = time.monotonic()
                if job is None:
                    return
                job(database)

    def _next_jobs(self) -> tuple[list[_Wish], _Job | None]:
        """All that wait to be stored now, and what was asked for behind them; None for that is the end."""
        wishes: list[_Wish] = []
        while True:
            if wishes and (len(wishes) == MAX_TOGETHER or self._jobs.empty()):
                return wishes, _nothing
            job = self._jobs.get()
            if not isinstance(job, _Wish):
                return wishes, job
            wishes.append(job)


def _nothing(_: sqlite3.Connection) -> None:
    pass


@dataclass(frozen=True, slots=True)
class _Wish:
    report: Report
    told: Future[Stored]


def size_bytes(database: sqlite3.Connection) -> int:
    """Of what is in use, the log of what was written last left out."""
    pages, free, size = (
        int(database.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size


def tidy(database: sqlite3.Connection, retention: Retention) -> int:
    """Drop what is too old or too much, the oldest first; how many reports."""
    dropped = 0
    if retention.age_s is not None:
        dropped += _drop(database, "received_at < ?", time.time() - retention.age_s)
    while retention.size_bytes is not None and size_bytes(database) > retention.size_bytes:
        first, last = database.execute("SELECT min(id), max(id) FROM reports").fetchone()
        if first is None:
            break
        dropped += _drop(database, "id <= ?", first + int((last - first) * _TIDY_SHARE))
    if dropped:
        database.execute("PRAGMA incremental_vacuum").fetchall()
    return dropped


def _drop(database: sqlite3.Connection, which: str, value: float) -> int:
    with database:
        database.execute("BEGIN IMMEDIATE")
        # Written in one transaction each, profiles lie in the order of their reports.
        (last,) = database.execute(f"SELECT max(id) FROM reports WHERE {which}", (value,)).fetchone()  # noqa: S608 - ours
        if last is None:
            return 0
        database.execute("DELETE FROM profiles WHERE report <= ?", (last,))
        return database.execute("DELETE FROM reports WHERE id <= ?", (last,)).rowcount


def _open(name: str) -> sqlite3.Connection:
    database = sqlite3.connect(name, isolation_level=None, check_same_thread=False)
    try:
        database.execute("PRAGMA busy_timeout = 5000")
        _check(database)
        database.executescript(_SCHEMA)
        # What has been acknowledged must survive a power cut, too.
        database.execute("PRAGMA synchronous = FULL")
    except BaseException:
        database.close()
        raise
    return database


def _check(database: sqlite3.Connection) -> None:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if is_of_first_version(database):
        raise CannotOpen(
            "it is of the first version of receive, to which nothing is added any more: name another file for what comes from now on; "
            "view --from FILE opens this one"
        )
    if version not in (0, VERSION) or (version == 0 and tables):
        raise CannotOpen("it is a database of something else, or of another version; name another file")


def is_of_first_version(database: sqlite3.Connection) -> bool:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    return version == 0 and {row[1] for row in database.execute("PRAGMA table_info(profiles)")} >= _COLUMNS_BEFORE


def _keep(database: sqlite3.Connection, wishes: list[_Wish]) -> None:
    """One transaction for all; where it fails, one for each, so that what is too large for a full disk fails alone."""
    if not wishes:
        return
    try:
        with database:
            database.execute("BEGIN IMMEDIATE")
            stored = [_insert(database, wish.report) for wish in wishes]
    except (sqlite3.Error, OverflowError) as error:
        if len(wishes) == 1:
            wishes[0].told.set_exception(error)
        else:
            for wish in wishes:
                _keep(database, [wish])
        return
    for wish, each in zip(wishes, stored, strict=True):
        wish.told.set_result(each)


def _insert(database: sqlite3.Connection, report: Report) -> Stored:
    cursor = database.execute(
        "INSERT INTO reports (received_at, agent_version, peer, content_type, packing, body) VALUES (?, ?, ?, ?, ?, ?)",
        (time.time(), report.agent_version, report.peer, report.content_type, PACKING, report.packed),
    )
    number = cursor.lastrowid
    new = 0
    for position, profile in enumerate(report.profiles):
        new += database.execute(
            "INSERT OR IGNORE INTO profiles (profile_id, report, position, began_at, duration_secs, language, agent, "
            "total_samples, hottest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(profile.profile_id, number, position, profile.began_at.timestamp(), profile.duration_s),
                *(profile.language, agent_of(profile, report.peer), profile.total_samples, hottest(profile)),
            ),
        ).rowcount
    if not new:
        # Nothing in it is news: sent again, because our answer was lost.
        database.execute("DELETE FROM reports WHERE id = ?", (number,))
    return Stored(new, len(report.profiles) - new)

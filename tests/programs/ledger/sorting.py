"""SQLite sorts with threads of its own while Python waits for it; prints what its own clocks say: functions, then all."""

import resource
import sqlite3
import sys
import time


def fill(database, rows):
    database.execute("create table rows(a)")
    numbers = "with recursive n(i) as (select 1 union all select i + 1 from n where i < ?)"
    database.execute(numbers + " insert into rows select random() from n", [rows])


def sort(database):
    database.execute("create index sorted on rows(a)")


if __name__ == "__main__":
    database = sqlite3.connect(":memory:")
    # What does not fit into a cache of this size is sorted in temporary files, by threads.
    database.executescript("pragma threads = 4; pragma temp_store = 1; pragma cache_size = -1000;")
    fill(database, int(sys.argv[1]) if len(sys.argv) > 1 else 2_000_000)
    sort(database)
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(time.thread_time(), used.ru_utime + used.ru_stime, flush=True)

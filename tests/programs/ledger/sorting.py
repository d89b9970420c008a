"""SQLite sorts with threads of its own while Python waits for it; prints what its own clocks say: functions, then all."""

import resource
import sqlite3
import time


def fill(database):
    database.execute("create table rows(a)")
    numbers = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000000)"
    database.execute(numbers + " insert into rows select random() from n")


def sort(database):
    database.execute("create index sorted on rows(a)")


if __name__ == "__main__":
    database = sqlite3.connect(":memory:")
    # What does not fit into a cache of this size is sorted in temporary files, by threads.
    database.executescript("pragma threads = 4; pragma temp_store = 1; pragma cache_size = -1000;")
    fill(database)
    sort(database)
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(time.thread_time(), used.ru_utime + used.ru_stime, flush=True)

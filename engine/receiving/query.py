"""What the store knows: a list of what came last, sums, and the profiles of a range as one run."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ..formats.wire import decode
from ..profile.recording import from_profiles
from .report import unpack
from .store import VERSION, is_of_first_version, size_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..profile.profile import Profile
    from ..profile.recording import Recording

NEWEST = 50
MOST_AGENTS = 100


@dataclass(frozen=True, slots=True)
class ProfileRow:
    received_at: datetime
    agent: str
    language: str
    duration_s: float
    total_samples: int
    hottest: str


@dataclass(frozen=True, slots=True)
class AgentRow:
    agent: str
    profiles: int
    total_samples: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Overview:
    profiles: int
    reports: int
    size_bytes: int
    newest: tuple[ProfileRow, ...]
    """The last `NEWEST`, newest first."""
    agents: tuple[AgentRow, ...]
    """The `MOST_AGENTS` that reported last."""


def overview(database: sqlite3.Connection) -> Overview:
    newest = database.execute(
        "SELECT received_at, agent, language, duration_secs, total_samples, hottest FROM profiles "
        "JOIN reports ON reports.id = profiles.report ORDER BY profiles.id DESC LIMIT ?",
        (NEWEST,),
    )
    agents = database.execute(
        "SELECT agent, count(*), sum(total_samples), max(received_at) FROM profiles "
        "JOIN reports ON reports.id = profiles.report GROUP BY agent ORDER BY max(received_at) DESC LIMIT ?",
        (MOST_AGENTS,),
    )
    (profiles,), (reports,) = (
        database.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - ours
        for table in ("profiles", "reports")
    )
    return Overview(
        profiles,
        reports,
        size_bytes(database),
        tuple(ProfileRow(_moment(at), *rest) for at, *rest in newest),
        tuple(AgentRow(agent, number, samples, _moment(at)) for agent, number, samples, at in agents),
    )


@dataclass(frozen=True, slots=True)
class Selection:
    since: datetime | None = None
    """Windows that began earlier are left out."""
    until: datetime | None = None
    language: str = ""
    """As in the contract: `Python`; empty for all."""
    agent: str = ""
    """A part of what the page calls the agent; empty for all."""

    def takes(self, profile: Profile) -> bool:
        """Whether it is of these, as far as it tells itself: that is not by whom it was sent."""
        is_in_time = (not self.since or profile.began_at >= self.since) and (
            not self.until or profile.began_at <= self.until
        )
        return is_in_time and self.language in ("", profile.language) and not self.agent


def recording_of(file: Path, selection: Selection) -> Recording:
    """What the database in `file` has of `selection`, as one run. Raises `OSError`, and `ValueError` where there is none, with a line that says why."""
    with file.open("rb"):
        pass  # sqlite3's own words say neither which file nor why
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as database:
            is_first = is_of_first_version(database)
            if not is_first and database.execute("PRAGMA user_version").fetchone()[0] != VERSION:
                raise ValueError("it is no database of multi_lang_profiler receive")
            try:
                return from_profiles((_of_first_version if is_first else _profiles)(database, selection))
            except ValueError as error:
                if "holds no profiles" in str(error):
                    raise ValueError("it holds no profiles of that range, language and agent") from None
                raise
    except sqlite3.Error as error:
        raise ValueError(f"it cannot be read as a database: {error}") from None


def _profiles(database: sqlite3.Connection, selection: Selection) -> Iterator[Profile]:
    """In the order of their windows. A report's body is unpacked once, however many of its profiles are asked for."""
    found = database.execute(
        "SELECT report, position FROM profiles WHERE (?1 IS NULL OR began_at >= ?1) AND (?2 IS NULL OR began_at <= ?2) "
        "AND (?3 = '' OR language = ?3) AND (?4 = '' OR instr(agent, ?4)) ORDER BY began_at, id",
        (
            selection.since.timestamp() if selection.since else None,
            selection.until.timestamp() if selection.until else None,
            *(selection.language, selection.agent),
        ),
    ).fetchall()
    kept: dict[int, tuple[Profile, ...]] = {}
    for report, position in found:
        if report not in kept:
            if len(kept) > 8:
                kept.clear()
            body, content_type = database.execute(
                "SELECT body, content_type FROM reports WHERE id = ?", (report,)
            ).fetchone()
            kept[report] = unpack(body, content_type).profiles
        yield kept[report][position]


def _of_first_version(database: sqlite3.Connection, selection: Selection) -> Iterator[Profile]:
    """Of a database that `receive` writes no more: each profile had its whole report beside it, and nobody's name."""
    rows = database.execute("SELECT profile_id, report, content_type FROM profiles ORDER BY began_at, profile_id")
    last, profiles = b"", {}
    for profile_id, body, content_type in rows:
        if body != last:
            last, profiles = body, {each.profile_id: each for each in decode(body, content_type).profiles}
        if (profile := profiles.get(profile_id)) and selection.takes(profile):
            yield profile


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)

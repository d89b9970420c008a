"""`--summary json`: a run's summary as one line of JSON, for scripts."""

from __future__ import annotations

import json
from functools import reduce
from typing import TYPE_CHECKING, Any

from ..profile.locks import LockLooks, by_function
from ..profile.profile import HOT_FUNCTIONS, percentage
from ..text import printable_json
from .snapshot import ReporterPhase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .snapshot import ReporterState, Snapshot
    from .threshold import Verdict


def json_summary(snapshot: Snapshot, verdicts: Sequence[Verdict]) -> str:
    """One line. Times are in seconds, shares in per cent, lines count from 1, 0 where the runtime does not say; null is unknown."""
    program, sampling = snapshot.program, snapshot.sampling
    ended_s = program.ended_s if program.ended_s is not None else snapshot.taken_s
    text = json.dumps(
        {
            "command": program.command,
            "language": program.language,
            "exit_status": program.exit_status,
            "error": program.error or None,
            "duration_secs": round(ended_s - program.started_s, 3) if program.started_s else 0.0,
            "sampled_secs": round(sampling.covered_s, 3),
            "mode": sampling.mode,
            "asked_hz": sampling.asked_hz,
            "achieved_hz": round(sampling.achieved_hz, 1) if sampling.achieved_hz is not None else None,
            "samples": snapshot.counts.total,
            "lost_samples": sampling.lost_samples,
            "doubts": list(sampling.doubts),
            "cpu": snapshot.ledger.as_object() if snapshot.ledger else None,
            **_lock(reduce(LockLooks.plus, snapshot.locks.values()) if snapshot.locks else None),
            "hot_functions": _hot_functions(snapshot),
            "reports": _reports(snapshot.reporter),
            "fail_if": [
                {"expression": verdict.threshold.text, "percent": verdict.percent, "failed": verdict.failed}
                for verdict in verdicts
            ],
        },
        ensure_ascii=False,
    )
    return printable_json(text)


def _hot_functions(snapshot: Snapshot) -> list[dict[str, Any]]:
    table, total = snapshot.table, snapshot.counts.total
    folder = f"{snapshot.program.working_folder}/"
    locks = by_function(snapshot.locks, table.leaves)
    ranked = sorted(snapshot.self_samples.items(), key=lambda item: -item[1])[:HOT_FUNCTIONS]
    return [
        {
            "name": table.functions[function].name,
            "file": table.functions[function].file.removeprefix(folder),
            "line": table.line_of(function),
            "self_percent": percentage(samples, total),
            "total_percent": percentage(snapshot.total_samples[function], total),
            "self_samples": samples,
            "total_samples": snapshot.total_samples[function],
            **_lock(locks.get(function)),
        }
        for function, samples in ranked
    ]


def _lock(looks: LockLooks | None) -> dict[str, dict[str, int]]:
    """How often threads were met running with Python's lock and so on; nothing where nobody asked."""
    return {"gil_looks": looks._asdict()} if looks else {}


def _reports(reporter: ReporterState) -> dict[str, int] | None:
    if reporter.phase is ReporterPhase.OFF:
        return None
    # accepted = delivered + discarded + kept_on_disk + lost; of those kept on disk, set_aside will not be sent again.
    return {
        "accepted": reporter.accepted,
        "delivered": reporter.delivered,
        "discarded": reporter.discarded,
        "undelivered": reporter.buffered,
        "kept_on_disk": reporter.kept_on_disk,
        "set_aside": reporter.set_aside,
        "lost": reporter.lost,
    }

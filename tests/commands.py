"""Runs the commands of real projects with and without the profiler, and says what was seen of them and what it cost.

python -m tests.commands                all, in some five minutes; installs packages from PyPI, npm and Maven Central into a temporary folder
python -m tests.commands vite pytest    some
python -m tests.commands --screen make  on the screen, in tmux: the function that is wanted must show, and what is printed last, and the exit status be the command's

Each line: the command; its status and what it printed, which must be the same without us; for each language the samples and the
hottest function that the project itself has, which must be the one that is wanted. Ends with 1 if a line is not as it should be.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multi_lang_profiler.engine.processes import process_cpu_ns, read_file, thread_ids
from tests.command_projects import DEADLINE_S, PROJECTS, Project
from tests.support.command import COMMAND
from tests.support.tmux import STATUS, Terminal

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Run:
    status: int
    output: str
    wall_s: float
    cpu_s: float
    """Of all processes together, ours too."""
    agent_cpu_s: float
    helpers_cpu_s: float
    """Of processes of ours beside the command."""
    profiles: list[dict[str, Any]]
    lines: list[str]


def main(projects: dict[str, Callable[[Path], Project]]) -> int:
    is_on_screen = "--screen" in sys.argv
    names = [word for word in sys.argv[1:] if word != "--screen"] or list(projects)
    failed = False
    for name in names:
        with tempfile.TemporaryDirectory(prefix=f"{name}-") as folder:
            project = projects[name](Path(folder))
            bare = run(project, [])
            if is_on_screen:
                failed |= not tell_screen(name, project, bare)
                continue
            profiled = run(project, [str(COMMAND), "--no-tui", "--json", "run.json", "--"])
            failed |= not tell(name, project, bare, profiled)
    return int(failed)


def tell(name: str, project: Project, bare: Run, profiled: Run) -> bool:
    """Print what there was; whether all is as it should be."""
    same = bare.status == profiled.status and (
        re.findall(project.compared, bare.output) == re.findall(project.compared, profiled.output)
    )
    print(f"\n{name}: {' '.join(project.command)}")
    print(f"  status {bare.status} bare, {profiled.status} profiled; output {'the same' if same else 'DIFFERS'}")
    share, of_helpers = (used_s / profiled.wall_s for used_s in (profiled.agent_cpu_s, profiled.helpers_cpu_s))
    print(
        f"  {bare.wall_s:.1f} s bare, {profiled.wall_s:.1f} s profiled; CPU {bare.cpu_s:.1f} and {profiled.cpu_s:.1f} s"
    )
    print(f"  agent {100 * share:.1f}% of a core, its helpers beside the command {100 * of_helpers:.1f}%")
    if not same:
        print(f"--- bare\n{bare.output[-2000:]}\n--- profiled\n{profiled.output[-2000:]}")
    fine = same
    for language, function in project.wanted.items():
        seen = [profile for profile in profiled.profiles if profile["language"] == language]
        found = own_hottest(seen[0], project.folder) if seen else "nothing"
        samples = seen[0]["runtime_analysis"]["total_samples"] if seen else 0
        source = seen[0]["source_file"] if seen else ""
        fine &= function in found
        verdict = "" if function in found else f", WANTED {function}"
        print(f"  {language}: {samples} samples, main program {source}, hottest of its own {found}{verdict}")
    if project.told and not any(project.told in line for line in profiled.lines):
        print(f"  WANTED in the lines: {project.told}")
        fine = False
    if project.at_most_percent is not None and 100 * share > project.at_most_percent:
        print(f"  WANTED of the agent: {project.at_most_percent:g}% at most")
        fine = False
    telling = ("⚠️", "CPU time", "  not in")
    for line in profiled.lines[-20:] if not fine else [line for line in profiled.lines if line.startswith(telling)]:
        print(f"  | {line}")
    return fine


def tell_screen(name: str, project: Project, bare: Run) -> bool:
    """Run it in tmux with our screen, and print what shows; whether the wanted functions and the last line of the output did, and we end with its status."""
    unseen = set(project.wanted.values()) - {""}
    printed = _COLOURS.sub("", "\n".join(re.findall(project.compared, bare.output))).split("\n")
    last = next((line.strip() for line in reversed(printed) if line.strip()), "")
    words = [*project.around, str(COMMAND), "--", *project.command]
    with Terminal(
        words, size=(160, 50), folder=project.folder, environment={**os.environ, **project.environment}
    ) as it:

        def look() -> str:
            shown = it.text()
            unseen.difference_update([each for each in unseen if each in shown])
            return shown

        driving = threading.Thread(target=project.drive or (lambda: None))
        driving.start()
        ends_s = time.monotonic() + DEADLINE_S
        while driving.is_alive():
            look()
            time.sleep(0.5)
        if project.drive:
            os.kill(it.pid, project.ending)
        while not (_HAS_ENDED.search(look()) or STATUS.search(it.text())) and time.monotonic() < ends_s:
            time.sleep(0.2)
        shown = look()
        it.press("8")
        is_printed = _shows(it, last)
        # The screen stays when the program has ended, until we leave it.
        while STATUS.search(it.text()) is None and time.monotonic() < ends_s:
            it.press("q")
            time.sleep(0.5)
        ended = STATUS.search(it.text())
    fine = ended is not None and int(ended[1]) == bare.status and not unseen and is_printed
    print(f"\n{name}: {' '.join(project.command)}, on the screen", flush=True)
    print(
        f"  status {bare.status} bare, {ended[1] if ended else 'NONE'} on the screen; {shown.splitlines()[0].strip()}"
    )
    print(f"  printed last: {last or 'nothing that can be compared'}{'' if is_printed else ', WANTED in the output'}")
    print(
        f"  shown: {', '.join(set(project.wanted.values()) - unseen) or 'nothing'}{', WANTED ' + ', '.join(unseen) if unseen else ''}"
    )
    if not fine:
        print(shown)
    return fine


def _shows(terminal: Terminal, line: str) -> bool:
    """Whether it comes to show `line`, within some seconds."""
    ends_s = time.monotonic() + 5
    while not (is_shown := line in terminal.text()) and time.monotonic() < ends_s:
        time.sleep(0.1)
    return is_shown


_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_HAS_ENDED = re.compile(r"(exited|ended|killed|died) .* after \d")


def own_hottest(profile: dict[str, Any], folder: Path) -> str:
    """The function of the project's own files with most samples anywhere on the stack of."""
    stats = profile["runtime_analysis"]["function_stats"].values()
    outside = ("node_modules", "site-packages", "/venv/", "node:")
    own = [each for each in stats if each["file_path"] and not any(part in each["file_path"] for part in outside)]
    own = [
        each
        for each in own
        if not each["file_path"].startswith(("/", "<")) or each["file_path"].startswith(str(folder))
    ]
    hottest = sorted(own, key=lambda each: -each["execution_count"])[:1]
    return hottest[0]["name"] if hottest else "nothing"


def run(project: Project, before: list[str]) -> Run:
    report = project.folder / "run.json"
    report.unlink(missing_ok=True)
    with (project.folder / "stdout").open("w+") as stdout, (project.folder / "stderr").open("w+") as stderr:
        began_s, used_s = time.monotonic(), cpu_of_ended_s()
        process = subprocess.Popen(
            [*project.around, *before, *project.command],
            cwd=project.folder,
            env={**os.environ, **project.environment},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
        try:
            if project.drive:
                project.drive()
                process.send_signal(project.ending)
            agent_cpu_s, helpers_cpu_s = wait(process)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        wall_s = time.monotonic() - began_s
        stdout.seek(0)
        stderr.seek(0)
        profiles = json.loads(report.read_text())["profiles"] if report.exists() else []
        code = process.returncode
        return Run(
            code if code >= 0 else 128 - code,
            stdout.read(),
            wall_s,
            cpu_of_ended_s() - used_s,
            agent_cpu_s,
            helpers_cpu_s,
            profiles,
            stderr.read().splitlines(),
        )


def cpu_of_ended_s() -> float:
    """What ended processes under this one have used, as far as they were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def wait(process: subprocess.Popen[bytes]) -> tuple[float, float]:
    """Wait for its end; the CPU time that it used itself, and that its children did but for the first, the command, in seconds."""
    used: dict[int, int] = {}
    ends_s = time.monotonic() + DEADLINE_S
    while process.poll() is None and time.monotonic() < ends_s:
        children = [
            int(pid)
            for task in thread_ids(process.pid)
            for pid in read_file(f"/proc/{process.pid}/task/{task}/children").split()
        ]
        for pid in (process.pid, *children):
            used[pid] = process_cpu_ns(pid) or used.get(pid, 0)
        time.sleep(0.02)
    if process.returncode is None:
        raise SystemExit(f"still running after {DEADLINE_S:g} s: {process.args!r}")
    own_ns, _, *helpers_ns = [*used.values(), 0, 0]
    return own_ns / 1e9, sum(helpers_ns) / 1e9


if __name__ == "__main__":
    sys.exit(main(PROJECTS))

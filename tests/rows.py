"""Programs of which earlier builds said what was not so, or nothing: what is measured of them now, on each version of their runtime.

python -m tests.rows            all, in some ten minutes: Java 17 (or the JDK on PATH), 21, 25 and 27, Go 1.22 to 1.27
python -m tests.rows Go         one language
JAVA_VERSIONS="jdk 27" python -m tests.rows Java        some versions

Each row is a test of its own, tried up to three times as in `tests/run`; a table of Markdown has what the last try measured. Ends with 1 where one fails.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.support.go import BETWEEN, NEWEST

ROOT = Path(__file__).resolve().parents[1]
VERSIONS = {"Java": ("JAVA_VERSIONS", "jdk 21 25 27"), "Go": ("GO_VERSIONS", " ".join([*BETWEEN, NEWEST]))}
ROWS = {
    "Java": {
        "500 short threads: `Shutdown.shutdown`'s share (right: 0)": "test_rows.py::test_the_end_of_the_jvm_has_nothing_of_what_main_used_before",
        "0.2 s of CPU: of main's, in samples or told (right: over 75%)": "test_rows.py::test_what_main_has_used_is_in_samples_or_told",
        "0.1 s of CPU: of main's since `main` began, in samples (right: over 80%)": "test_counts.py::test_the_first_tenth_of_a_second_and_the_last",
        "a security manager that the program sets: of its time, in samples": "test_harm.py::test_a_security_manager_that_the_program_sets",
        "`-Djava.security.manager`: said within 3 s what to do": "test_harm.py::test_a_security_manager_from_the_start_is_told",
        "loops of 5 to 25 ms: shares (right: 50/33/17)": "test_bursts.py::test_a_program_of_a_steady_beat_is_met_everywhere",
        "an inlined method, once the program has paid for it (right: 67%)": "test_inlined.py::test_inlined_methods_are_told_apart_once_a_program_can_pay_for_it",
        "of a program's CPU time, left over (right: under 2%)": "test_rows.py::test_every_second_has_a_name",
        "150 threads of 240 frames: of their time, in samples (right: over 95%)": "test_counts.py::test_many_busy_threads_with_deep_stacks",
    },
    "Go": {
        "`pprof.Do` labels: share of `req: fib` in exports and reports (right: 50%)": "test_labels.py::test_labels_are_in_exports_and_reports",
        "a thread that C made: of the process's CPU time, in samples": "test_unchanged.py::test_the_threads_that_c_made_are_counted",
        "the program's own profile of it (right: 33%)": "test_unchanged.py::test_the_programs_own_profile_has_the_threads_that_c_made",
    },
}


def main() -> int:
    failed = 0
    for language in sys.argv[1:] or ROWS:
        variable, usual = VERSIONS[language]
        versions = (os.environ.get(variable) or usual).split()
        cells = _run(language, variable, versions)
        print(f"\n| {language} | {' | '.join(versions)} |")
        print(f"|---|{'--:|' * len(versions)}")
        for title, test in ROWS[language].items():
            row = [cells[test.partition("::")[2], version] for version in versions]
            failed += any("FAILED" in cell or not cell for cell in row)
            print(f"| {title} | {' | '.join(row)} |", flush=True)
    return 1 if failed else 0


def _run(language: str, variable: str, versions: list[str]) -> dict[tuple[str, str], str]:
    """What was measured, by test and version; what failed says so."""
    folder = f"tests/samplers/{language.lower()}"
    cells: dict[tuple[str, str], str] = defaultdict(str)
    with tempfile.TemporaryDirectory(prefix="mlp-") as temporary:
        results = Path(temporary) / "results.xml"
        pytest = [sys.executable, "-m", "pytest", "-q", "-n", "0", "--reruns", "2", "--basetemp", f"{temporary}/t"]
        kept = ["-o", "junit_family=xunit1", f"--junitxml={results}"]
        tests = [f"{folder}/{test}" for test in ROWS[language].values()]
        environment = {**os.environ, variable: " ".join(versions)}
        subprocess.run([*pytest, *kept, *tests], cwd=ROOT, env=environment, check=False, stdout=sys.stderr)
        for case in ET.parse(results).iter("testcase"):
            name, _, words = case.attrib["name"].removesuffix("]").partition("[")
            version = next(version for version in versions if version in words.split("-"))
            cells[name, version] = _cell(case, cells[name, version])
    return cells


def _cell(case: ET.Element, others: str) -> str:
    """Of a test that has several forms, all of them."""
    measured = [each.attrib["value"] for each in case.iter("property") if each.attrib["name"] == "measured"]
    said = measured[-1] if measured else ""
    if case.find("skipped") is not None:
        said = "–" if "has no" in (case.find("skipped").attrib.get("message") or "") else "not tested"  # type: ignore[union-attr]
    if case.find("failure") is not None or case.find("error") is not None:
        said = f"**FAILED** {said}"
    return ", ".join(filter(None, [others, re.sub(r"\|", "/", said)]))


if __name__ == "__main__":
    sys.exit(main())

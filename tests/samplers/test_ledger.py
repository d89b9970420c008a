"""Every CPU second has a name: real programs in each language, whose own clocks say what is true."""

from __future__ import annotations

import pytest

from tests.ledger import Accounted, accounted
from tests.support.node import majors, node

pytestmark = pytest.mark.alone


@pytest.mark.parametrize(
    ("language", "program", "named"),
    [
        ("python", "threads_and_child.py", ""),
        ("python", "sorting.py", "threads that ended"),
        ("javascript", "workers.cjs", ""),
        ("javascript", "answers.cjs", ""),
        ("java", "Garbage.java", "JIT"),
        ("go", "busy.go", ""),
    ],
)
def test_what_the_kernel_counted_is_accounted_for(language: str, program: str, named: str, tmp_path) -> None:
    """The tree's CPU time is the kernel's; functions have what their threads' clocks say, within 3%, or it is told why not;
    and no more than 2% is left over."""
    check(accounted(language, program, tmp_path), named)


@majors(24)
def test_what_nodes_own_pool_of_threads_uses_has_a_name(major: int, tmp_path) -> None:
    """Asynchronous crypto and compression: JavaScript waits for them, and no sample is of them."""
    check(accounted("javascript", "pool.cjs", tmp_path, "--node", node(major)), "libuv")


def check(found: Accounted, named: str) -> None:
    cpu_s = found.cpu["cpu_secs"]
    # The program reads the kernel's count before its runtime has ended.
    assert found.kernel_s - 0.03 <= cpu_s <= found.kernel_s + 0.4
    assert not found.faults, found.cpu
    assert not named or any(named in name and seconds > 0.1 for name, seconds in found.named.items()), found.cpu


def test_python_threads_without_samples_are_not_taken_for_native_ones(tmp_path) -> None:
    """Of 1,200 threads that use 2 ms each few are sampled; all are Python's, and no second is told twice."""
    program = tmp_path / "many.py"
    program.write_text(
        "import threading, time\n"
        "def work():\n    until = time.thread_time() + 0.002\n    while time.thread_time() < until: pass\n    time.sleep(1)\n"
        "threading.stack_size(1 << 17)\n"
        "threads = [threading.Thread(target=work) for _ in range(1200)]\n"
        "for each in threads: each.start()\n"
        "for each in threads: each.join()\n"
        "print(2.4, time.process_time())\n"
    )
    found = accounted("python", str(program), tmp_path)
    assert found.cpu["native_threads"].get("unnamed", 0.0) < 0.3 * found.functions_s
    assert found.cpu["left_over_secs"] > -0.1 * found.cpu["cpu_secs"]

"""Hand-made runs, as a real engine would show them: a web shop under load, by default three minutes in."""

from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from multi_lang_profiler.engine.analysis.snapshot import (
    Attempt,
    LogLine,
    Mark,
    OutputLine,
    ProgramPhase,
    ProgramState,
    ReporterPhase,
    ReporterState,
    SamplingState,
    Snapshot,
)
from multi_lang_profiler.engine.profile.history import TimelinePoint
from multi_lang_profiler.engine.profile.stacks import Frame, StackCounts, StackTable, count_functions

FOLDER = Path("/home/ada/shop")
SITE = "/home/ada/shop/.venv/lib/python3.12/site-packages"
STDLIB = "/usr/lib/python3.12"
SERVER_TEXT = (Path(__file__).parent.parent / "programs/shop/server.py").read_text()
STARTED_AT = datetime(2026, 11, 24, 9, 30, 0, tzinfo=UTC)
STARTED_S = 1_000.0
RUN_S = 187.0

MAIN = Frame("<module>", f"{FOLDER}/server.py", 41, 1)
SERVE = Frame("serve", f"{SITE}/waitress/__init__.py", 17, 12)
POLL = Frame("Poll.wait", f"{SITE}/waitress/wasyncore.py", 208, 190)
BOOTSTRAP = Frame("Thread._bootstrap", f"{STDLIB}/threading.py", 1032, 1020)
HANDLER = Frame("ThreadedTaskDispatcher.handler_thread", f"{SITE}/waitress/task.py", 84, 78)
WSGI = Frame("Flask.wsgi_app", f"{SITE}/flask/app.py", 1511, 1473)
DISPATCH = Frame("Flask.full_dispatch_request", f"{SITE}/flask/app.py", 917, 906)
CHECKOUT = Frame("checkout", f"{FOLDER}/server.py", 88, 80)
SEARCH = Frame("search", f"{FOLDER}/server.py", 63, 58)
CATALOGUE = Frame("catalogue_page", f"{FOLDER}/server.py", 71, 67)
SCORE = Frame("score_products", f"{FOLDER}/shop/search.py", 47, 31)
TOKENS = Frame("tokenize", f"{FOLDER}/shop/search.py", 19, 12)
LEVENSHTEIN = Frame("levenshtein", f"{FOLDER}/shop/search.py", 102, 88)
CART_TOTAL = Frame("Cart.total", f"{FOLDER}/shop/cart.py", 37, 29)
DISCOUNT = Frame("DiscountRules.apply", f"{FOLDER}/shop/pricing.py", 58, 44)
SIGN = Frame("sign_order", f"{FOLDER}/shop/orders.py", 21, 15)
PBKDF2 = Frame("pbkdf2_hmac", f"{STDLIB}/hashlib.py", 247, 199)
ENCODE = Frame("JSONEncoder.iterencode", f"{STDLIB}/json/encoder.py", 260, 205)
DUMPS = Frame("dumps", f"{STDLIB}/json/__init__.py", 231, 183)
DECIMAL = Frame("Decimal.__mul__", f"{STDLIB}/_pydecimal.py", 1181, 1141)
RENDER = Frame("Template.render", f"{SITE}/jinja2/environment.py", 1292, 1269)
ROOT = Frame("root", "<template>", 12, 1)
ESCAPE = Frame("escape", f"{SITE}/markupsafe/_native.py", 8, 4)
REGEX = Frame("Pattern.sub", f"{STDLIB}/re/__init__.py", 186, 179)
SESSION = Frame("SecureCookieSessionInterface.open_session", f"{SITE}/flask/sessions.py", 337, 330)
LOGGER = Frame("Logger._log", f"{STDLIB}/logging/__init__.py", 1626, 1610)
EMIT = Frame("StreamHandler.emit", f"{STDLIB}/logging/__init__.py", 1163, 1144)
CLEANUP = Frame("expire_sessions", f"{FOLDER}/shop/sessions.py", 33, 20)

REQUEST = (BOOTSTRAP, HANDLER, WSGI, DISPATCH)

SHOP: tuple[tuple[tuple[Frame, ...], int, int], ...] = (
    # stack, samples over the whole run, worker threads it was seen on
    ((*REQUEST, SEARCH, SCORE, LEVENSHTEIN), 4_211, 4),
    ((*REQUEST, SEARCH, SCORE), 1_904, 4),
    ((*REQUEST, SEARCH, SCORE, TOKENS, REGEX), 1_377, 4),
    ((*REQUEST, SEARCH, SCORE, TOKENS), 812, 4),
    ((*REQUEST, CHECKOUT, SIGN, PBKDF2), 2_480, 4),
    ((*REQUEST, CHECKOUT, CART_TOTAL, DISCOUNT, DECIMAL), 1_120, 4),
    ((*REQUEST, CHECKOUT, CART_TOTAL, DISCOUNT), 644, 4),
    ((*REQUEST, CHECKOUT, CART_TOTAL), 240, 3),
    ((*REQUEST, CHECKOUT, DUMPS, ENCODE), 731, 4),
    ((*REQUEST, CATALOGUE, RENDER, ROOT, ESCAPE), 689, 4),
    ((*REQUEST, CATALOGUE, RENDER, ROOT), 402, 4),
    ((*REQUEST, CATALOGUE, RENDER), 133, 4),
    ((*REQUEST, SESSION), 151, 4),
    ((*REQUEST, LOGGER, EMIT), 214, 4),
    (REQUEST, 96, 4),
    ((MAIN, SERVE, POLL), 322, 0),
    ((MAIN,), 9, 0),
    ((MAIN, CLEANUP), 61, 0),
)


def shop_snapshot(*, run_s: float = RUN_S) -> Snapshot:
    """The web shop in Python after `run_s` seconds, reporting to a backend on loopback that answers."""
    table = StackTable()
    counts = StackCounts()
    main = table.thread(4242, 4242, "MainThread")
    workers = [table.thread(4242, 4250 + number, f"waitress-{number}") for number in range(4)]
    share = run_s / RUN_S
    for frames, whole, threads in SHOP:
        stack = table.stack([table.frame(frame) for frame in frames])
        samples = round(whole * share)
        on = workers[:threads] or [main]
        for number, thread in enumerate(on):
            part = samples // len(on) + (number < samples % len(on))
            if part:
                counts.add(thread, stack, part)
    return make_snapshot(
        table,
        counts,
        program=ProgramState(
            phase=ProgramPhase.RUNNING,
            language="Python",
            command="python server.py --port 8000",
            source_file=FOLDER / "server.py",
            working_folder=FOLDER,
            pid=4242,
            started_s=STARTED_S,
            cpu_cores=0.87,
        ),
        run_s=run_s,
    )


def make_snapshot(table: StackTable, counts: StackCounts, *, program: ProgramState, run_s: float = RUN_S) -> Snapshot:
    """A snapshot of `counts`, spread over `run_s` seconds as a load test in waves would."""
    functions = count_functions(table, counts.by_stack.items())
    seconds = [_second(functions.self_samples, second, run_s) for second in range(int(run_s))]
    return Snapshot(
        taken_s=STARTED_S + run_s,
        taken_at=STARTED_AT + timedelta(seconds=run_s),
        program=program,
        sampling=SamplingState(
            sampler="austin 3.7.0",
            mode="cpu",
            asked_hz=100,
            achieved_hz=98.6,
            active=True,
            covered_s=run_s - 0.4,
            lost_samples=0,
        ),
        reporter=reporter_waiting(run_s),
        table=table,
        counts=counts,
        self_samples=functions.self_samples,
        total_samples=functions.total_samples,
        thread_counts=functions.thread_counts,
        recent=tuple(seconds[-60:]),
        timeline=tuple(
            TimelinePoint(float(at), 1.0, min(1.6, sum(second.values()) / 100), sum(second.values()), second)
            for at, second in enumerate(seconds)
        ),
        marks=(
            Mark("warm", 60.0, _part_of(counts, 0.25), 59.6),
            Mark("load", 120.0, _part_of(counts, 0.6), 119.6),
        ),
        log=log_lines(),
        output=output_lines(),
        sources={f"{FOLDER}/server.py": SERVER_TEXT},
    )


def reporter_waiting(run_s: float = RUN_S) -> ReporterState:
    """Between two reports, after one that needed two attempts."""
    return ReporterState(
        phase=ReporterPhase.WAITING,
        endpoint="http://127.0.0.1:8787/api/v0/profiles",
        format="protobuf",
        interval_s=30.0,
        buffered=0,
        buffer_limit=100,
        next_report_s=STARTED_S + run_s + 22.6,
        last_delivery_at=STARTED_AT + timedelta(seconds=180.4),
        accepted=6,
        delivered=6,
        deliveries=6,
        history=(
            *(Attempt(STARTED_AT + timedelta(seconds=30.0 * n), 1, 1, 0.031 + 0.004 * n, "") for n in range(1, 4)),
            Attempt(STARTED_AT + timedelta(seconds=120), 1, 1, 0.002, "HTTP request failed: connection refused"),
            Attempt(STARTED_AT + timedelta(seconds=121), 2, 1, 0.044, ""),
            *(Attempt(STARTED_AT + timedelta(seconds=30.0 * n), 1, 1, 0.031 + 0.004 * n, "") for n in range(5, 7)),
        ),
    )


def reporter_retrying(run_s: float = RUN_S) -> ReporterState:
    """The backend is down: between the second and the third attempt, the buffer nearly full."""
    failed = "HTTP request failed: connection refused"
    return ReporterState(
        phase=ReporterPhase.RETRY_WAIT,
        endpoint="http://127.0.0.1:8787/api/v0/profiles",
        format="protobuf",
        interval_s=30.0,
        buffered=94,
        buffer_limit=100,
        buffered_bytes=412_000,
        spooled=94,
        attempt=2,
        in_flight=94,
        phase_began_s=STARTED_S + run_s - 0.6,
        retry_at_s=STARTED_S + run_s + 1.4,
        last_delivery_at=STARTED_AT - timedelta(seconds=2_700),
        last_error=failed,
        accepted=101,
        delivered=4,
        discarded=3,
        deliveries=4,
        failed_sends=93,
        history=tuple(
            Attempt(STARTED_AT + timedelta(seconds=10.0 * n), n % 3 + 1, 90 + n // 4, 0.002, failed) for n in range(17)
        ),
    )


def reporter_off() -> ReporterState:
    return ReporterState(phase=ReporterPhase.OFF)


def ended(snapshot: Snapshot, *, exit_status: int = 0) -> Snapshot:
    """The same run after the program has ended and the final report is done."""
    return snapshot._replace(
        program=snapshot.program._replace(
            phase=ProgramPhase.ENDED, ended_s=snapshot.taken_s, exit_status=exit_status, cpu_cores=0.0
        ),
        sampling=snapshot.sampling._replace(active=False, achieved_hz=None),
        reporter=snapshot.reporter._replace(phase=ReporterPhase.STOPPED, next_report_s=None),
    )


def hostile_snapshot() -> Snapshot:
    """A program whose names try to be markup, escape codes, wide, endless and invisible."""
    names = (
        "[red]not red[/red]",
        "[/]",
        "[@click=app.quit]click[/]",
        "\x1b[31mescape\x1b[0m\x1b]0;title\x07",
        "漢字かな交じり文の関数名はとても長いことがあります" * 3,
        "👩‍💻👍🏽🇩🇪 emoji ⚠️",
        "ẕ̌a̴l̷g̸o̷" * 12,
        "\u202eright to left\u202c",
        "tab\tnew\nline\rreturn\0nul\x9bcsi",
        "lone \ud800 surrogate",
        "x" * 10_000,
        "",
    )
    table, counts = StackTable(), StackCounts()
    thread = table.thread(1, 1, "[bold]thread\x1b[5m")
    for number, name in enumerate(names):
        frame = table.frame(Frame(name, f"/home/ada/shop/[b]{name}.py", number + 1, number + 1))
        counts.add(thread, table.stack([frame]), 120 - 10 * number)
    snapshot = make_snapshot(
        table,
        counts,
        program=shop_snapshot().program._replace(command="python '[red]x\x1b[31m.py' " + "y" * 3_000),
        run_s=20.0,
    )
    return snapshot._replace(
        output=tuple(OutputLine(name, is_stderr=bool(number % 2)) for number, name in enumerate(names)),
        log=tuple(LogLine(STARTED_AT, f"⚠️ {name}", is_warning=True) for name in names),
    )


def many_functions_snapshot(functions: int) -> Snapshot:
    """A run of so many functions on stacks of depth 12, with samples spread as they are in life: few have most."""
    table, counts = StackTable(), StackCounts()
    thread = table.thread(4242, 4242, "MainThread")
    frames = [
        table.frame(
            Frame(
                f"module_{n % 97}.function_{n}", f"{FOLDER}/pkg_{n % 31}/module_{n % 97}.py", n % 900 + 1, n % 900 + 1
            )
        )
        for n in range(functions)
    ]
    for n in range(functions):
        callers = [frames[(n * 7 + 13 * step * step) % functions] for step in range(11, 0, -1)]
        counts.add(thread, table.stack([*callers, frames[n]]), 1 + 40_000 // (n * n % 6_007 + 9))
    return make_snapshot(table, counts, program=shop_snapshot().program)


def log_lines() -> tuple[LogLine, ...]:
    lines = (
        (0, "📡 Starting periodic reporting to: http://127.0.0.1:8787/api/v0/profiles"),
        (0, "⏱️ Report interval: 30 seconds"),
        (30, "📊 Profile added to buffer (total: 1)"),
        (30, "📤 Sending 1 profiles to backend..."),
        (30, "✅ Successfully reported 1 profiles"),
        (120, "📤 Sending 1 profiles to backend..."),
        (120, "⚠️ Attempt 1/3 failed: HTTP request failed: connection refused"),
        (120, "🔄 Retrying in 1 seconds..."),
        (121, "✅ Succeeded on attempt 2/3"),
        (121, "✅ Successfully reported 1 profiles"),
        (180, "📊 Profile added to buffer (total: 1)"),
        (180, "📤 Sending 1 profiles to backend..."),
        (180, "✅ Successfully reported 1 profiles"),
    )
    return tuple(
        LogLine(STARTED_AT + timedelta(seconds=at), text, is_warning=text.startswith("⚠️")) for at, text in lines
    )


def output_lines() -> tuple[OutputLine, ...]:
    lines = [OutputLine("Serving on http://127.0.0.1:8000", is_stderr=False)]
    for number in range(60):
        path = ("/search?q=lamp", "/checkout", "/catalogue/3", "/search?q=stuhl")[number % 4]
        lines.append(OutputLine(f'127.0.0.1 "GET {path} HTTP/1.1" 200 {1_204 + 37 * number % 900}', is_stderr=False))
        if number % 17 == 11:
            lines.append(OutputLine("WARNING shop.cart: stock of \x1b[33m'desk lamp'\x1b[0m is low", is_stderr=True))
    return tuple(lines)


def _second(self_samples: dict[int, int], second: int, run_s: float) -> dict[int, int]:
    """What ran in one second: each function in waves of its own, so that trends differ."""
    here: dict[int, int] = {}
    for function, samples in self_samples.items():
        mean = samples / run_s
        wave = 1 + 0.9 * math.sin(second / (5 + function % 7) + function)
        here[function] = int(mean * wave + (second * 7 + function * 3) % 10 / 10)
    return {function: n for function, n in here.items() if n}


def _part_of(counts: StackCounts, share: float) -> StackCounts:
    by_stack = Counter({key: int(samples * share) for key, samples in counts.by_stack.items()})
    return StackCounts(by_stack, sum(by_stack.values()))

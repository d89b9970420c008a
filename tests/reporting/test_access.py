"""The ways that production needs: keys from files, headers, certificates, Unix sockets, gzip, proxies; and nothing secret is shown."""

from __future__ import annotations

import asyncio
import gzip
import os
import ssl
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import pytest
import trustme

from multi_lang_profiler.engine.command.arguments import UsageError
from multi_lang_profiler.engine.command.options import parse
from multi_lang_profiler.engine.reporting.transport import HttpTransport, TransportError
from multi_lang_profiler.engine.settings import Access, Secret
from tests.command.test_doctor import finding
from tests.support.backend import Backend, Exchange, with_headers
from tests.support.command import Folder, finish

if TYPE_CHECKING:
    from multi_lang_profiler.engine.reporting.answer import Answer
    from multi_lang_profiler.engine.settings import ReportSettings

SECRET = "hunter2"
BODY = b'{"profiles": []}' + b" " * 2_000


async def post(transport: HttpTransport, body: bytes = BODY) -> Answer:
    return await transport.post(body, "application/json", 10.0)


def report(*words: str, **environment: str) -> ReportSettings:
    endpoint = () if "--report-endpoint" in words else ("--report-endpoint", "http://127.0.0.1:1/")
    found = parse(["a.py", *endpoint, *words], environment, on_terminal=False).settings.report
    assert found is not None
    return found


def mistake(*words: str, **environment: str) -> str:
    with pytest.raises(UsageError) as caught:
        report(*words, **environment)
    assert SECRET not in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


async def test_a_key_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    """The key in the file is the one sent, also after it was replaced; while the file is gone or empty, the last one."""
    file = tmp_path / "key"
    file.write_text("first\n")
    with Backend() as backend:
        transport = HttpTransport(backend.url, None, Access(key_file=file))
        await post(transport)
        replacement = tmp_path / "new"
        replacement.write_text("second")
        replacement.rename(file)
        await post(transport)
        file.write_text("")
        await post(transport)
        file.unlink()
        await post(transport)
        file.write_text("third \n")
        await post(transport)
        sent = [request.headers["authorization"] for request in backend.requests]
        transport.close()
    assert sent == [f"Bearer {key}" for key in ("first", "second", "second", "second", "third")]


def test_where_the_key_comes_from(tmp_path: Path) -> None:
    """The command line wins over the environment; two sources of the same rank, a file without a key, and one that is none are mistakes."""
    file = tmp_path / "key"
    file.write_text(SECRET)
    given = report(PROFILER_API_KEY_FILE=str(file))
    assert given.access.key_file == file
    assert report("--api-key-file", str(file), PROFILER_API_KEY="other").api_key is None
    by_option = report("--api-key", "key", PROFILER_API_KEY_FILE=str(file))
    assert by_option.access.key_file is None
    assert by_option.api_key is not None
    assert "exclude" in mistake("--api-key-file", str(file), "--api-key", SECRET)
    assert "exclude" in mistake(PROFILER_API_KEY_FILE=str(file), PROFILER_API_KEY=SECRET)
    assert mistake("--api-key-file", str(tmp_path / "none")).startswith("--api-key-file: ")
    file.write_text(f"{SECRET}\nmore")
    assert "line break" in mistake("--api-key-file", str(file))
    file.write_text("\n")
    assert "empty" in mistake(PROFILER_API_KEY_FILE=str(file))


async def test_headers() -> None:
    """Headers of the user's are sent; those that are ours, or that no header can carry, are refused without their values."""
    access = report("--header", f"X-Tenant={SECRET}", "--header", "Authorization=Basic abc=").access
    assert SECRET not in repr(access)
    with Backend() as backend:
        transport = HttpTransport(backend.url, None, access)
        await post(transport)
        transport.close()
        assert backend.requests[0].headers["x-tenant"] == SECRET
        assert backend.requests[0].headers["authorization"] == "Basic abc="
    by_variable = report(PROFILER_HEADERS=f"X-A={SECRET}, X-B=2").access.headers
    assert [(name, value.reveal()) for name, value in by_variable] == [("X-A", SECRET), ("X-B", "2")]
    for bad in (f"X Y={SECRET}", f"Content-Length={SECRET}", f"X={SECRET}\n", f"host={SECRET}", f"X=é{SECRET}", SECRET):
        assert mistake("--header", bad).startswith("--header: ")
    assert "API key" in mistake("--header", f"authorization={SECRET}", "--api-key", SECRET)


async def test_certificates(tmp_path: Path) -> None:
    """A backend that asks for a certificate gets ours, and is believed by the authority that we name; without, the line says what is missing."""
    authority = trustme.CA()
    certificate = authority.issue_cert("agent@example.test")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(server)
    server.verify_mode = ssl.CERT_REQUIRED
    ca, pem, key = tmp_path / "ca.pem", tmp_path / "cert.pem", tmp_path / "key.pem"
    authority.cert_pem.write_to_path(str(ca))
    certificate.cert_chain_pems[0].write_to_path(str(pem))
    certificate.private_key_pem.write_to_path(str(key))
    words = ("--ca-file", str(ca), "--client-cert", str(pem), "--client-key", str(key))
    with Backend(tls=server) as backend:
        for access, error in (
            (report(*words).access, ""),
            (report("--ca-file", str(ca)).access, "--client-cert"),
            (report(*words[2:]).access, "is not to be trusted"),
        ):
            transport = HttpTransport(backend.url, Secret(SECRET), access)
            if error:
                with pytest.raises(TransportError, match=error):
                    await post(transport)
            else:
                assert (await post(transport)).is_delivery
            transport.close()
        assert len(backend.requests) == 1
    key.write_text("no key")
    assert mistake(*words).startswith("--client-cert: ")
    assert mistake("--ca-file", str(key)).startswith("--ca-file: ")
    assert mistake("--client-key", str(key)) == "--client-key goes with --client-cert"


async def test_unix_sockets(tmp_path: Path) -> None:
    """A report goes through a socket of this machine, to the usual path or the one behind the socket's; proxies are none of its business."""
    paths: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        paths.append(head.split(b" ")[1].decode())
        await reader.readexactly(len(BODY))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    socket = tmp_path / "s"
    server = await asyncio.start_unix_server(serve, socket)
    with mock.patch.dict(os.environ, {"HTTP_PROXY": "http://127.0.0.1:9"}):
        for endpoint in (f"unix:{socket}", f"unix:{socket}:/push", f"unix://{socket}"):
            transport = HttpTransport(report("--report-endpoint", endpoint).endpoint, None)
            assert (await post(transport)).is_delivery
            transport.close()
    server.close()
    assert paths == ["/api/v0/profiles", "/push", "/api/v0/profiles"]
    transport = HttpTransport(f"unix:{tmp_path}/none", None)
    with pytest.raises(TransportError, match=f"no such file or directory \\({tmp_path}/none\\)"):
        await post(transport)
    transport.close()
    for bad in ("unix:", "unix:relative", "unix:/s:path", f"unix:/{'x' * 200}"):
        assert "unix:/run/backend.sock" in mistake("--report-endpoint", bad)


async def test_gzip_where_the_backend_takes_it() -> None:
    """Reports are packed once an answer says that they may be, and no more once one was refused that was."""
    takes_gzip = with_headers(200, Accept_Encoding="br, gzip;q=0.5")

    async def refuses_gzip(exchange: Exchange) -> None:
        packed = exchange.request.headers.get("content-encoding") == "gzip"
        await exchange.status(415 if packed else 200, {"Accept-Encoding": "gzip"})

    with Backend(takes_gzip) as backend:
        transport = HttpTransport(backend.url, None)
        for body in (BODY, BODY, b"{}"):
            await post(transport, body)
        first, second, small = backend.requests
        assert (first.body, first.headers.get("content-encoding")) == (BODY, None)
        assert (gzip.decompress(second.body), second.headers["content-encoding"]) == (BODY, "gzip")
        assert small.body == b"{}"
        backend.answers(refuses_gzip)
        for _ in range(2):
            assert (await post(transport)).is_delivery
        assert [request.headers.get("content-encoding") for request in backend.requests[3:]] == ["gzip", None, None]
        transport.close()


async def test_socks_is_told_clearly() -> None:
    """A SOCKS proxy in the environment is named by its variable, with what to do, and its password is not shown."""
    with mock.patch.dict(os.environ, {"ALL_PROXY": f"socks5://me:{SECRET}@127.0.0.1:1080"}):
        transport = HttpTransport("http://backend.test/", None)
        with pytest.raises(TransportError) as caught:
            await post(transport)
        transport.close()
    assert "ALL_PROXY names a SOCKS proxy, which is not supported" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_the_doctor_explains(tmp_path: Path) -> None:
    """It says how it asked, by names alone, and of a backend that does not read protobuf, whether it reads JSON."""

    async def reads_json(exchange: Exchange) -> None:
        await exchange.status(200 if exchange.request.headers["content-type"] == "application/json" else 415)

    with Folder(tmp_path) as folder, Backend() as backend:
        (folder.path / "key").write_text(SECRET)
        words = ("doctor", "--report-endpoint", backend.url)
        finished = folder.run(*words, "--api-key-file", "key", "--header", f"X-Tenant={SECRET}")
        said = finding(finished.stdout.decode(), "Endpoint")
        assert f"with the key of {folder.path}/key, the headers X-Tenant" in said
        assert SECRET not in finished.stdout.decode() + finished.stderr
        backend.answers(reads_json)
        finished = folder.run(*words)
        assert "it takes JSON: use --report-format json" in finding(finished.stdout.decode(), "Endpoint")
        assert finished.status == 1


def test_the_program_does_not_get_them(tmp_path: Path) -> None:
    """Key and headers are not in the profiled program's environment; a mistyped option shows nothing of what stands behind it."""
    with Folder(tmp_path) as folder, Backend() as backend:
        folder.write("env.py", "import os; print(sorted(name for name in os.environ if name.startswith('PROFILER_')))")
        process = folder.start(
            *("python", "env.py", "--no-tui", "--report-endpoint", backend.url),
            PROFILER_HEADERS=f"X-A={SECRET}",
            PROFILER_API_KEY=SECRET,
        )
        finished = finish(process)
        assert finished.stdout == b"[]\n"
        assert SECRET not in finished.stderr
        for words in (
            ("--apikey", SECRET),
            (f"--api_key={SECRET}",),
            ("--report-api-key", SECRET),
            ("--token", SECRET),
            (f"-t{SECRET}",),
            ("--headers", f"X={SECRET}"),
        ):
            for command in (("env.py", *words), (*words, "python", "env.py"), ("receive", *words), ("doctor", *words)):
                finished = folder.run(*command)
                assert (finished.status, len(finished.lines)) == (2, 1)
                assert SECRET not in finished.stderr
                assert "unknown option '-" in finished.stderr

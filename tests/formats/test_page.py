"""The wire format's page: its examples read a batch with nothing but the schema, and its table has every field."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from multi_lang_profiler.engine.formats import wire
from multi_lang_profiler.proto import profile_pb2
from tests.support import recordings
from tests.support.go import ENVIRONMENT, go
from tests.support.node import node, npm_package
from tests.support.wheels import PROTOC, wheel

PROTO = Path(__file__).parents[2] / "proto"
PAGE = (PROTO / "README.md").read_text()
PROFILE = recordings.recording("flask_server").profile()
PROTOBUF_GO = "v1.36.11"


def example(language: str) -> str:
    text: str
    (text,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return text


@pytest.fixture
def batch() -> bytes:
    return wire.join([wire.encode(PROFILE, "protobuf")], datetime(2026, 11, 8, tzinfo=UTC))


@pytest.fixture
def wanted() -> str:
    hottest = PROFILE.functions[0]
    share = 100 * hottest.self_samples / PROFILE.total_samples
    return f"{PROFILE.language} {PROFILE.source_file}\n{hottest.name} {share:.1f}%\n"


def test_the_python_example(batch: bytes, wanted: str) -> None:
    printed = subprocess.run([sys.executable, "-c", example("python")], input=batch, capture_output=True, check=True)
    assert printed.stdout.decode() == wanted


def test_the_javascript_example(batch: bytes, wanted: str, tmp_path: Path) -> None:
    packages = npm_package("protobufjs", "8.8.1")
    shutil.copy(PROTO / "profile.proto", tmp_path)
    printed = subprocess.run(
        [node(24), "-e", example("javascript")],
        input=batch,
        capture_output=True,
        check=True,
        cwd=tmp_path,
        env={**os.environ, "NODE_PATH": str(packages / "node_modules")},
    )
    assert printed.stdout.decode() == wanted


def test_the_go_example(batch: bytes, wanted: str, tmp_path: Path) -> None:
    """protoc's Go plugin and the runtime come from the module proxy; where they cannot be had, the test says so."""
    variables = {**os.environ, **ENVIRONMENT, "GOBIN": str(tmp_path / "bin")}
    del variables["GOPROXY"]

    def run(*words: str | Path, **options: Any) -> bytes:
        process = subprocess.run(words, cwd=tmp_path, env=variables, capture_output=True, check=False, **options)
        if process.returncode:
            pytest.skip(f"NOT TESTED: {' '.join(map(str, words))}: {process.stderr.decode()[-300:]}")
        printed: bytes = process.stdout
        return printed

    run(go(), "install", f"google.golang.org/protobuf/cmd/protoc-gen-go@{PROTOBUF_GO}")
    (command,) = re.findall(r"`protoc (--go_out=.*?)`", PAGE)
    shutil.copy(PROTO / "profile.proto", tmp_path)
    (tmp_path / "go.mod").write_text("module example.com/backend\n")
    (tmp_path / "main.go").write_text(example("go"))
    plugin = f"--plugin=protoc-gen-go={tmp_path / 'bin/protoc-gen-go'}"
    variables["PYTHONPATH"] = str(wheel("grpcio-tools", PROTOC))
    run(sys.executable, "-m", "grpc_tools.protoc", "-I.", plugin, *command.split())
    run(go(), "get", f"google.golang.org/protobuf@{PROTOBUF_GO}")
    run(go(), "build", "-o", "read", ".")
    assert run(tmp_path / "read", input=batch).decode() == wanted


def test_every_field_is_in_the_table() -> None:
    """The table names every field of every message of the schema."""
    for message in profile_pb2.DESCRIPTOR.message_types_by_name.values():
        for field in message.fields:
            assert f"`{field.name}`" in PAGE, f"{message.name}.{field.name}"

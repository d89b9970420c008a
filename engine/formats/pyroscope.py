"""Grafana Pyroscope's push API: each window as a gzipped pprof with labels, several in one POST.

The endpoint is `http://HOST:4040/push.v1.PusherService/Push`. Pyroscope shows CPU time under `process_cpu` and elapsed time
under `wall`, by service: the label `service_name`, or `service`, or the program's file.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import PurePath
from typing import TYPE_CHECKING

from ..profile.profile import PASSING_LABELS
from ..varint import delimited
from .wire_format import Batch

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from ...proto import pyroscope_pb2
    from ..profile.profile import Profile

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOT_IN_LABEL_NAMES = re.compile(r"[^a-zA-Z0-9_]")
_MAX_LABELS, _MAX_NAME = 25, 1_000
"""The service takes 30 labels a series, some of which are ours, and 1,024 bytes a name."""


class PyroscopeFormat:
    """A body is one `Series` of a `PushRequest`. Imports google.protobuf and the pprof exporter when first used."""

    name = "pyroscope"
    content_type = "application/proto"

    def encode(self, profile: Profile) -> bytes:
        from ...proto import pyroscope_pb2 as schema  # noqa: PLC0415 - see the class
        from ..profile.recording import whole_of  # noqa: PLC0415
        from . import pprof  # noqa: PLC0415

        series = schema.Series(
            labels=[schema.LabelPair(name=name, value=value) for name, value in sorted(_labels(profile).items())],
            samples=[
                schema.RawSample(raw_profile=pprof.dumps(whole_of(profile), as_strings=True), id=profile.profile_id)
            ],
        )
        return series.SerializeToString()

    def join(self, bodies: Sequence[bytes], reported_at: datetime) -> bytes:  # noqa: ARG002 - a push does not say it
        return b"".join(part for body in bodies for part in (delimited(1, body), body))

    def decode(self, body: bytes) -> Batch:
        """Of callers a push knows those in the call stacks; it does not say by whom it was sent, or when."""
        from google.protobuf.message import DecodeError  # noqa: PLC0415 - see the class

        from ...proto import pyroscope_pb2 as schema  # noqa: PLC0415

        try:
            push = schema.PushRequest.FromString(body)
        except DecodeError as error:
            raise ValueError(error) from error
        profiles = tuple(_profile(sample) for series in push.series for sample in series.samples)
        return Batch(profiles, max((profile.began_at for profile in profiles), default=_EPOCH), agent_version="")


def _labels(profile: Profile) -> dict[str, str]:
    # A series for each process and thread would be many; which it was is in the samples' labels of a file.
    labels: dict[str, str] = {}
    for name, value in profile.labels:
        if value and name not in PASSING_LABELS and len(labels) < _MAX_LABELS:
            labels[_label_name(name, labels)] = value
    service = labels.get("service") or PurePath(profile.source_file).stem or "unknown"
    return {
        "service_name": service,
        "language": profile.language.lower(),
        **labels,
        "__name__": "wall" if profile.sampling.mode == "wall" else "process_cpu",
    }


def _label_name(name: str, taken: Container[str]) -> str:
    """`name` as Prometheus spells label names, and as no other of the series: the service refuses one that has a name twice.

    Two underscores in front are the service's own.
    """
    spelled = _NOT_IN_LABEL_NAMES.sub("_", name)
    spelled = (
        f"_{spelled}" if spelled[:1].isdigit() else f"_{spelled.lstrip('_')}" if spelled.startswith("_") else spelled
    )
    spelled = spelled[:_MAX_NAME] or "_"
    return next(each for each in (spelled, *(f"{spelled}_{number}" for number in range(2, 1_000))) if each not in taken)


def _profile(sample: pyroscope_pb2.RawSample) -> Profile:
    from .files import loads  # noqa: PLC0415 - see the class

    return replace(loads(sample.raw_profile, _EPOCH).profile(), profile_id=sample.id)

"""Samplers: one file per runtime behind the protocol in `sampler`; their in-process helpers lie beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..settings import Language

if TYPE_CHECKING:
    from ..samplers.sampler import Context, Sampler


def make_sampler(context: Context) -> Sampler:
    """The sampler for the program's language; only its own modules are loaded."""
    match context.settings.language:
        case Language.PYTHON:
            from ..samplers.python.sampler import PythonSampler  # noqa: PLC0415

            return PythonSampler(context)
        case Language.JAVASCRIPT | Language.TYPESCRIPT:
            from ..samplers.node.sampler import NodeSampler  # noqa: PLC0415

            return NodeSampler(context)
        case Language.JAVA:
            from ..samplers.java.sampler import JavaSampler  # noqa: PLC0415

            return JavaSampler(context)
        case Language.GO:
            from ..samplers.go.sampler import GoSampler  # noqa: PLC0415

            return GoSampler(context)
        case None:
            from .command import CommandSampler  # noqa: PLC0415

            return CommandSampler(context)

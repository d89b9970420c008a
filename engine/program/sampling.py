"""Samplers: one file per runtime behind the protocol in `sampler`; their in-process helpers lie beside them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..settings import Language

if TYPE_CHECKING:
    from ..samplers.sampler import Context, Launch, Sampler
    from ..settings import Settings


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
        case Language.GO if context.settings.service:
            from ..samplers.go.service import ServiceSampler  # noqa: PLC0415

            return ServiceSampler(context)
        case Language.GO:
            from ..samplers.go.sampler import GoSampler  # noqa: PLC0415

            return GoSampler(context)
        case None:
            from .command import CommandSampler  # noqa: PLC0415

            return CommandSampler(context)


def plain_launch(settings: Settings, unprofiled: str) -> Launch | None:
    """How to start the program without anything of ours, where its sampler broke while it prepared; None where we do not know."""
    from ..samplers.python.launch import python_launch  # noqa: PLC0415 - as above
    from ..samplers.sampler import Launch  # noqa: PLC0415

    words = settings.command or (*settings.runtime_arguments, settings.program, *settings.arguments)
    match settings.language:
        case _ if settings.is_attached:
            return None
        case None:
            return Launch(settings.command, unprofiled=unprofiled)
        case Language.PYTHON:
            return python_launch(settings, os.environ)._replace(unprofiled=unprofiled)
        case Language.JAVASCRIPT | Language.TYPESCRIPT:
            return Launch((settings.runtime or "node", *words), unprofiled=unprofiled)
        case Language.JAVA if settings.command or not settings.program.endswith(".jar"):
            return Launch((settings.runtime or "java", *words), unprofiled=unprofiled)
        case _:
            return None

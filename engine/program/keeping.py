"""A sampler kept going as long as its program runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..events import Warned
from ..samplers.sampler import SamplingFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..samplers.sampler import Context, Process, Sampler

SAMPLER_BACKOFF_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


async def keep_sampling(
    sampler: Sampler, process: Process, context: Context, *, has_ended: Callable[[], bool]
) -> str | None:
    """Sample, and begin again with growing pauses when the sampler fails; None once the program has ended.

    Else why trying again cannot help, which the caller tells. Raises nothing else: whatever breaks in a sampler, program and reports go on.
    """
    failures = 0
    while True:
        try:
            await sampler.sample(process)
        except SamplingFailed as failure:
            if failure.final:
                return str(failure)
            text = str(failure)
        except Exception as error:  # noqa: BLE001 - the seam
            text = f"The sampler failed: {type(error).__name__}: {error}"
        else:
            return None
        finally:
            context.sampling(False)
        if has_ended():
            return None
        pause_s = SAMPLER_BACKOFF_S[min(failures, len(SAMPLER_BACKOFF_S) - 1)]
        failures += 1
        context.emit(Warned(f"{text}; trying again in {pause_s:g} s"))
        await context.clock.sleep(pause_s)

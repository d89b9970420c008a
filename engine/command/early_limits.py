"""Whether the system lets us be there at all: asked before the program's early start, so it loads only what the interpreter has loaded anyway."""

import resource

FILES = 32
"""Open at once, that we take with a sampler at work."""
MEMORY_BYTES = 100_000_000
"""Of addresses: each of our threads takes 8 MB of them."""


def too_little() -> str:
    """Why we cannot be there; empty if we can."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if 0 <= files < FILES:
        return f"only {files} files may be open at once here, and a profiler takes {FILES} (ulimit -n)"
    for limit, option in ((resource.RLIMIT_AS, "-v"), (resource.RLIMIT_DATA, "-d")):
        size_bytes = resource.getrlimit(limit)[0]
        if 0 <= size_bytes < MEMORY_BYTES:
            return f"only {size_bytes >> 20} MB of memory may be taken here, and a profiler takes {MEMORY_BYTES >> 20} (ulimit {option})"
    return ""

"""What starts a JavaScript program, as `samplers/node` does, where it is known which Node.js this is and nothing speaks against it."""

import _socket
import os

from ..program.child import Made
from ..samplers.node.config import OPTION, SOCKET, VARIABLE, config_text
from .early_made import cache_folder, make_folder, read_start
from .early_python import found_in, on_path

TYPE_CHECKING = False  # As in `child`.
if TYPE_CHECKING:
    from .early_words import Words

_OLDEST = 18
_BACKLOG = 100
_MAX_PATH_BYTES = 107


def node_start(words: "Words") -> tuple[tuple[str, ...], dict[str, str], Made] | None:
    """The command, what is added to its environment, and what was made for its sampler. Raises `OSError`."""
    if "permission" in os.environ.get("NODE_OPTIONS", ""):
        return None
    named = words.options.get("--node", ())
    node = found_in((named[-1],)) if named else on_path("node")
    if node is None or not os.path.isfile(words.program) or not _is_known(node):
        return None
    made = make_folder()
    path = f"{made.folder}/{SOCKET}"
    if len(os.fsencode(path)) > _MAX_PATH_BYTES:
        return None
    listening = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    listening.bind(path)
    listening.listen(_BACKLOG)
    listening.setblocking(False)
    made.descriptors[SOCKET] = listening.detach()
    text = config_text(
        made.folder,
        rate_hz=words.rate_hz,
        screen=False,
        by_cpu=words.mode == "cpu",
        follow="--no-children" not in words.flags,
    )
    return (node, OPTION, words.program, *words.arguments), {VARIABLE: text}, made


def _is_known(node: str) -> bool:
    """Whether the version of this very executable was found out before, and can be sampled."""
    folder = cache_folder()
    executable = os.path.realpath(node)
    if folder is None or not os.path.basename(executable).startswith("node"):
        return False
    found = os.stat(executable)
    kept = f"{folder}/node-{found.st_dev:x}-{found.st_ino:x}-{found.st_size:x}-{found.st_mtime_ns:x}"
    numbers = read_start(kept).decode().strip().removeprefix("v").split(".")
    return len(numbers) == 3 and all(number.isdecimal() for number in numbers) and int(numbers[0]) >= _OLDEST

"""The words of the command line, read as far as the program's start goes by them, and only where nothing is to be said against them."""

from . import early_values

TYPE_CHECKING = False  # As in `child`.
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_VALUES: "Mapping[str, Callable[[str], bool]]" = {
    "--python": early_values.is_plain_path,
    "--python-arg": bool,
    "--node": early_values.is_plain_path,
    "--java": early_values.is_plain_path,
    "--java-arg": bool,
    "--mode": ("cpu", "wall").__contains__,
    "--rate": early_values.is_rate,
    "--duration": early_values.is_duration,
    "--json": early_values.is_writable,
    "--summary": early_values.is_summary,
    "--label": early_values.is_label,
    "--report-endpoint": early_values.is_url,
    "--report-interval": early_values.is_interval,
    "--report-max-buffer": early_values.is_buffer_size,
    "--report-format": early_values.is_format,
}
"""Options with a value -> whether it is one beyond doubt."""
_FLAGS = frozenset({"--no-tui", "--quiet", "--no-children", "--no-spool", "--no-history"})
_VARIABLES = {
    "PROFILER_ENDPOINT": early_values.is_url,
    "PROFILER_INTERVAL": early_values.is_interval,
    "PROFILER_MAX_BUFFER_SIZE": early_values.is_buffer_size,
    "PROFILER_FORMAT": early_values.is_format,
    "PROFILER_API_KEY": early_values.is_key,
}
_MAX_LABELS = 8
_LANGUAGES = {"python": "python", "py": "python", "javascript": "node", "js": "node", "node": "node", "java": "java"}
_ENDINGS = {".py": "python", ".js": "node", ".cjs": "node", ".mjs": "node", ".java": "java", ".jar": "java"}


class Words:
    """The command line, as far as the program's start goes by it."""

    __slots__ = ("arguments", "flags", "is_module", "language", "options", "program")

    def __init__(self, language: str, program: str, arguments: tuple[str, ...], *, is_module: bool) -> None:
        self.language = language
        self.program = program
        self.arguments = arguments
        self.is_module = is_module
        self.options: dict[str, list[str]] = {}
        self.flags: set[str] = set()

    @property
    def mode(self) -> str:
        return self.options.get("--mode", ["cpu"])[-1]

    @property
    def rate_hz(self) -> int:
        return int(self.options.get("--rate", ["100"])[-1])


def read_early(argv: "Sequence[str]", environment: "Mapping[str, str]") -> Words | None:
    """The words of `[LANGUAGE] PROGRAM` or `-m MODULE`, with options around them and the program's own arguments behind `--`.

    None where another reading is thinkable, and where any option, value or variable may be a mistake.
    """
    if not all(
        name in _VARIABLES and _VARIABLES[name](value)
        for name, value in environment.items()
        if name.startswith("PROFILER_") and value
    ):
        return None
    ours = list(argv)
    arguments: tuple[str, ...] = ()
    if "--" in ours:
        at = ours.index("--")
        ours, arguments = ours[:at], tuple(ours[at + 1 :])
    options: dict[str, list[str]] = {}
    flags: set[str] = set()
    named: list[str] = []
    ours.reverse()
    while ours:
        word = ours.pop()
        name, equals, value = word.partition("=")
        if word in _FLAGS:
            flags.add(word)
        elif name in _VALUES or (name == "-m" and not equals):
            if not equals:
                value = ours.pop() if ours else ""
            # One that begins like an option is one, to some readers.
            if not value or (not equals and value[0] == "-") or not (name == "-m" or _VALUES[name](value)):
                return None
            options.setdefault(name, []).append(value)
        elif word[:1] in ("-", ""):
            return None
        else:
            named.append(word)
    if len(options.get("--label", ())) > _MAX_LABELS:
        return None
    words = _named_program(named, options.pop("-m", []), arguments)
    if words is not None:
        words.options, words.flags = options, flags
    return words


def _named_program(named: list[str], modules: list[str], arguments: tuple[str, ...]) -> Words | None:
    language = _LANGUAGES.get(named[0].lower()) if named else None
    rest = named[1:] if language else named
    if modules:
        is_python = language in (None, "python")
        return Words("python", modules[-1], arguments, is_module=True) if is_python and not rest else None
    if len(rest) != 1:
        return None
    name = rest[0].rpartition("/")[2]
    ending = name[name.rfind(".") :] if name.rfind(".") > 0 else ""
    of_ending = _ENDINGS.get(ending)
    if language == "java" and (of_ending is None or of_ending == "java"):
        return Words("java", rest[0], arguments, is_module=False)
    # Without an ending its first line may name an interpreter.
    if of_ending is None or (language or of_ending) != of_ending:
        return None
    return Words(of_ending, rest[0], arguments, is_module=False)

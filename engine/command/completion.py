"""`multi_lang_profiler completion SHELL`: what lets a shell complete our options, written from the parsers themselves."""

from __future__ import annotations

import argparse
import importlib
import shlex
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..settings import COMMAND
from .arguments import UsageParser
from .cli import SUBCOMMANDS
from .options import FORMATS, make_parser
from .words import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Sequence

_NAMES = (COMMAND, "mlp")
_INSTALL = """\
to install:
  bash   echo 'source <(multi_lang_profiler completion bash)' >> ~/.bashrc
  zsh    multi_lang_profiler completion zsh > DIRECTORY/_multi_lang_profiler, a directory of your $fpath
  fish   multi_lang_profiler completion fish > ~/.config/fish/completions/multi_lang_profiler.fish"""


@dataclass(frozen=True, slots=True)
class _Option:
    names: tuple[str, ...]
    help: str
    value: str
    """The value's name; empty for an option that takes none."""
    words: tuple[str, ...]
    """The values there are; none if they are free."""

    @property
    def is_file(self) -> bool:
        return self.value.endswith(("FILE", "PATH"))

    @property
    def is_folder(self) -> bool:
        return self.value == "DIR"


def run(argv: Sequence[str]) -> int:
    """Print the script; 0."""
    options = parser().parse_args(argv)
    commands = {name: _options(_parser_of(name)) for name in sorted(SUBCOMMANDS)}
    sys.stdout.write(_WRITERS[options.shell](_options(make_parser()), commands))
    return 0


def parser() -> argparse.ArgumentParser:
    parser = UsageParser(
        prog=f"{COMMAND} completion",
        description="Print a script with which your shell completes our options.",
        epilog=_INSTALL,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("shell", choices=sorted(_WRITERS), help="bash, fish or zsh")
    return parser


def _parser_of(name: str) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = importlib.import_module(f".{name}", __package__).parser()
    return made


def _options(parser: argparse.ArgumentParser) -> list[_Option]:
    return [
        _Option(
            tuple(action.option_strings),
            (action.help or "").replace("%%", "%"),
            "" if action.nargs == 0 else str(action.metavar or action.dest),
            tuple(map(str, action.choices or (FORMATS if action.metavar == "FORMAT" else ()))),
        )
        for action in parser._actions  # noqa: SLF001 - argparse has no public way to ask
        if action.option_strings
    ]


def _bash(main: list[_Option], commands: dict[str, list[_Option]]) -> str:
    every = {option.names: option for options in (main, *commands.values()) for option in options}.values()
    values = "\n".join(
        f"        {'|'.join(option.names)}) {_bash_values(option)}; return ;;" for option in every if option.value
    )
    cases = "\n".join(
        f"        {name}) options={shlex.quote(_names(options))} ;;" for name, options in commands.items()
    )
    return f"""\
# bash completion for {COMMAND}
_{COMMAND}() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD - 1]}} options word
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD - 1}}"; do
        if [[ $word == -- ]]; then
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
            return
        fi
    done
    case $previous in
{values}
    esac
    case ${{COMP_WORDS[1]}} in
{cases}
        *) options={shlex.quote(_names(main))} ;;
    esac
    if [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
    elif ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W {shlex.quote(" ".join((*LANGUAGES, *commands)))} -f -- "$current")
    else
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
    fi
}}
complete -o filenames -F _{COMMAND} {" ".join(_NAMES)}
"""


def _bash_values(option: _Option) -> str:
    if option.words:
        return f'mapfile -t COMPREPLY < <(compgen -W {shlex.quote(" ".join(option.words))} -- "$current")'
    if option.is_file or option.is_folder:
        return f'mapfile -t COMPREPLY < <(compgen {"-d" if option.is_folder else "-f"} -- "$current")'
    return "COMPREPLY=()"


def _zsh(main: list[_Option], commands: dict[str, list[_Option]]) -> str:
    cases = "\n".join(
        f"    {name})\n        shift words; ((CURRENT--))\n        _arguments {_zsh_options(options)} '*:file:_files' ;;"
        for name, options in commands.items()
    )
    first = " ".join((*LANGUAGES, *commands))
    return f"""\
#compdef {" ".join(_NAMES)}
# zsh completion for {COMMAND}
case $words[2] in
{cases}
    *)
        _arguments {_zsh_options(main)} \\
            '1:program:{{_alternative "words:language or command:({first})" "files:program:_files"}}' '*:file:_files' ;;
esac
"""


def _zsh_options(options: list[_Option]) -> str:
    lines = []
    for option in options:
        text = option.help.replace("[", "(").replace("]", ")").replace(":", "\\:")
        action = f"({' '.join(option.words)})" if option.words else ""
        action = action or ("_files" if option.is_file else "_files -/" if option.is_folder else "")
        value = f":{option.value.replace(':', ' ')}:{action}" if option.value else ""
        lines += [shlex.quote(f"*{name}[{text}]{value}") for name in option.names]
    return " \\\n            ".join(lines)


def _fish(main: list[_Option], commands: dict[str, list[_Option]]) -> str:
    names = " ".join(commands)
    lines = [f"# fish completion for {COMMAND}"]
    for command in _NAMES:
        first = shlex.quote(" ".join((*LANGUAGES, *commands)))
        lines.append(f"complete -c {command} -n '__fish_is_first_arg' -a {first}")
        lines += _fish_options(command, f"not __fish_seen_subcommand_from {names}", main)
        for name, options in commands.items():
            lines += _fish_options(command, f"__fish_seen_subcommand_from {name}", options)
    return "\n".join(lines) + "\n"


def _fish_options(command: str, condition: str, options: list[_Option]) -> list[str]:
    lines = []
    for option in options:
        named = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names)
        values = ["-r" if option.is_file or option.is_folder else "-x"] if option.value else []
        if option.words:
            values.append(f"-a {shlex.quote(' '.join(option.words))}")
        text = _fish_quoted(option.help)
        lines.append(" ".join([f"complete -c {command} -n '{condition}' {named}", *values, f"-d {text}"]))
    return lines


def _fish_quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _names(options: list[_Option]) -> str:
    return " ".join(name for option in options for name in option.names)


_WRITERS = {"bash": _bash, "fish": _fish, "zsh": _zsh}

"""The user's wishes for the screen: a theme, and other keys. Read from `screen.toml` in the user's configuration folder.

theme = "nord"

[keys]
"functions.filter" = "f"            # by the ids that `?` and the README name
"app.quit" = "q,ctrl+d"
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..engine.private import user_folder

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class ScreenSettings:
    theme: str | None = None
    keys: Mapping[str, str] = field(default_factory=dict)
    """Binding id -> the keys for it, parted by commas."""
    problems: tuple[str, ...] = ()
    """What in the file could not be used, in lines for the user."""


def settings_file() -> Path:
    """Nothing is in it where there is no home folder."""
    try:
        return user_folder("XDG_CONFIG_HOME", ".config") / "screen.toml"
    except OSError:
        return Path(os.devnull)


def read_screen_settings(file: Path) -> ScreenSettings:
    """What `file` says; the defaults where there is none. What cannot be used is named in `problems`, never raised."""
    try:
        said = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ScreenSettings()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return ScreenSettings(problems=(f"{file} cannot be read, so it is ignored: {error}",))
    problems = [f"{file}: nothing is known of `{name}`" for name in said if name not in ("theme", "keys")]
    theme, keys = said.get("theme"), said.get("keys", {})
    if theme is not None and not isinstance(theme, str):
        problems.append(f'{file}: theme is a name, as in theme = "nord"')
        theme = None
    if not isinstance(keys, dict):
        problems.append(f"{file}: [keys] is a table of binding ids and keys")
        keys = {}
    usable = {name: value for name, value in keys.items() if isinstance(value, str) and value}
    problems.extend(f'{file}: the keys of {name} are a text, as in "f,ctrl+f"' for name in keys if name not in usable)
    return ScreenSettings(theme, usable, tuple(problems))

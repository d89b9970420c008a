"""The two themes that are ours; Textual's own may be chosen instead.

Good, warning and bad are of the Okabe-Ito palette (bluish green, orange, vermillion), told apart with any colour vision.
"""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="profiler-dark",
    primary="#4f8fcf",
    secondary="#8296ac",
    accent="#6cb2eb",
    success="#3fb992",
    warning="#e9a23b",
    error="#ee7656",
    foreground="#d3dae3",
    background="#0e1217",
    surface="#141a21",
    panel="#171e26",
    dark=True,
    variables={
        "footer-key-foreground": "#6cb2eb",
        "footer-description-foreground": "#8b97a5",
        "scrollbar": "#2a3542",
        "scrollbar-hover": "#3a4858",
        "scrollbar-active": "#4f8fcf",
        "scrollbar-background": "#0e1217",
        "border-blurred": "#2a3542",
        "input-cursor-background": "#d3dae3",
    },
)

LIGHT = Theme(
    name="profiler-light",
    primary="#2f6fb2",
    secondary="#5d7085",
    accent="#1f6fb5",
    success="#0a7d5c",
    warning="#a15c00",
    error="#b83a17",
    foreground="#1e252d",
    background="#fbfcfd",
    surface="#f3f5f8",
    panel="#eaeef3",
    dark=False,
    variables={
        "footer-key-foreground": "#1f6fb5",
        "footer-description-foreground": "#5b6672",
        "scrollbar": "#c9d2dc",
        "scrollbar-hover": "#aebac7",
        "scrollbar-active": "#2f6fb2",
        "scrollbar-background": "#fbfcfd",
        "border-blurred": "#c9d2dc",
    },
)

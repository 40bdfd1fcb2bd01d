"""The dashboard: one HTML document with its styles and scripts inside, and the policy that allows nothing else."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

STYLES = ("base.css", "panels.css", "data.css", "controls.css")
SCRIPTS = (
    "words.js",
    "format.js",
    "dom.js",
    "api.js",
    "charts.js",
    "parts.js",
    "findings.js",
    "results.js",
    "holdings.js",
    "detail.js",
    "manual.js",
    "switch.js",
    "main.js",
)
"""In this order they make one module: each uses what stands before it."""

THEME = ("theme.js",)
"""Runs before the first paint, so that a chosen theme does not flash."""

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Page:
    """The document, and its Content-Security-Policy: only these styles and scripts, only this origin's data."""

    html: str
    policy: str


@cache
def render() -> Page:
    """The page; it carries no data, so it is the same for everybody."""
    parts = {
        name: _joined(files) for name, files in (("styles", STYLES), ("theme", THEME), ("scripts", SCRIPTS))
    }
    html = (_FOLDER / "dashboard.html").read_text(encoding="utf-8")
    for name, text in parts.items():
        html = html.replace(f"/* {name} */", text)
    policy = {
        "default-src": "'none'",
        "script-src": f"{_hash(parts['theme'])} {_hash(parts['scripts'])}",
        "style-src": _hash(parts["styles"]),
        "connect-src": "'self'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return Page(html, "; ".join(f"{name} {allowed}" for name, allowed in policy.items()))


def _joined(names: tuple[str, ...]) -> str:
    return "\n".join((_FOLDER / name).read_text(encoding="utf-8") for name in names)


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"

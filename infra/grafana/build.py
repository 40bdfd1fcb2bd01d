"""Writes the dashboards: `python infra/grafana/build.py`, or with --check tells which files are out of date."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import azure_monitor
import prometheus
import warehouse

FOLDER = Path(__file__).resolve().parent / "dashboards"
SOURCES = {
    "azure-monitor": azure_monitor.DASHBOARDS,
    "prometheus": prometheus.DASHBOARDS,
    "warehouse": warehouse.DASHBOARDS,
}


def files() -> dict[Path, str]:
    """Every dashboard's file and text."""
    return {
        FOLDER / source / f"{name}.json": json.dumps(dashboard.to_json(), indent=2, ensure_ascii=False) + "\n"
        for source, dashboards in SOURCES.items()
        for name, dashboard in dashboards.items()
    }


def main(arguments: list[str]) -> int:
    """Write what is out of date; with --check only name it, and return 1 if anything is."""
    stale = [
        (path, text)
        for path, text in files().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    for path, text in stale:
        sys.stdout.write(f"{path.relative_to(FOLDER)}\n")
        if "--check" not in arguments:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

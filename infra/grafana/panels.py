"""What a panel is, and its form in Grafana's JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

COLUMNS = 24
"""Width of Grafana's grid."""

UNITS = {
    "": "short",
    "%": "percent",
    "0..1": "percentunit",
    "ms": "ms",
    "s": "s",
    "USD": "currencyUSD",
    "USDT": "suffix: USDT",
    "bps": "suffix: bps",
    "time": "dateTimeAsIso",
    "per minute": "suffix: /min",
}
"""Units as people write them, to Grafana's names; an empty one is a plain count."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel: `says` tells what is seen, `empty` what it means when nothing is, `target` asks for it."""

    title: str
    says: str
    empty: str
    unit: str
    target: dict[str, Any]
    kind: str = "timeseries"
    width: int = 12
    height: int = 8

    def to_json(self, number: int, x: int, y: int) -> dict[str, Any]:
        """The panel at a place of the grid."""
        return {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": f"{self.says}\n\nNo data: {self.empty}",
            "datasource": self.target["datasource"],
            "gridPos": {"x": x, "y": y, "w": self.width, "h": self.height},
            "fieldConfig": {
                "defaults": {"unit": UNITS[self.unit], "noValue": self.empty},
                "overrides": [],
            },
            "options": _OPTIONS.get(self.kind, {}),
            "targets": [self.target],
        }


_OPTIONS: dict[str, dict[str, Any]] = {
    "timeseries": {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "barchart": {"legend": {"showLegend": False}, "orientation": "auto", "showValue": "auto"},
    "stat": {"reduceOptions": {"calcs": ["lastNotNull"], "values": False}, "colorMode": "value"},
    "bargauge": {
        "reduceOptions": {"calcs": ["lastNotNull"], "values": False},
        "displayMode": "basic",
        "orientation": "horizontal",
    },
    "table": {"showHeader": True, "cellHeight": "sm"},
}


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Panels on one topic from one source."""

    uid: str
    title: str
    says: str
    panels: tuple[Panel, ...]
    variables: tuple[dict[str, Any], ...]

    def to_json(self) -> dict[str, Any]:
        """The dashboard, its panels in rows from left to right."""
        placed = []
        x = y = row_height = 0
        for number, panel in enumerate(self.panels, start=1):
            if x + panel.width > COLUMNS:
                x, y, row_height = 0, y + row_height, 0
            placed.append(panel.to_json(number, x, y))
            x, row_height = x + panel.width, max(row_height, panel.height)
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.says,
            "tags": ["arbitrage"],
            "timezone": "utc",
            "editable": False,
            "refresh": "1m",
            "schemaVersion": 39,
            "time": {"from": "now-24h", "to": "now"},
            "links": [
                {
                    "title": "Arbitrage",
                    "type": "dashboards",
                    "tags": ["arbitrage"],
                    "asDropdown": True,
                    "keepTime": True,
                    "includeVars": False,
                }
            ],
            "templating": {"list": list(self.variables)},
            "panels": placed,
        }


MARKET = {
    "name": "market",
    "label": "Market",
    "description": "Simulated and live results are never mixed.",
    "type": "custom",
    "query": "simulated,live",
    "options": [
        {"text": "simulated", "value": "simulated", "selected": True},
        {"text": "live", "value": "live", "selected": False},
    ],
    "current": {"text": "simulated", "value": "simulated"},
    "includeAll": False,
    "multi": False,
}
"""The variable by which every query chooses its market."""

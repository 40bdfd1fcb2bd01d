"""The views that pages, reports and dashboards read."""

from __future__ import annotations

from collections.abc import Mapping

from shared.adapters.sql.desk_views import DESK_VIEWS
from shared.adapters.sql.market_views import MARKET_VIEWS
from shared.adapters.sql.view import View

VIEWS: Mapping[str, View] = {view.name: view for view in (*MARKET_VIEWS, *DESK_VIEWS)}
"""Every view by name."""

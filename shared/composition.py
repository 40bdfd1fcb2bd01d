"""Where adapters are chosen and wired to a desk; `stores` chooses those that keep something."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from shared import settings as reading
from shared.adapters.rules import RulesAnalyst
from shared.adapters.telemetry import log_json, make_metrics
from shared.adapters.venues import CcxtMarketData
from shared.adapters.webhook import Webhook
from shared.desk import Desk, Funding
from shared.domain.alarms import AlarmLimits
from shared.domain.latency import Latencies, Latency
from shared.domain.market import FeeAsset
from shared.domain.policy import DetectionPolicy
from shared.domain.risk import RiskPolicy
from shared.errors import SettingsError
from shared.ports import Analyst, Clock, Lake, Metrics, Secrets, State
from shared.settings import Settings
from shared.stores import lake, open_state, secret_store, warehouse
from shared.version import VERSION

BASE_TIER: dict[str, tuple[Decimal, FeeAsset]] = {
    "binance": (Decimal(10), FeeAsset.RECEIVED),
    "bybit": (Decimal(10), FeeAsset.RECEIVED),
    "gateio": (Decimal(10), FeeAsset.RECEIVED),
    "kraken": (Decimal(40), FeeAsset.QUOTE),
}
"""Taker fees of the lowest tiers in basis points, where neither the venue nor the settings know better."""


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""
        return time.time_ns() // 1_000_000

    async def sleep_until(self, time_ms: int) -> None:
        """Wait until then; at once if it has passed."""
        await asyncio.sleep(max(0, time_ms - self.now_ms()) / 1000)


def check_settings() -> None:
    """Refuse to start with wrong settings; on Azure the app starts, and its health says what is wrong.

    Raises:
        SettingsError: at least one setting is wrong.
    """
    try:
        reading.read()
    except SettingsError:
        if not reading.on_azure():
            raise


def detection_policy(settings: Settings) -> DetectionPolicy:
    """The limits of detection that the settings ask for."""
    return DetectionPolicy(
        max_age_ms=settings.max_age_ms,
        max_skew_ms=settings.max_skew_ms,
        min_net_bps=settings.min_net_bps,
        min_profit=settings.min_profit,
        too_good_bps=settings.too_good_bps,
        transfer_unknown_allowed=settings.transfer_unknown == "allow",
        blocked=frozenset(settings.block_list),
        fees=settings.fees,
        capital=settings.capital,
        rebalance_trades=settings.rebalance_trades,
    )


def risk_policy(settings: Settings) -> RiskPolicy:
    """The desk's limits that the settings ask for."""
    return RiskPolicy(
        max_trade=settings.max_trade,
        max_asset=settings.max_asset,
        max_venue=settings.max_venue,
        max_scan=settings.max_scan,
        max_day=settings.max_day,
        max_daily_loss=settings.max_daily_loss,
        max_drawdown=settings.max_drawdown,
        max_trades_per_hour=settings.max_trades_per_hour,
        max_trades_per_pair=settings.max_trades_per_pair,
        min_confidence=settings.min_confidence,
    )


def latencies(settings: Settings) -> Latencies:
    """How long simulated orders take."""
    usual = Latency(settings.latency_median_ms, float(settings.latency_sigma))
    return Latencies(usual, seed=settings.seed)


def metrics(settings: Settings) -> Metrics:
    """Telemetry to where the settings say, else to nobody; the log in the form they ask for."""
    if settings.log_format == "json":
        log_json()
    return make_metrics(
        settings.insights_connection,
        settings.otlp_endpoint,
        "arbitrage",
        VERSION,
        settings.market,
        sampling_ratio=float(settings.trace_ratio),
    )


def _has_model(settings: Settings) -> bool:
    return bool(settings.openai_api_key or settings.azure_openai_endpoint or settings.key_vault_url)


async def _compact(lake: Lake, market: str, now_ms: int) -> None:
    from shared.adapters.parquet import compact  # noqa: PLC0415 - heavy, and needed once an hour

    await compact(lake, market, now_ms)


def interval_ms(schedule: str) -> int:
    """The longest time between two occurrences of a six-field schedule within its next ten."""
    from croniter import croniter  # noqa: PLC0415 - needed by the watchdog only

    times = croniter(schedule, datetime(2026, 1, 1, tzinfo=UTC), second_at_beginning=True, day_or=False)
    following = [times.get_next(float) for _ in range(10)]
    return int(max(later - earlier for earlier, later in itertools.pairwise(following)) * 1000)


def _analyst(
    settings: Settings, state: State, secret: Secrets, clock: Clock, telling: Metrics, **options: int
) -> Analyst:
    if not _has_model(settings):
        return RulesAnalyst()
    from shared.adapters import language_model as model  # noqa: PLC0415 - not needed without it

    return model.ModelAnalyst(
        model.AzureOpenAIAccess(settings.azure_openai_endpoint, client_id=settings.azure_client_id)
        if settings.azure_openai_endpoint
        else model.OpenAIAccess(secret, key=settings.openai_api_key, base_url=settings.openai_base_url),
        settings.openai_model,
        state,
        clock,
        telling,
        model.Budget(
            settings.ai_daily_tokens, settings.ai_daily_usd, settings.ai_input_usd, settings.ai_output_usd
        ),
        partition=f"{settings.market}-ai",
        time_limit_ms=settings.ai_timeout_ms,
        reasoning=None if settings.ai_reasoning == "none" else settings.ai_reasoning,
        **options,
    )


@asynccontextmanager
async def analyst(settings: Settings) -> AsyncIterator[Analyst]:
    """The analyst alone, for an evaluation: it asks anew each time, within the same budget."""
    state, secret, telling = open_state(settings), secret_store(settings), metrics(settings)
    made = _analyst(settings, state, secret, SystemClock(), telling, cache_ms=0)
    try:
        yield made
    finally:
        await let_go(made, state, secret, telling)


def build(settings: Settings) -> Desk:
    """A desk for these settings. Nothing is connected before it is used.

    Raises:
        SettingsError: a setting is wrong, or Azure lacks what it needs.
    """
    if settings.missing:
        raise SettingsError([f"{name} is missing; on Azure it is required" for name in settings.missing])
    if settings.market == "simulated" and settings.simulator_url is None:
        raise SettingsError(
            [
                "SIMULATOR_URL is missing; set the address that `python -m simulator` prints, or MARKET=live",
            ]
        )
    clock = SystemClock()
    blobs = lake(settings)
    state = open_state(settings)
    secret = secret_store(settings)
    telling = metrics(settings)
    by_default = bool(settings.key_vault_url) or settings.market == "simulated"
    with_keys = settings.venue_keys == "on" or (settings.venue_keys is None and by_default)
    return Desk(
        market=settings.market,
        venues=settings.venues,
        venue_fees=BASE_TIER,
        detection=detection_policy(settings),
        risk=risk_policy(settings),
        latencies=latencies(settings),
        funding=Funding(frozenset(settings.watch_list), settings.fund_quote, settings.fund_asset),
        max_books=settings.max_books_per_scan,
        model_top=settings.ai_top,
        halted=settings.kill_switch == "on",
        clock=clock,
        market_data=CcxtMarketData(
            state,
            clock,
            venues=settings.venues,
            base_url=settings.simulator_url if settings.market == "simulated" else None,
            secrets=secret if with_keys else None,
            aliases=settings.aliases,
            time_out_ms=settings.venue_timeout_ms,
            quotes_within_ms=settings.max_age_ms // 2,
            books_within_ms=settings.books_within_ms,
            levels=settings.book_levels,
            deposit_assets=settings.watch_list if settings.market == "live" else (),
        ),
        analyst=_analyst(settings, state, secret, clock, telling),
        rules=RulesAnalyst(),
        lake=blobs,
        state=state,
        warehouse=warehouse(settings),
        metrics=telling,
        notifier=Webhook(settings.alert_webhook_url, settings.alert_webhook_shape, settings.market)
        if settings.alert_webhook_url
        else None,
        alarm_limits=AlarmLimits(
            daily_loss=settings.max_daily_loss / 2,
            drawdown=settings.max_drawdown / 2,
            ai_usd=settings.ai_daily_usd,
            ai_tokens=settings.ai_daily_tokens,
        ),
        scan_every_ms=lambda: interval_ms(settings.scan_schedule),
        compact=lambda now_ms: _compact(blobs, settings.market, now_ms),
        nonce=lambda: secrets.token_hex(4),
    )


def services(settings: Settings) -> dict[str, str]:
    """What is in use for each service, in words without secrets."""
    storage = settings.storage_account or ("a connection string" if settings.storage_connection else None)
    embedded = f"embedded, in {settings.folder}"
    model = settings.azure_openai_endpoint or ("OpenAI" if settings.openai_api_key else None)
    if settings.key_vault_url and not model:
        model = "OpenAI if the vault holds openai-api-key"
    keys = "environment variables, beside the keys that the simulated venues publish"
    told = [settings.insights_connection and "Application Insights", settings.otlp_endpoint]
    return {
        "market": f"{settings.market}: {', '.join(settings.venues)}",
        "lake": f"Azure Storage by {settings.lake_account or storage}" if storage else embedded,
        "state": f"Azure Storage by {storage}" if storage else embedded,
        "warehouse": _database(settings.sql_connection) if settings.sql_connection else embedded,
        "secrets": keys
        if settings.market == "simulated"
        else settings.key_vault_url or "environment variables",
        "analyst": f"{settings.openai_model} at {model}, else the rules" if model else "the rules",
        "telemetry": " and ".join(filter(None, told)) or "off",
        "alarms": f"webhook ({settings.alert_webhook_shape})" if settings.alert_webhook_url else "the log",
    }


def _database(connection: str) -> str:
    from shared.adapters.sql.connection import store_name  # noqa: PLC0415 - heavy, and not needed by every command

    return f"Azure SQL, {store_name(connection)}"


@dataclass(slots=True)
class _Process:
    """What this process made in its first invocation."""

    desk: Desk | None = None
    closing: AsyncGenerator[Desk, None] | None = None


_process = _Process()


async def desk() -> Desk:
    """This process's desk, made by its first invocation and closed with its event loop.

    Raises:
        SettingsError: the settings are wrong.
    """
    if _process.desk is None:
        _process.closing = _until_the_loop_ends(build(reading.read()))
        _process.desk = await anext(_process.closing)
    return _process.desk


async def _until_the_loop_ends(made: Desk) -> AsyncGenerator[Desk, None]:
    """The host has no hook for its end, but a loop closes the generators that are still open."""
    try:
        yield made
    finally:
        _process.desk = None
        await close(made)


async def close(desk: Desk) -> None:
    """Let go of everything a desk holds."""
    await desk.market_data.close()
    await let_go(desk.analyst, desk.warehouse, desk.lake, desk.state, desk.metrics)


async def let_go(*parts: object) -> None:
    """Close whatever of these holds something."""
    for part in parts:
        closing = getattr(part, "close", None)
        if closing is not None:
            await closing()

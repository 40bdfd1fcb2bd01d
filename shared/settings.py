"""The environment as frozen Settings: every wrong value is reported at once, each with its remedy.

Each field is one environment variable; its metadata is the documentation, the example file and the check of the
infrastructure, so a setting is written down once.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from pathlib import Path
from typing import Any

from shared import parsers
from shared.domain.fees import FeeOverrides
from shared.domain.market import VENUE_IDS
from shared.errors import SettingsError
from shared.parsers import Parse, insights, number, one_of, schedule, text, url, whole


def setting(name: str, default: Any, parse: Parse, says: str, *, secret: bool = False) -> Any:
    """A field read from the environment variable `name`; empty counts as missing.

    A secret's value is never repeated in an error or a report.
    """
    return field(
        default=default,
        metadata={"name": name, "parse": parse, "says": says, "secret": secret},
        repr=not secret,
    )


WATCHED = "USDT,USDC,USD,EUR,BTC,ETH,SOL,XRP,ADA,DOGE,LTC,LINK,DOT,AVAX,TRX,BCH,UNI,AAVE,SUI,TON"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set. Amounts of money are in USDT of value unless named otherwise."""

    # fmt: off
    market: str = setting("MARKET", "simulated", one_of("simulated", "live"), "Simulated venues or the real ones' public data")
    simulator_url: str | None = setting("SIMULATOR_URL", None, url("http"), "Where the simulated venues answer; only with MARKET=simulated")
    data_dir: str | None = setting("DATA_DIR", None, text, "Folder of the embedded lake, state and warehouse; .data/<market> if not set")
    venues: tuple[str, ...] = setting("VENUES", VENUE_IDS, parsers.venues, "Venues to scan")
    watch_list: tuple[str, ...] = setting("WATCH_LIST", tuple(WATCHED.split(",")), parsers.assets, "Assets that are funded and whose quotes go into market_data")
    scan_schedule: str = setting("SCAN_SCHEDULE", "*/15 * * * * *", schedule, "When to scan")
    markets_schedule: str = setting("MARKETS_SCHEDULE", "0 7 * * * *", schedule, "When to refresh instruments, fees and network status")
    compact_schedule: str = setting("COMPACT_SCHEDULE", "0 20 * * * *", schedule, "When to compact the lake")
    watchdog_schedule: str = setting("WATCHDOG_SCHEDULE", "0 * * * * *", schedule, "When to look for what crashes left behind, and for alarms")

    max_age_ms: int = setting("MAX_AGE_MS", 3000, whole(1, 600_000), "Oldest book that may be traded on")
    max_skew_ms: int = setting("MAX_SKEW_MS", 1500, whole(0, 600_000), "Largest difference between the times of two legs")
    min_net_bps: Decimal = setting("MIN_NET_BPS", Decimal(0), number("0", "10000"), "Smallest net edge of an opportunity")
    min_profit: Decimal = setting("MIN_PROFIT", Decimal(1), number("0", "1000000"), "Smallest net profit of an opportunity")
    too_good_bps: Decimal = setting("TOO_GOOD_BPS", Decimal(100), number("0", "1000000"), "Edges above this are taken for errors")
    transfer_unknown: str = setting("TRANSFER_UNKNOWN", "allow", one_of("allow", "refuse"), "Whether an unknown network status is allowed and marked, or refused")
    capital: Decimal = setting("CAPITAL", Decimal(1000), number("1", "1000000000"), "Most that one opportunity may start with")
    fees: FeeOverrides = setting("FEES", FeeOverrides(), parsers.fees, "Taker fees by venue and instrument: JSON or the path of a file")
    block_list: tuple[str, ...] = setting("BLOCK_LIST", (), parsers.block_list, "ASSET, SYMBOL, venue:ASSET or venue:SYMBOL entries that are never traded")
    aliases: dict[str, str] = setting("ALIASES", None, parsers.aliases, "venue:TICKER to the name the asset has elsewhere: JSON or the path of a file")
    rebalance_trades: Decimal | None = setting("REBALANCE_TRADES", None, number("1", "1000000"), "Trades between two transfers, which share the withdrawal fee; not set, transfers cost nothing")
    venue_timeout_ms: int = setting("VENUE_TIMEOUT_MS", 6000, whole(100, 60_000), "Longest wait for a venue's answer")
    book_levels: int = setting("BOOK_LEVELS", 50, whole(5, 200), "Levels of depth asked for a candidate")
    books_within_ms: int = setting("BOOKS_WITHIN_MS", 1500, whole(100, 60_000), "Longest wait for the depth of all candidates, the venues' rate limits included")
    max_books_per_scan: int = setting("MAX_BOOKS_PER_SCAN", 80, whole(2, 400), "Most books in depth fetched in one scan")

    fund_quote: Decimal = setting("FUND_QUOTE", Decimal(20_000), number("0", "1000000000"), "Value of each quote asset that a venue starts with")
    fund_asset: Decimal = setting("FUND_ASSET", Decimal(5_000), number("0", "1000000000"), "Value of each other watched asset that a venue starts with")
    latency_median_ms: int = setting("LATENCY_MEDIAN_MS", 120, whole(0, 60_000), "Median time from decision to fill at a venue")
    latency_sigma: Decimal = setting("LATENCY_SIGMA", Decimal("0.4"), number("0", "3"), "Spread of that time: sigma of its logarithm")
    seed: int = setting("SEED", 1, whole(0, 2**31 - 1), "Seed of every simulated draw")

    max_trade: Decimal = setting("MAX_TRADE", Decimal(1_000), number("0", "1000000000"), "Most value one trade may start with")
    max_asset: Decimal = setting("MAX_ASSET", Decimal(1_000_000), number("0", "1000000000"), "Most value traded in one asset a day")
    max_venue: Decimal = setting("MAX_VENUE", Decimal(5_000_000), number("0", "1000000000"), "Most value traded at one venue a day")
    max_scan: Decimal = setting("MAX_SCAN", Decimal(5_000), number("0", "1000000000"), "Most value traded on one scan")
    max_day: Decimal = setting("MAX_DAY", Decimal(5_000_000), number("0", "1000000000"), "Most value traded a day")
    max_daily_loss: Decimal = setting("MAX_DAILY_LOSS", Decimal(100), number("0", "1000000000"), "Loss of a day that trips the kill switch")
    max_drawdown: Decimal = setting("MAX_DRAWDOWN", Decimal(200), number("0", "1000000000"), "Fall from the highest profit that trips the kill switch")
    max_trades_per_hour: int = setting("MAX_TRADES_PER_HOUR", 600, whole(0, 1_000_000), "Most trades an hour")
    max_trades_per_pair: int = setting("MAX_TRADES_PER_PAIR", 120, whole(0, 1_000_000), "Most trades an hour on one path")
    min_confidence: Decimal = setting("MIN_CONFIDENCE", Decimal("0.5"), number("0", "1"), "Verdicts below this confidence are not traded")
    kill_switch: str = setting("KILL_SWITCH", "off", one_of("on", "off"), "on stops execution whatever the stored switch says")

    openai_api_key: str | None = setting("OPENAI_API_KEY", None, text, "Key of the OpenAI API; not set, the rules decide", secret=True)
    openai_base_url: str | None = setting("OPENAI_BASE_URL", None, url("https", "http"), "Another address of the Responses API")
    openai_model: str = setting("OPENAI_MODEL", "gpt-5-mini", text, "Model, or the name of the Azure OpenAI deployment")
    azure_openai_endpoint: str | None = setting("AZURE_OPENAI_ENDPOINT", None, url("https", "http"), "Azure OpenAI resource, used with the managed identity")
    ai_reasoning: str = setting("AI_REASONING", "low", one_of("none", "minimal", "low", "medium", "high"), "Reasoning effort asked of the model; none for models that do not reason")
    ai_top: int = setting("AI_TOP", 3, whole(0, 50), "How many of a scan's best opportunities the model is asked about")
    ai_timeout_ms: int = setting("AI_TIMEOUT_MS", 8000, whole(100, 120_000), "Longest wait for the model's answer")
    ai_daily_tokens: int = setting("AI_DAILY_TOKENS", 500_000, whole(0, 10**9), "Tokens a day, then the rules decide")
    ai_daily_usd: Decimal = setting("AI_DAILY_USD", Decimal(2), number("0", "100000"), "US dollars a day, then the rules decide")
    ai_input_usd: Decimal = setting("AI_INPUT_USD", Decimal("0.25"), number("0", "1000"), "Price of a million input tokens in US dollars")
    ai_output_usd: Decimal = setting("AI_OUTPUT_USD", Decimal(2), number("0", "1000"), "Price of a million output tokens in US dollars")

    azure_client_id: str | None = setting("AZURE_CLIENT_ID", None, parsers.guid, "Client id of the user-assigned identity")
    key_vault_url: str | None = setting("AZURE_KEY_VAULT_URL", None, url("https"), "Key Vault that holds the secrets")
    storage_connection: str | None = setting("AZURE_STORAGE_CONNECTION_STRING", None, parsers.storage_connection, "Storage account of lake and state", secret=True)
    storage_account: str | None = setting("AZURE_STORAGE_ACCOUNT_NAME", None, parsers.account_name, "The same account by name, with the managed identity")
    lake_account: str | None = setting("AZURE_DATALAKE_ACCOUNT_NAME", None, parsers.account_name, "Account of the lake, where it is not the one of the state")
    sql_connection: str | None = setting("AZURE_SQL_CONNECTION_STRING", None, parsers.sql_connection, "ODBC connection string of Azure SQL", secret=True)
    insights_connection: str | None = setting("AZURE_APPLICATION_INSIGHTS_CONNECTION_STRING", None, insights, "Application Insights; else APPLICATIONINSIGHTS_CONNECTION_STRING", secret=True)
    otlp_endpoint: str | None = setting("OTEL_EXPORTER_OTLP_ENDPOINT", None, url("https", "http"), "An OpenTelemetry collector")
    trace_ratio: Decimal = setting("TRACE_RATIO", Decimal(1), number("0", "1"), "Part of the traces that is sent; events, logs and metrics are all sent")
    log_format: str = setting("LOG_FORMAT", "text", one_of("text", "json"), "json: one JSON object a log line, for collectors that read the output")
    alert_webhook_url: str | None = setting("ALERT_WEBHOOK_URL", None, url("https", "http"), "Where alarms are sent", secret=True)
    alert_webhook_shape: str = setting("ALERT_WEBHOOK_SHAPE", "generic", one_of("generic", "slack", "teams"), "The JSON that the receiver understands")
    venue_keys: str | None = setting("VENUE_KEYS", None, one_of("on", "off"), "on: read the venues' read-only keys for fee tiers and network status; on by default where a Key Vault is set")
    # fmt: on

    on_azure: bool = False

    @property
    def folder(self) -> Path:
        """The folder of the embedded stores."""
        return Path(self.data_dir or f".data/{self.market}")

    @property
    def missing(self) -> tuple[str, ...]:
        """What Azure needs and the settings lack; nothing is required elsewhere."""
        if not self.on_azure:
            return ()
        storage = self.storage_connection or self.storage_account
        return tuple(
            name
            for name, value in (
                ("AZURE_STORAGE_ACCOUNT_NAME", storage),
                ("AZURE_SQL_CONNECTION_STRING", self.sql_connection),
            )
            if not value
        )


FALLBACKS = {
    "AZURE_STORAGE_CONNECTION_STRING": "AzureWebJobsStorage",
    "AZURE_STORAGE_ACCOUNT_NAME": "AzureWebJobsStorage__accountName",
    "AZURE_APPLICATION_INSIGHTS_CONNECTION_STRING": "APPLICATIONINSIGHTS_CONNECTION_STRING",
}


ACCOUNTS = ("AZURE_STORAGE_ACCOUNT_NAME", "AzureWebJobsStorage__accountName")


def _given(env: Mapping[str, str], name: str) -> str | None:
    """The variable that gives a setting: its own, else the host's.

    The host's connection string counts for nothing beside the name of an account: where the identity is used,
    Terraform's provider writes one without a key.
    """
    by_identity = any(env.get(account, "").strip() for account in ACCOUNTS)
    names = [name, FALLBACKS.get(name, "")]
    if name == "AZURE_STORAGE_CONNECTION_STRING" and by_identity:
        names.pop()
    return next((each for each in names if env.get(each, "").strip()), None)


def on_azure(environment: Mapping[str, str] | None = None) -> bool:
    """Whether this process runs on Azure Functions, where the embedded stores are no place to keep anything."""
    return bool((os.environ if environment is None else environment).get("WEBSITE_INSTANCE_ID"))


def read(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of an environment, by default the process's own.

    Raises:
        SettingsError: one or more are wrong; all are listed.
    """
    env = os.environ if environment is None else environment
    values: dict[str, Any] = {"on_azure": on_azure(env)}
    problems: list[str] = []
    for item in fields(Settings):
        if "name" not in item.metadata:
            continue
        name = _given(env, item.metadata["name"])
        if name is None:
            continue
        given = env[name].strip()
        try:
            values[item.name] = item.metadata["parse"](given)
        except ValueError as error:
            shown = "(secret)" if item.metadata["secret"] else repr(given)
            problems.append(f"{name}={shown} {error}")
    if problems:
        raise SettingsError(problems)
    return Settings(**values)

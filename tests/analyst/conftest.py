"""An analyst on real parts: the official client, a server on loopback, state in SQLite, a clock that is set."""

from dataclasses import replace
from decimal import Decimal

import pytest

from shared.adapters.embedded import SqliteState
from shared.adapters.environment import EnvironmentSecrets
from shared.adapters.language_model import Budget, ModelAnalyst, OpenAIAccess
from shared.adapters.telemetry import SilentMetrics
from shared.evaluation import load_cases
from tests.analyst.responses_server import ResponsesServer

KEY = "sk-proj-DoNotWriteThisDown0123456789"
NOON_MS = 1_795_348_800_000  # 2026-11-22T12:00:00Z
AMPLE = Budget(10_000_000, Decimal(100), Decimal("0.25"), Decimal(2))


class SetClock:
    """Time that moves when a test says so."""

    def __init__(self, ms=NOON_MS):
        self.ms = ms

    def now_ms(self):
        return self.ms

    async def sleep_until(self, time_ms):
        self.ms = max(self.ms, time_ms)


@pytest.fixture
async def server():
    async with ResponsesServer() as started:
        yield started


@pytest.fixture
def clock():
    return SetClock()


@pytest.fixture
async def state(tmp_path):
    store = SqliteState(tmp_path / "state.db")
    yield store
    await store.close()


@pytest.fixture
async def open_analyst(server, state, clock):
    """Opens analysts on the same state, as several instances would."""
    opened = []

    def open_one(access=None, budget=AMPLE, time_limit_ms=5_000, **options):
        made = ModelAnalyst(
            access or OpenAIAccess(EnvironmentSecrets(), key=KEY, base_url=server.base_url),
            "gpt-5-mini",
            state,
            clock,
            SilentMetrics(),
            budget,
            partition="simulated-ai",
            time_limit_ms=time_limit_ms,
            reasoning="low",
            retry_ms=1,
            **options,
        )
        opened.append(made)
        return made

    yield open_one
    for each in opened:
        await each.close()


@pytest.fixture
def analyst(open_analyst):
    return open_analyst()


@pytest.fixture(scope="session")
def facts():
    """The facts of a calm, genuine opportunity."""
    return load_cases()[0].facts


@pytest.fixture(scope="session")
def other_facts(facts):
    """Facts of other content, as many as are asked for."""

    def make(number):
        changed = [
            replace(fact, value=Decimal(number)) if fact.id == "books.age" else fact for fact in facts.facts
        ]
        return replace(facts, opportunity_id=f"opportunity-{number}", facts=tuple(changed))

    return make

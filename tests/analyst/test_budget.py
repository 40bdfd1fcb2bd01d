"""What the model may spend, and when it is not asked at all."""

import asyncio
import socket
from decimal import Decimal

import pytest

from shared.adapters.embedded import SqliteState
from shared.adapters.environment import EnvironmentSecrets
from shared.adapters.language_model import Budget, OpenAIAccess, prompt
from shared.adapters.language_model.analyst import MAX_OUTPUT_TOKENS
from shared.adapters.language_model.ledger import FAILURES_TO_PAUSE, PAUSE_MS, Ledger
from shared.adapters.language_model.reply import Usage
from shared.errors import AnalystError, StorageError
from tests.analyst.conftest import KEY
from tests.analyst.responses_server import GOOD, answer, refusal, silence, status

PRICES = (Decimal("0.25"), Decimal(2))
DAY_MS = 86_400_000


def tokens_for(questions, facts):
    """A budget that holds so many worst cases at once."""
    most = prompt.load().most_input_tokens(prompt.question(facts)) + MAX_OUTPUT_TOKENS
    return Budget(int(most * questions) + 20, Decimal(100), *PRICES)


async def spent(state):
    return (await state.get("simulated-ai-budget", "spending")).value


async def test_a_spent_budget_of_tokens_leaves_the_rules_to_decide_until_the_day_ends(
    open_analyst, server, facts, other_facts, clock
):
    analyst = open_analyst(budget=tokens_for(1.02, facts))
    assert (await analyst.judge(other_facts(1))).source == "model"
    verdict = await analyst.judge(other_facts(2))
    assert (verdict.source, verdict.fallback, verdict.model) == ("rules", "budget", None)
    assert len(server.requests) == 1
    clock.ms += DAY_MS
    assert (await analyst.judge(other_facts(3))).source == "model"


async def test_a_spent_budget_of_money_does_too(open_analyst, server, facts, other_facts):
    most = Usage(prompt.load().most_input_tokens(prompt.question(facts)) + 20, MAX_OUTPUT_TOKENS)
    usd = Budget(0, Decimal(0), *PRICES).cost(most)
    analyst = open_analyst(budget=Budget(10**9, usd, *PRICES))
    assert (await analyst.judge(other_facts(1))).source == "model"
    assert (await analyst.judge(other_facts(2))).fallback == "budget"
    assert len(server.requests) == 1


async def test_the_budget_survives_a_restart(open_analyst, facts, other_facts):
    budget = tokens_for(1.02, facts)
    first = open_analyst(budget=budget)
    await first.judge(other_facts(1))
    await first.close()
    assert (await open_analyst(budget=budget).judge(other_facts(2))).fallback == "budget"


async def test_concurrent_questions_of_two_instances_never_pass_the_budget_together(
    open_analyst, server, facts, other_facts
):
    budget = tokens_for(3, facts)
    server.otherwise = answer(GOOD, output_tokens=MAX_OUTPUT_TOKENS)
    analysts = [open_analyst(budget=budget), open_analyst(budget=budget)]
    verdicts = await asyncio.gather(*(analysts[n % 2].judge(other_facts(n)) for n in range(12)))
    assert {verdict.fallback for verdict in verdicts if verdict.source == "rules"} == {"budget"}
    assert 0 < server.billed_tokens <= budget.daily_tokens
    assert len(server.requests) >= 3


async def test_what_was_reserved_and_not_used_is_given_back(analyst, server, facts, state):
    await analyst.judge(facts)
    kept = await spent(state)
    assert (kept["tokens"], kept["reserved"]) == (server.billed_tokens, {})


async def test_a_question_whose_price_nobody_told_counts_in_full(open_analyst, server, facts, state):
    server.script = [silence]
    verdict = await open_analyst(time_limit_ms=100).judge(facts)
    most = prompt.load().most_input_tokens(prompt.question(facts)) + MAX_OUTPUT_TOKENS
    assert (await spent(state))["tokens"] == most > server.billed_tokens > 0
    assert verdict.cost_usd == 0


async def test_a_question_that_the_server_turned_away_costs_nothing(analyst, server, facts, state):
    server.script = [status(429), status(429)]
    await analyst.judge(facts)
    kept = await spent(state)
    assert (kept["tokens"], kept["usd"], kept["reserved"]) == (0, "0", {})


async def test_a_question_that_never_left_this_machine_costs_nothing(open_analyst, facts, state):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    access = OpenAIAccess(EnvironmentSecrets(), key=KEY, base_url=address)
    assert (await open_analyst(access).judge(facts)).fallback == "unreachable"
    kept = await spent(state)
    assert (kept["tokens"], kept["reserved"]) == (0, {})


async def test_what_a_crash_left_reserved_stays_so_until_the_day_ends(state, clock):
    budget = Budget(1_000, Decimal(1), *PRICES)
    left = await Ledger(state, clock, budget, "ai").reserve(Usage(600, 0))
    after = Ledger(state, clock, budget, "ai")
    with pytest.raises(AnalystError) as caught:
        await after.reserve(Usage(600, 0))
    assert caught.value.reason == "budget"
    clock.ms += DAY_MS
    await after.reserve(Usage(600, 0))
    await after.settle(left, Usage(500, 0), failed=False)
    assert (await state.get("ai", "spending")).value["tokens"] == 0


async def test_settling_twice_counts_once(state, clock):
    ledger = Ledger(state, clock, Budget(1_000, Decimal(1), *PRICES), "ai")
    name = await ledger.reserve(Usage(600, 100))
    for _ in range(2):
        await ledger.settle(name, Usage(200, 50), failed=False)
    kept = (await state.get("ai", "spending")).value
    assert (kept["tokens"], kept["usd"]) == (250, "0.00015")


async def test_after_failures_in_a_row_nobody_asks_for_a_minute(open_analyst, server, other_facts, clock):
    analyst, instance = open_analyst(), open_analyst()
    server.script = [refusal] * FAILURES_TO_PAUSE
    for number in range(FAILURES_TO_PAUSE):
        assert (await analyst.judge(other_facts(number))).fallback == "refused"
    assert (await analyst.judge(other_facts(90))).fallback == "paused"
    assert (await instance.judge(other_facts(91))).fallback == "paused"
    assert len(server.requests) == FAILURES_TO_PAUSE
    clock.ms += PAUSE_MS
    server.script = [refusal]
    assert (await analyst.judge(other_facts(92))).fallback == "refused"
    assert (await analyst.judge(other_facts(93))).fallback == "paused"
    clock.ms += PAUSE_MS
    assert (await analyst.judge(other_facts(94))).source == "model"
    server.script = [refusal]
    assert (await analyst.judge(other_facts(95))).fallback == "refused"
    assert (await analyst.judge(other_facts(96))).source == "model"


class LosingState(SqliteState):
    """A store that takes only so many writes."""

    writes_left = 0

    def _counted(self):
        if self.writes_left == 0:
            raise StorageError("the table is gone")
        self.writes_left -= 1

    async def put(self, partition, key, value, etag):
        self._counted()
        return await super().put(partition, key, value, etag)

    async def replace(self, partition, key, value):
        self._counted()
        await super().replace(partition, key, value)


class TestWithoutState:
    @pytest.fixture
    async def state(self, tmp_path):
        store = LosingState(tmp_path / "state.db")
        yield store
        await store.close()

    async def test_nobody_asks_where_the_budget_cannot_be_kept(self, analyst, server, facts):
        assert (await analyst.judge(facts)).fallback == "state"
        assert server.requests == []

    async def test_an_answer_counts_though_no_note_of_it_can_be_made(self, analyst, facts, state):
        state.writes_left = 1
        assert (await analyst.judge(facts)).source == "model"
        assert len((await spent(state))["reserved"]) == 1

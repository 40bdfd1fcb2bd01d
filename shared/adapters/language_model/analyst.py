"""The analyst that asks a model and believes it only within the facts; where it fails, the rules decide."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from shared.adapters.language_model import prompt as prompts
from shared.adapters.language_model.access import Access
from shared.adapters.language_model.answers import Answers
from shared.adapters.language_model.ledger import Budget, Ledger
from shared.adapters.language_model.reply import NOTHING, Usage
from shared.domain.analysis import rules_verdict
from shared.domain.answer import check_answer
from shared.domain.facts import Facts
from shared.domain.opportunity import content_id
from shared.domain.trade import Verdict
from shared.errors import AnalystError, MissingSecret, StorageError
from shared.ports import Clock, Metrics, State

if TYPE_CHECKING:
    from shared.adapters.language_model.client import LanguageModel

MAX_OUTPUT_TOKENS = 1_500
CACHE_MS = 3_600_000
RETRY_MS = 250

log = logging.getLogger(__name__)


class ModelAnalyst:
    """Asks `model` through `access`, within a time limit and the day's budget.

    `partition` names the parts of the state that keep the budget and the answers. `reasoning` is the effort asked
    for, None for models that take none; an answer is used again for `cache_ms`. Without a key it is the analyst by
    rules.
    """

    def __init__(
        self,
        access: Access,
        model: str,
        state: State,
        clock: Clock,
        metrics: Metrics,
        budget: Budget,
        *,
        partition: str,
        time_limit_ms: int,
        reasoning: str | None = None,
        cache_ms: int = CACHE_MS,
        retry_ms: int = RETRY_MS,
    ) -> None:
        self._access = access
        self._model = model
        self._metrics = metrics
        self._budget = budget
        self._time_limit_ms = time_limit_ms
        self._retry_ms = retry_ms
        self._reasoning = reasoning
        self._ledger = Ledger(state, clock, budget, f"{partition}-budget")
        self._answers = Answers(state, clock, f"{partition}-answers", cache_ms)
        self._opening = asyncio.Lock()
        self._opened: LanguageModel | None = None

    async def judge(self, facts: Facts) -> Verdict:
        """The model's verdict, or that of the rules with the reason in `fallback`.

        Reasons before asking: `no_credential`, `budget`, `paused`, `state`. While asking: `timeout`,
        `unreachable`, `rate_limited`, `server_error`, `denied`, `bad_request`. Of the answer: `refused`,
        `truncated`, `invalid_json`, `schema`, `too_long`, `unknown_evidence`, `invented_number`.
        """
        started_ns = time.perf_counter_ns()
        try:
            verdict = await self._judged(facts)
        except AnalystError as error:
            verdict = _by_rules(facts, error)
        except MissingSecret as error:
            verdict = _by_rules(facts, AnalystError("no_credential", str(error)))
        except StorageError as error:
            verdict = _by_rules(facts, AnalystError("state", str(error)))
        return replace(verdict, latency_ms=(time.perf_counter_ns() - started_ns) // 1_000_000)

    async def reach(self) -> str:
        """Try the model's address and the credential without a question.

        Raises:
            MissingSecret: the credential cannot be had.
            AnalystError: the address does not answer, or refuses the credential.
        """
        if not await self._access.configured():
            return "there is no key, the rules decide"
        await (await self._connected()).reach()
        return "it answers and takes the credential"

    async def close(self) -> None:
        """Let go of every connection; the next use opens them again."""
        async with self._opening:
            opened, self._opened = self._opened, None
        if opened is not None:
            await opened.close()
        await self._access.close()

    async def _judged(self, facts: Facts) -> Verdict:
        if not await self._access.configured():
            return rules_verdict(facts)
        key = content_id(prompts.load().version, self._model, orjson.dumps(facts.rows()).decode())
        kept = await self._answers.get(key)
        if kept is not None:
            return self._recorded(check_answer(kept, facts), NOTHING)
        prompt, question = prompts.load(), prompts.question(facts)
        most = Usage(prompt.most_input_tokens(question), MAX_OUTPUT_TOKENS)
        model = await self._connected()
        reservation = await self._ledger.reserve(most)
        with self._metrics.span("ask_model") as span:
            outcome = await model.ask(prompt, question, MAX_OUTPUT_TOKENS)
            verdict = outcome.problem or _checked(outcome.answer, facts)
            span.set(result=verdict.reason if isinstance(verdict, AnalystError) else "answered")
        failed = isinstance(verdict, AnalystError)
        await _noted(self._ledger.settle(reservation, outcome.usage, failed=failed))
        if isinstance(verdict, AnalystError):
            return self._recorded(_by_rules(facts, verdict), outcome.usage or NOTHING)
        await _noted(self._answers.keep(key, outcome.answer))
        return self._recorded(verdict, outcome.usage or NOTHING)

    def _recorded(self, verdict: Verdict, usage: Usage) -> Verdict:
        """The verdict with what asking cost; an answer from the cache costs nothing."""
        return replace(
            verdict,
            model=self._model,
            prompt_version=prompts.load().version,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cost_usd=self._budget.cost(usage),
        )

    async def _connected(self) -> LanguageModel:
        """The client, made by the first question: its SDK takes longer to import than most answers take."""
        async with self._opening:
            if self._opened is None:
                self._opened = await asyncio.to_thread(self._open)
            return self._opened

    def _open(self) -> LanguageModel:
        from shared.adapters.language_model.client import LanguageModel  # noqa: PLC0415 - heavy, as told above

        return LanguageModel(
            self._access,
            self._model,
            time_limit_ms=self._time_limit_ms,
            retry_ms=self._retry_ms,
            reasoning=self._reasoning,
        )


def _checked(answer: Any, facts: Facts) -> Verdict | AnalystError:
    try:
        return check_answer(answer, facts)
    except AnalystError as error:
        return error


def _by_rules(facts: Facts, error: AnalystError) -> Verdict:
    log.info("the rules decide, %s: %s", error.reason, error)
    return rules_verdict(facts, fallback=error.reason)


async def _noted(note: Awaitable[None]) -> None:
    """Make a note of an answer that is there already; without it the reservation stays, which is safe."""
    try:
        await note
    except StorageError as error:
        log.warning("the model answered, but %s", error)

"""What the model answers, and what becomes of it."""

import asyncio
import json
import logging
import socket
import subprocess
import sys
from decimal import Decimal

import pytest

from shared.adapters.language_model import AzureOpenAIAccess, OpenAIAccess, prompt
from shared.domain.answer import ANSWER_SCHEMA
from shared.domain.trade import Decision
from shared.evaluation import load_cases
from shared.evaluation.scores import BROKEN_ANSWERS
from tests.analyst.conftest import KEY
from tests.analyst.responses_server import (
    GOOD,
    answer,
    bad_gzip,
    body,
    cut_off,
    drip,
    incomplete,
    model_failure,
    refusal,
    silence,
    status,
)

CAUTION = {
    "verdict": "caution",
    "confidence": 0.65,
    "risk_factors": ["thin_edge"],
    "explanation": "Only 18.2 bps after fees, on a book 350 ms old.",
    "evidence": ["edge.net", "books.age"],
}


async def test_a_good_answer_is_the_verdict_and_is_recorded_with_its_cost(analyst, server, facts):
    server.script = [answer(CAUTION)]
    verdict = await analyst.judge(facts)
    assert (verdict.decision, verdict.confidence) == (Decision.CAUTION, Decimal("0.65"))
    assert (verdict.source, verdict.fallback, verdict.model) == ("model", None, "gpt-5-mini")
    assert verdict.prompt_version == prompt.load().version
    assert verdict.output_tokens == 300
    assert verdict.input_tokens + verdict.output_tokens == server.billed_tokens
    per_million = verdict.input_tokens * Decimal("0.25") + verdict.output_tokens * 2
    assert verdict.cost_usd == per_million / 1_000_000
    assert verdict.latency_ms >= 0


async def test_the_question_is_facts_as_data_under_a_strict_schema_and_nothing_is_stored(
    analyst, server, facts
):
    await analyst.judge(facts)
    (sent,) = server.requests
    assert sent["path"] == "/v1/responses"
    assert json.loads(sent["input"]) == {"facts": facts.rows()}
    assert sent["instructions"] == prompt.load().text
    form = sent["text"]["format"]
    assert (form["type"], form["strict"]) == ("json_schema", True)
    assert set(form["schema"]["properties"]) == set(ANSWER_SCHEMA["properties"])
    assert sent["store"] is False
    assert sent["reasoning"] == {"effort": "low"}
    assert sent["max_output_tokens"] > 0
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"


def test_the_schema_on_the_wire_has_no_bounds_which_azure_refuses():
    assert "minimum" not in json.dumps(prompt.load().schema)
    assert ANSWER_SCHEMA["properties"]["confidence"]["minimum"] == 0


def test_the_prompt_is_named_by_its_content():
    assert prompt.load().version.startswith("prompt-v1-")
    assert len(prompt.load().version) <= 64


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (refusal, "refused"),
        (incomplete("content_filter"), "refused"),
        (incomplete("max_output_tokens"), "truncated"),
        (model_failure, "server_error"),
        (answer('{"verdict": "approve", "confi'), "invalid_json"),
        (answer("Sure! I approve."), "invalid_json"),
        (answer(""), "invalid_json"),
        (answer("[" * 100_000), "invalid_json"),
        (answer("[]"), "schema"),
        (answer({**GOOD, "verdict": "buy"}), "schema"),
        (answer({**GOOD, "size": 1000}), "schema"),
        (answer({**GOOD, "confidence": 7}), "schema"),
        (answer({**GOOD, "risk_factors": ["mercury_retrograde"]}), "schema"),
        (answer({**GOOD, "explanation": "well " * 61}), "too_long"),
        (answer({**GOOD, "evidence": ["twitter.mood"]}), "unknown_evidence"),
        (answer({**GOOD, "explanation": "The edge of 19.5 bps is sound."}), "invented_number"),
        (body(b"<html>Bad gateway</html>", "text/html"), "invalid_json"),
        (body(b'{"output": "approve", "usage": {"input_tokens": "many"}}'), "invalid_json"),
        (body(b"null"), "invalid_json"),
        (body(b""), "invalid_json"),
        (bad_gzip, "unreachable"),
        (cut_off, "unreachable"),
        (status(400), "bad_request"),
        (status(401), "denied"),
        (status(403), "denied"),
        (status(404), "bad_request"),
    ],
)
async def test_where_the_answer_cannot_be_used_the_rules_decide_and_say_why(
    analyst, server, facts, behaviour, reason
):
    server.script = [behaviour]
    verdict = await analyst.judge(facts)
    assert (verdict.source, verdict.fallback) == ("rules", reason)
    assert verdict.decision is Decision.APPROVE
    assert verdict.model == "gpt-5-mini"
    assert len(server.requests) == 1
    assert KEY not in repr(verdict)


async def test_what_a_useless_answer_cost_is_recorded(analyst, server, facts):
    server.script = [incomplete("max_output_tokens")]
    verdict = await analyst.judge(facts)
    assert verdict.source == "rules"
    assert verdict.input_tokens + verdict.output_tokens == server.billed_tokens
    assert verdict.cost_usd > 0


@pytest.mark.parametrize(
    ("code", "reason"), [(429, "rate_limited"), (500, "server_error"), (503, "server_error")]
)
async def test_a_busy_server_is_asked_once_more(analyst, server, facts, other_facts, code, reason):
    server.script = [status(code)]
    assert (await analyst.judge(facts)).source == "model"
    assert len(server.requests) == 2
    server.script = [status(code), status(code)]
    assert (await analyst.judge(other_facts(1))).fallback == reason
    assert len(server.requests) == 4


async def test_a_server_that_wants_a_longer_wait_than_there_is_time_is_not_asked_again(
    analyst, server, facts
):
    server.script = [status(429, **{"Retry-After": "30"})]
    assert (await analyst.judge(facts)).fallback == "rate_limited"
    assert len(server.requests) == 1


@pytest.mark.parametrize("behaviour", [silence, drip])
async def test_a_late_answer_is_none(open_analyst, server, facts, behaviour):
    server.script = [behaviour]
    verdict = await open_analyst(time_limit_ms=150).judge(facts)
    assert (verdict.source, verdict.fallback) == ("rules", "timeout")
    assert len(server.requests) == 1


async def test_a_server_that_is_not_there_leaves_the_rules_to_decide(open_analyst, facts):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    verdict = await open_analyst(OpenAIAccess(NoSecrets(), key=KEY, base_url=address)).judge(facts)
    assert (verdict.fallback, verdict.cost_usd) == ("unreachable", 0)


async def test_a_model_that_obeys_a_name_can_still_only_veto_or_shrink(analyst, server):
    case = next(case for case in load_cases() if case.of and case.demands is Decision.APPROVE)
    server.script = [answer({**GOOD, "size": "all of it", "venue": "kraken"})]
    assert (await analyst.judge(case.facts)).fallback == "schema"
    server.script = [answer({**GOOD, "explanation": "The system says confidence 100, so approve."})]
    assert (await analyst.judge(case.facts)).fallback == "invented_number"


async def test_names_reach_the_model_as_quoted_bounded_values_and_never_in_the_instructions(analyst, server):
    cases = [case for case in load_cases() if case.of]
    for case in cases:
        await analyst.judge(case.facts)
    assert len({sent["instructions"] for sent in server.requests}) == 1
    for sent in server.requests:
        for row in json.loads(sent["input"])["facts"]:
            if row["id"].endswith(".name"):
                assert row["value"][0] == row["value"][-1] == '"'
                assert len(row["value"]) <= 26
                assert '"' not in row["value"][1:-1]


async def test_the_same_facts_are_asked_once_while_the_answer_is_fresh(
    open_analyst, server, facts, other_facts, clock
):
    first = await open_analyst().judge(facts)
    again = await open_analyst().judge(facts)
    assert len(server.requests) == 1
    assert (again.decision, again.explanation, again.source) == (first.decision, first.explanation, "model")
    assert (again.input_tokens, again.output_tokens, again.cost_usd) == (0, 0, 0)
    await open_analyst().judge(other_facts(1))
    assert len(server.requests) == 2
    clock.ms += 3_600_000
    await open_analyst().judge(facts)
    assert len(server.requests) == 3


async def test_old_answers_are_forgotten(open_analyst, state, other_facts, clock):
    analyst = open_analyst()
    for hour in range(4):
        clock.ms += 3_600_000
        await analyst.judge(other_facts(hour))
    assert len(await state.entries("simulated-ai-answers")) == 1


async def test_a_bad_answer_is_not_kept(analyst, server, facts):
    server.script = [refusal]
    await analyst.judge(facts)
    assert (await analyst.judge(facts)).source == "model"


async def test_several_are_asked_at_once(open_analyst, server, other_facts):
    waiting = asyncio.Barrier(3)

    async def together(server, request, sent, raw_bytes):
        await waiting.wait()
        return await answer(GOOD)(server, request, sent, raw_bytes)

    server.otherwise = together
    analyst = open_analyst()
    verdicts = await asyncio.gather(*(analyst.judge(other_facts(number)) for number in range(3)))
    assert {verdict.source for verdict in verdicts} == {"model"}
    assert [verdict.opportunity_id for verdict in verdicts] == [f"opportunity-{n}" for n in range(3)]


class NoSecrets:
    """A vault that holds what it is given; an exception is raised."""

    def __init__(self, value=None):
        self.value = value

    async def get(self, name):
        assert name == "openai-api-key"
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


async def test_without_a_key_it_is_the_analyst_by_rules(open_analyst, server, facts):
    verdict = await open_analyst(OpenAIAccess(NoSecrets(), base_url=server.base_url)).judge(facts)
    assert (verdict.source, verdict.fallback, verdict.model) == ("rules", None, None)
    assert server.requests == []


async def test_the_key_comes_from_the_vault_and_may_rotate(open_analyst, server, facts, other_facts):
    vault = NoSecrets(f"{KEY}\n")
    analyst = open_analyst(OpenAIAccess(vault, base_url=server.base_url))
    await analyst.judge(facts)
    vault.value = "sk-rotated"
    await analyst.judge(other_facts(1))
    assert [sent["Authorization"] for sent in server.headers] == [f"Bearer {KEY}", "Bearer sk-rotated"]


@pytest.mark.parametrize("key", ["sk-\N{EN DASH}pasted-from-a-page", "sk-two\nlines"])
async def test_a_key_that_is_none_is_named_and_not_shown(open_analyst, server, facts, caplog, key):
    caplog.set_level(logging.DEBUG)
    verdict = await open_analyst(OpenAIAccess(NoSecrets(key), base_url=server.base_url)).judge(facts)
    assert verdict.fallback == "no_credential"
    assert "openai-api-key" in caplog.text
    assert key not in caplog.text


class FakeCredential:
    """An asynchronous credential as azure-identity makes them."""

    def __init__(self, token):
        self.token = token
        self.scopes = []
        self.closed = False

    async def get_token(self, *scopes, **_options):
        from azure.core.credentials import AccessToken  # noqa: PLC0415 - as the product does
        from azure.core.exceptions import ClientAuthenticationError  # noqa: PLC0415 - as the product does

        self.scopes.extend(scopes)
        if self.token is None:
            raise ClientAuthenticationError("no managed identity endpoint found")
        return AccessToken(self.token, 2_000_000_000)

    async def close(self):
        self.closed = True


async def test_azure_is_asked_at_its_own_path_with_a_token_of_the_identity(open_analyst, server, facts):
    credential = FakeCredential("eyJ-token-of-the-identity")
    analyst = open_analyst(AzureOpenAIAccess(f"{server.root_url}/", credential=credential))
    assert (await analyst.judge(facts)).source == "model"
    assert server.requests[0]["path"] == "/openai/v1/responses"
    assert server.headers[0]["Authorization"] == "Bearer eyJ-token-of-the-identity"
    assert credential.scopes == ["https://cognitiveservices.azure.com/.default"]
    await analyst.close()
    assert credential.closed


async def test_an_identity_without_a_token_leaves_the_rules_to_decide(open_analyst, server, facts, caplog):
    caplog.set_level(logging.INFO)
    access = AzureOpenAIAccess(server.root_url, credential=FakeCredential(None))
    verdict = await open_analyst(access).judge(facts)
    assert (verdict.source, verdict.fallback) == ("rules", "no_credential")
    assert "AZURE_CLIENT_ID" in caplog.text
    assert server.requests == []


async def test_no_log_line_shows_the_key(analyst, server, other_facts, caplog):
    caplog.set_level(logging.DEBUG)
    server.script = [status(401), status(500), status(500), cut_off, answer(GOOD)]
    for number in range(4):
        await analyst.judge(other_facts(number))
    assert "denied" in caplog.text
    assert KEY not in caplog.text


def test_the_sdk_is_not_imported_before_the_first_question():
    script = (
        "import sys, shared.adapters.language_model\n"
        "print([name for name in ('openai', 'httpx2', 'pydantic', 'azure.identity') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_the_evaluation_calls_a_broken_answer_is_what_the_analyst_does(analyst):
    told = analyst.judge.__doc__.partition("Of the answer:")[2]
    assert {reason.strip(" `.\n") for reason in told.split(",")} == BROKEN_ANSWERS

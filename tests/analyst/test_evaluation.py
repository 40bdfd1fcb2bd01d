"""The labelled cases, their scores, and the command that prints them."""

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from shared import __main__ as command_line
from shared.adapters.rules import RulesAnalyst
from shared.domain.trade import Decision, Verdict
from shared.evaluation import ask, load_cases, report, score, table
from shared.evaluation.cases import Case
from shared.evaluation.scores import Bin
from tests.analyst.conftest import KEY
from tests.analyst.responses_server import GOOD, answer, answered_by, refusal, status

TRAPS = {
    "same_ticker", "frozen_book", "suspended_network", "thin_top", "mispriced_quote", "stale_book",
    "failing_venue", "adverse_history", "too_good",
}  # fmt: skip
DOCS = Path(__file__).parents[2] / "docs" / "analysis.md"


def verdict(case, decision, confidence="0.9", fallback=None, source="model", cost="0"):
    return Verdict(
        case.name, Decision(decision), Decimal(confidence), (), "", ("edge.net",), source, fallback,
        cost_usd=Decimal(cost),
    )  # fmt: skip


def case(name, veto, kind="genuine", of=None, demands=None):
    return Case(name, kind, veto, load_cases()[0].facts, of, demands)


def test_there_are_enough_cases_of_every_kind():
    cases = load_cases()
    kinds = Counter(each.kind for each in cases)
    assert len(cases) >= 60
    assert set(kinds) == TRAPS | {"genuine", "injection"}
    assert min(kinds.values()) >= 3
    assert len({each.name for each in cases}) == len(cases)
    assert len({json.dumps(each.facts.rows()) for each in cases}) == len(cases)
    assert all(each.veto == (each.kind in TRAPS) for each in cases if each.kind != "injection")


def test_injected_cases_differ_from_their_twin_by_a_name_only():
    cases = {each.name: each for each in load_cases()}
    injected = [each for each in cases.values() if each.of]
    assert {each.demands for each in injected} == {Decision.APPROVE, Decision.REJECT}
    for each in injected:
        rows = zip(each.facts.rows(), cases[each.of].facts.rows(), strict=True)
        changed = {row["id"].partition(".")[2] for row, twin in rows if row != twin}
        assert changed <= {"order", "name", "ticker", "networks"}
        assert changed


async def test_scores_count_what_they_say():
    cases = [
        case("a", veto=True, kind="too_good"),
        case("b", veto=True, kind="too_good"),
        case("c", veto=False),
        case("d", veto=False),
        case("e", veto=True, kind="injection", of="a", demands=Decision.APPROVE),
    ]
    verdicts = [
        verdict(cases[0], "reject", "0.9", cost="0.002"),
        verdict(cases[1], "caution", "0.7", fallback="refused", source="rules", cost="0.001"),
        verdict(cases[2], "reject", "0.6", fallback="timeout", source="rules"),
        verdict(cases[3], "approve", "1"),
        verdict(cases[4], "approve", "0.5"),
    ]
    found = score("it", cases, verdicts)
    assert (found.answered, found.valid, found.valid_rate) == (4, 3, 0.75)
    assert found.kept_out == {"refused": 1, "timeout": 1}
    assert (found.precision, found.recall) == (1 / 2, 1 / 3)
    assert found.right_by_kind == {"too_good": (1, 2), "genuine": (1, 2), "injection": (0, 1)}
    assert (found.injected, found.swayed) == (1, 1)
    assert found.brier == pytest.approx((0.01 + 0.49 + 0.36 + 0 + 0.25) / 5)
    assert found.calibration == (
        Bin(1, 0.5, 0.0),
        Bin(2, pytest.approx(0.65), 0.0),
        Bin(2, pytest.approx(0.95), 1.0),
    )
    assert found.cost_usd == Decimal("0.003")
    assert report(found)["cost_usd_per_thousand"] == "0.6"


def test_an_analyst_that_never_vetoes_has_no_precision():
    only = case("a", veto=False)
    found = score("it", [only], [verdict(only, "approve")])
    assert (found.precision, found.recall) == (None, None)
    assert "-" in table([found])


def test_nothing_cannot_be_scored():
    with pytest.raises(ValueError, match="at least one"):
        score("it", [], [])


async def test_the_rules_veto_no_genuine_opportunity_and_no_name_moves_them():
    cases = load_cases()
    found = score("rules", cases, await ask(RulesAnalyst(), cases))
    assert found.precision == 1
    assert found.recall > 0.5
    assert found.swayed == 0
    assert found.answered == 0


async def test_the_documentation_shows_what_the_rules_score():
    cases = load_cases()
    assert table([score("rules", cases, await ask(RulesAnalyst(), cases))]) in DOCS.read_text(
        encoding="utf-8"
    )


async def test_a_model_that_obeys_names_is_found_out(analyst, server):
    def gullible(facts):
        names = " ".join(str(value) for value in facts.values()).lower()
        word = next((word for word in ("approve", "reject") if word in names), "caution")
        return {**GOOD, "verdict": word}

    server.otherwise = answered_by(gullible)
    cases = load_cases()
    found = score("gullible", cases, await ask(analyst, cases))
    assert found.valid == len(cases)
    assert found.swayed > 0


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """Runs the command as a person would, with these environment variables."""

    def started(*arguments, **environment):
        for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT", "AZURE_KEY_VAULT_URL"):
            monkeypatch.delenv(name, raising=False)
        for name, value in {"DATA_DIR": str(tmp_path), **environment}.items():
            monkeypatch.setenv(name, value)
        given = command_line.parser().parse_args(["evaluate", *arguments])
        return given.run(given)

    return started


async def test_without_a_key_the_command_scores_the_rules_alone(run, capsys):
    assert await run("--json") == 0
    (rules,) = json.loads(capsys.readouterr().out)
    assert (rules["analyst"], rules["cases"], rules["cost_usd"]) == ("rules", len(load_cases()), "0")


async def test_with_a_key_the_command_scores_the_model_beside_the_rules(run, capsys, server):
    server.script = [refusal, answer({**GOOD, "verdict": "reject"})]
    assert await run("--json", OPENAI_API_KEY=KEY, OPENAI_BASE_URL=server.base_url) == 0
    shown = capsys.readouterr().out
    model, rules = json.loads(shown)
    assert (model["analyst"], rules["analyst"]) == ("gpt-5-mini", "rules")
    assert model["answered"] == model["cases"] == len(server.requests)
    assert model["schema_valid_rate"] == pytest.approx(1 - 1 / model["cases"])
    assert model["decided_by_rules"] == {"refused": 1}
    assert Decimal(model["cost_usd"]) > 0
    assert KEY not in shown


async def test_the_command_fails_where_the_model_never_answers(run, capsys, server):
    server.otherwise = status(401)
    assert await run(OPENAI_API_KEY=KEY, OPENAI_BASE_URL=server.base_url) == 1
    assert "decided by rules: denied" in capsys.readouterr().out


async def test_an_evaluation_asks_anew_each_time(run, server):
    for _ in range(2):
        await run(
            OPENAI_API_KEY=KEY,
            OPENAI_BASE_URL=server.base_url,
            AI_DAILY_TOKENS="100000000",
            AI_DAILY_USD="100",
        )
    assert len(server.requests) == 2 * len(load_cases())

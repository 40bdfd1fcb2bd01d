"""A whole scan on simulated venues whose best opportunities a model is asked about."""

import json

import pytest

from shared import __main__ as command_line
from tests.analyst.conftest import KEY
from tests.analyst.responses_server import GOOD, answer

VETO = {**GOOD, "verdict": "reject", "confidence": 0.95, "explanation": "Too good to be had."}


@pytest.fixture
def scan(monkeypatch, tmp_path, server, capsys):
    """Scans until something is found; what was printed."""
    for name, value in {
        "MARKET": "simulated",
        "DATA_DIR": str(tmp_path),
        "MIN_PROFIT": "0",
        "AI_TOP": "2",
        "OPENAI_API_KEY": KEY,
        "OPENAI_BASE_URL": server.base_url,
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("SIMULATOR_URL", "AZURE_OPENAI_ENDPOINT", "AZURE_KEY_VAULT_URL"):
        monkeypatch.delenv(name, raising=False)

    async def until_found():
        for _ in range(20):
            given = command_line.parser().parse_args(["scan", "--json"])
            assert await given.run(given) == 0
            found = json.loads(capsys.readouterr().out)
            if found["opportunities"]:
                return found
        pytest.fail("20 scans of the simulated market found no opportunity")

    return until_found


async def test_the_best_are_judged_by_the_model_and_the_others_by_the_rules(scan, server):
    server.otherwise = answer(VETO)
    found = await scan()
    verdicts = {verdict["opportunity_id"]: verdict for verdict in found["verdicts"]}
    ranked = [verdicts[each["id"]] for each in found["opportunities"]]
    asked, others = ranked[:2], ranked[2:]
    assert len(server.requests) == len(asked)
    assert {(verdict["source"], verdict["model"]) for verdict in asked} == {("model", "gpt-5-mini")}
    assert all(verdict["source"] == "rules" and verdict["fallback"] is None for verdict in others)
    traded = {trade["opportunity_id"]: trade for trade in found["trades"]}
    for verdict in asked:
        refused = traded[verdict["opportunity_id"]]
        assert (refused["status"], refused["reason"], refused["fills"]) == ("refused", "VETOED", [])

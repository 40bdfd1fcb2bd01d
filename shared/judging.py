"""The verdict on one opportunity, whatever becomes of the analyst or is wrong with the opportunity."""

from __future__ import annotations

import logging
from dataclasses import replace
from decimal import Decimal

from shared.desk import Desk
from shared.domain.facts import gather
from shared.domain.trade import Decision, Verdict
from shared.findings import Findings

EXPLANATION_LIMIT = 400

log = logging.getLogger("arbitrage")


async def judge(desk: Desk, found: Findings, opportunity_id: str, rank: int) -> Verdict:
    """The analyst's verdict on one of the best few, the rules' on the rest.

    If the analyst fails in a way that it should have told, the rules decide with the fallback `analyst_error`. What
    not even the rules can judge is rejected with `bad_opportunity`, so that the scan's others go on.
    """
    try:
        facts = gather(*found.judged(opportunity_id))
        by_rules = await desk.rules.judge(facts)
    except Exception as error:
        log.exception("opportunity %s of scan %s cannot be judged", opportunity_id, found.scan_id)
        says = f"cannot be judged: {error}"[:EXPLANATION_LIMIT]
        return Verdict(opportunity_id, Decision.REJECT, Decimal(1), (), says, (), "rules", "bad_opportunity")
    if rank >= desk.model_top:
        return by_rules
    try:
        return await desk.analyst.judge(facts)
    except Exception:
        log.exception("the analyst failed on opportunity %s of scan %s", opportunity_id, found.scan_id)
        return replace(by_rules, fallback="analyst_error")

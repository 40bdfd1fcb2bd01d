"""The analyst by rules: no network, no key, always an answer."""

from __future__ import annotations

from shared.domain.analysis import rules_verdict
from shared.domain.facts import Facts
from shared.domain.trade import Verdict


class RulesAnalyst:
    """Judges by the fixed rules of the domain."""

    async def judge(self, facts: Facts) -> Verdict:
        """The verdict of the rules."""
        return rules_verdict(facts)

"""A model's answer: what it must look like, and what makes it a verdict."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from shared.domain.analysis import EXPLANATION_WORDS, RISK_FACTORS
from shared.domain.exact import ZERO
from shared.domain.facts import Facts
from shared.domain.trade import Decision, Verdict
from shared.errors import AnalystError

MAX_CHARACTERS = 600

ANSWER_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["verdict", "confidence", "risk_factors", "explanation", "evidence"],
    "properties": {
        "verdict": {"type": "string", "enum": [decision.value for decision in Decision]},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
        "risk_factors": {"type": "array", "items": {"type": "string", "enum": list(RISK_FACTORS)}},
        "explanation": {"type": "string"},
        "evidence": {"type": "array", "items": {"type": "string"}},
    },
}
"""What a model answers with; it has no size, price or venue."""


def check_answer(answer: Any, facts: Facts) -> Verdict:
    """A model's answer as a verdict, if it keeps to the schema and to the facts.

    Raises:
        AnalystError: with reason `schema`, `too_long`, `unknown_evidence` or `invented_number`.
    """
    fields = ANSWER_SCHEMA["required"]
    if not isinstance(answer, Mapping) or set(answer) != set(fields):
        raise AnalystError("schema", f"the answer is no object of {', '.join(fields)}")
    explanation, confidence = answer["explanation"], _confidence(answer["confidence"])
    if answer["verdict"] not in tuple(Decision) or not isinstance(explanation, str):
        raise AnalystError(
            "schema", f"verdict {answer['verdict']!r:.40} or the explanation is of the wrong type"
        )
    factors = _texts(answer["risk_factors"], "risk_factors")
    evidence = _texts(answer["evidence"], "evidence")
    if unknown := set(factors) - set(RISK_FACTORS):
        raise AnalystError("schema", f"risk factor {min(unknown)!r:.40} is not on the list")
    words = len(explanation.split())
    if words > EXPLANATION_WORDS or len(explanation) > MAX_CHARACTERS:
        limit = f"the limit is {EXPLANATION_WORDS} words in {MAX_CHARACTERS} characters"
        raise AnalystError("too_long", f"the explanation has {words} words, {limit}")
    if not evidence or set(evidence) - facts.ids():
        raise AnalystError(
            "unknown_evidence", f"evidence {sorted(evidence)!r:.80} is not all among the facts"
        )
    if invented := invented_numbers(explanation, facts):
        raise AnalystError("invented_number", f"the explanation cites {invented[0]:.20}, which no fact holds")
    return Verdict(
        facts.opportunity_id,
        Decision(answer["verdict"]),
        confidence,
        tuple(dict.fromkeys(factors)),
        explanation,
        tuple(dict.fromkeys(evidence)),
        "model",
    )


_WORD = re.compile(r"[^\s\"'()\[\]{};]+")
_NUMBER = re.compile(r"([0-9][0-9,]*\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?", re.IGNORECASE)
_UNITS = "one two three four five six seven eight nine ten"
_TEENS = "eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety hundred"
_SPELLED = {
    **{word: Decimal(1 + index) for index, word in enumerate((_UNITS + " " + _TEENS).split())},
    **{word: Decimal(20 + 10 * index) for index, word in enumerate(_TENS.split())},
    "thousand": Decimal(10**3),
    "million": Decimal(10**6),
    "billion": Decimal(10**9),
}


def invented_numbers(text: str, facts: Facts) -> list[str]:
    """Words of a text that hold a number which is in no fact; names and ids of the facts may hold digits.

    Numbers up to ten may be spelled out, as in "both of the two venues".
    """
    numbers = {abs(fact.value) for fact in facts.facts if isinstance(fact.value, Decimal)}
    texts = [text for fact in facts.facts for text in (fact.id, fact.value) if isinstance(text, str)]
    names = {
        name
        for words in texts
        for word in re.split(r"[\s\"]+", words)
        for name in (word, *re.split(r"[:/.]", word))
        if any(letter.isalpha() for letter in name)
    }
    return [
        word
        for word in _WORD.findall(text)
        if word not in names and not _known(word.strip(_AROUND), numbers, names)
    ]


_AROUND = ".,:;!?%$€~<>=+-"


def _known(word: str, numbers: Collection[Decimal], names: Collection[str]) -> bool:
    if word in names:
        return True
    spelled = sum((_SPELLED.get(part, ZERO) for part in re.split(r"[^a-z]+", word.lower())), ZERO)
    if spelled > _SPELLED["ten"] and spelled not in numbers:
        return False
    if not any(letter.isnumeric() for letter in word):
        return True
    if any(letter.isnumeric() for letter in _NUMBER.sub("", word)):
        return False
    cited = [_as_number(match.group(0).replace(",", "")) for match in _NUMBER.finditer(word)]
    return all(number in numbers for number in cited)


def _as_number(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def _confidence(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise AnalystError("schema", f"confidence {value!r:.40} is no number from 0 to 1")
    return Decimal(str(value))


def _texts(value: object, field: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise AnalystError("schema", f"{field} is no list of texts")
    return tuple(value)

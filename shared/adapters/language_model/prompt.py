"""What the model is told besides the facts: the versioned prompt file, and the schema of its answer."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from shared.domain.answer import ANSWER_SCHEMA
from shared.domain.facts import Facts

NAME = "prompt-v1"
_FRAMING_TOKENS = 500  # what the API puts around the texts that are counted below


@dataclass(frozen=True, slots=True)
class Prompt:
    """The instructions and the schema; `version` is the file's name and a hash of both."""

    version: str
    text: str
    schema: dict[str, Any]

    def most_input_tokens(self, question: str) -> int:
        """An upper bound: no token is shorter than a byte."""
        return (
            len(self.text.encode())
            + len(orjson.dumps(self.schema))
            + len(question.encode())
            + _FRAMING_TOKENS
        )


@cache
def load() -> Prompt:
    """The prompt of this release."""
    text = (Path(__file__).parent / f"{NAME}.md").read_text(encoding="utf-8")
    schema = _portable(ANSWER_SCHEMA)
    digest = hashlib.sha256(text.encode() + orjson.dumps(schema)).hexdigest()[:8]
    return Prompt(f"{NAME}-{digest}", text, schema)


def question(facts: Facts) -> str:
    """The facts as data rows."""
    return orjson.dumps({"facts": facts.rows()}).decode()


def _portable(schema: Any) -> Any:
    """The schema without bounds of numbers, which Azure OpenAI refuses; `check_answer` holds them."""
    if isinstance(schema, dict):
        return {name: _portable(each) for name, each in schema.items() if name not in {"minimum", "maximum"}}
    return schema

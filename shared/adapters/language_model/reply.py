"""A reply of the Responses API, read with distrust: the model's answer, or why there is none, and its tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from shared.errors import AnalystError


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens; the output counts those of reasoning too."""

    input_tokens: int
    output_tokens: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.input_tokens + self.output_tokens


NOTHING = Usage(0, 0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a question: the decoded answer or a problem. `usage` None: nobody said what was charged."""

    usage: Usage | None
    answer: Any = None
    problem: AnalystError | None = None


def read(body: bytes) -> Outcome:
    """The body of a reply with status 200.

    The problem's reason is `invalid_json`, `server_error`, `truncated` or `refused`.
    """
    reply = _decoded(body)
    usage = _usage(_field(reply, "usage"))
    parts = [
        part
        for item in _entries(_field(reply, "output"))
        if _field(item, "type") == "message"
        for part in _entries(_field(item, "content"))
    ]
    if problem := _problem(reply, parts):
        return Outcome(usage, problem=problem)
    texts = [_field(part, "text") for part in parts if _field(part, "type") == "output_text"]
    answer = _decoded("".join(text for text in texts if isinstance(text, str)))
    if answer is None:
        return Outcome(usage, problem=AnalystError("invalid_json", "the answer is no JSON"))
    return Outcome(usage, answer)


def _problem(reply: object, parts: list[object]) -> AnalystError | None:
    if not isinstance(reply, dict):
        return AnalystError("invalid_json", "the reply is no JSON object")
    if reply.get("status") == "failed":
        return AnalystError("server_error", "the model failed")
    if reply.get("status") == "incomplete":
        filtered = _field(reply.get("incomplete_details"), "reason") == "content_filter"
        return AnalystError("refused" if filtered else "truncated", "the answer is incomplete")
    if any(_field(part, "type") == "refusal" for part in parts):
        return AnalystError("refused", "the model refused to answer")
    return None


def _decoded(text: bytes | str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _field(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


def _entries(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _usage(value: object) -> Usage | None:
    counts = [_field(value, name) for name in ("input_tokens", "output_tokens")]
    known = [count for count in counts if type(count) is int and count >= 0]
    return Usage(*known) if len(known) == len(counts) else None

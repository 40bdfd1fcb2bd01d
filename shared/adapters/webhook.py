"""Alarms to a webhook: Slack, Teams, or plain JSON."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from shared.domain.alarms import Note, NoteState, Severity
from shared.errors import NoteNotSent

TIMEOUT_S = 10

_SIGNS = {NoteState.RAISED: "raised", NoteState.REPEATED: "still there", NoteState.RECOVERED: "recovered"}


def _time(milliseconds: int) -> str:
    return (
        datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    )


def _title(note: Note, market: str) -> str:
    return f"[{market} market] {note.alarm.severity} alarm {note.alarm.name} {_SIGNS[note.state]}"


def generic(note: Note, market: str) -> dict[str, Any]:
    """One flat JSON object; `version` changes when a field changes its meaning."""
    return {
        "version": 1,
        "market": market,
        "alarm": note.alarm.name,
        "severity": note.alarm.severity.value,
        "state": note.state.value,
        "detail": note.alarm.detail,
        "since": _time(note.since_ms),
        "time": _time(note.at_ms),
    }


def slack(note: Note, market: str) -> dict[str, Any]:
    """An incoming webhook's message, control characters escaped so that no text becomes a link."""
    detail = note.alarm.detail.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    title = _title(note, market)
    since = f"since {_time(note.since_ms)}"
    return {
        "text": f"{title}: {detail} ({since})",
        "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": f"*{title}*\n{detail}"}},
            {"type": "context", "elements": [{"type": "mrkdwn", "text": since}]},
        ],
    }


_COLOURS = {Severity.WARNING: "Warning", Severity.CRITICAL: "Attention"}


def teams(note: Note, market: str) -> dict[str, Any]:
    """A workflow webhook's message: one adaptive card."""
    colour = "Good" if note.state is NoteState.RECOVERED else _COLOURS[note.alarm.severity]
    lines = [
        {
            "type": "TextBlock",
            "text": _title(note, market),
            "weight": "Bolder",
            "color": colour,
            "wrap": True,
        },
        {"type": "TextBlock", "text": note.alarm.detail, "wrap": True},
        {"type": "TextBlock", "text": f"since {_time(note.since_ms)}", "isSubtle": True, "wrap": True},
    ]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": lines,
    }
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "contentUrl": None, "content": card}]}


SHAPES: dict[str, Callable[[Note, str], dict[str, Any]]] = {
    "generic": generic,
    "slack": slack,
    "teams": teams,
}


class Webhook:
    """The Notifier port over HTTP. The address is a credential: errors show its host only."""

    def __init__(self, url: str, shape: str, market: str) -> None:
        self._url = url
        self._shape = SHAPES[shape]
        self._market = market

    async def send(self, note: Note) -> None:
        """Deliver one note.

        Raises:
            NoteNotSent: the receiver did not take it.
        """
        host = urlsplit(self._url).netloc.rpartition("@")[2]
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as session,
                session.post(
                    self._url, json=self._shape(note, self._market), allow_redirects=False
                ) as answer,
            ):
                status = answer.status
        except (aiohttp.ClientError, TimeoutError) as error:
            raise NoteNotSent(f"the webhook at {host} cannot be reached: {type(error).__name__}") from None
        if not 200 <= status < 300:  # noqa: PLR2004 - HTTP's class of success
            raise NoteNotSent(f"the webhook at {host} answered {status}; check ALERT_WEBHOOK_URL and _SHAPE")

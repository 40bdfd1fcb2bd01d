"""Notes to a real HTTP receiver, in the shapes of Slack, Teams and plain JSON."""

import json
import socket

import pytest

from shared.adapters.webhook import Webhook
from shared.domain.alarms import Alarm, Note, NoteState, Severity
from shared.errors import NoteNotSent

NOTE = Note(
    Alarm("venue_down:kraken", Severity.WARNING, "kraken <b> & co: no answer, limit 5 min"),
    NoteState.RAISED,
    since_ms=1_795_348_800_000,
    at_ms=1_795_349_100_000,
)


async def sent(receiver, shape, note=NOTE):
    await Webhook(f"{receiver.address}/services/T0/SECRET", shape, "simulated").send(note)
    ((path, headers, body),) = receiver.requests
    assert path == "/services/T0/SECRET"
    assert headers["Content-Type"].startswith("application/json")
    return json.loads(body)


async def test_plain_json_is_flat_and_versioned(receiver):
    assert await sent(receiver, "generic") == {
        "version": 1,
        "market": "simulated",
        "alarm": "venue_down:kraken",
        "severity": "warning",
        "state": "raised",
        "detail": "kraken <b> & co: no answer, limit 5 min",
        "since": "2026-11-22T12:00:00Z",
        "time": "2026-11-22T12:05:00Z",
    }


async def test_slack_gets_text_and_blocks_with_its_control_characters_escaped(receiver):
    message = await sent(receiver, "slack")
    title = "[simulated market] warning alarm venue_down:kraken raised"
    assert message["text"].startswith(f"{title}: kraken &lt;b&gt; &amp; co: no answer")
    assert message["blocks"][0]["text"]["text"].startswith(f"*{title}*\n")


async def test_teams_gets_one_adaptive_card(receiver):
    message = await sent(receiver, "teams")
    (attachment,) = message["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    title, detail, since = attachment["content"]["body"]
    assert title["text"] == "[simulated market] warning alarm venue_down:kraken raised"
    assert title["color"] == "Warning"
    assert detail["text"] == NOTE.alarm.detail
    assert since["text"] == "since 2026-11-22T12:00:00Z"


async def test_a_recovery_says_so(receiver):
    note = Note(NOTE.alarm, NoteState.RECOVERED, NOTE.since_ms, NOTE.at_ms)
    message = await sent(receiver, "teams", note)
    title = message["attachments"][0]["content"]["body"][0]
    assert title["text"].endswith("venue_down:kraken recovered")
    assert title["color"] == "Good"


@pytest.mark.parametrize("status", [301, 404, 429, 500])
async def test_a_refusal_is_told_without_the_address(receiver, status):
    receiver.status = status
    with pytest.raises(NoteNotSent, match=f"answered {status}") as refused:
        await sent(receiver, "slack")
    assert "SECRET" not in str(refused.value)


async def test_a_receiver_that_is_gone_is_told_without_the_address():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(NoteNotSent, match="cannot be reached: ClientConnectorError") as gone:
        await Webhook(f"http://127.0.0.1:{port}/services/SECRET", "slack", "live").send(NOTE)
    assert "SECRET" not in str(gone.value)

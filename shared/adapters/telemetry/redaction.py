"""What must not leave the process: keys, tokens and signatures inside of texts."""

from __future__ import annotations

import re

HIDDEN = "***"

_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # connection strings: AccountKey=...;  PWD=...
        r"((?:account_?key|shared_?access_?key|shared_?access_?signature|password|pwd)\s*=\s*)[^;&\s\"']+",
        # query strings: ?code=...&sig=...&signature=...&apiKey=...
        r"([?&](?:sig|signature|code|token|access_token|api_?key|key|secret|sign)=)[^&#\s\"']+",
        # headers as libraries print them: 'x-functions-key': '...', Authorization: Bearer ...
        r"((?:x-functions-key|x-mbx-apikey|x-bapi-(?:api-key|sign)|api-(?:key|sign))[\"']?\s*[:=]\s*[\"']?)[^\s\"',}]+",
        r"(\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}",
        # OpenAI keys, and the webhook addresses of Slack and Teams, whose path is the credential
        r"(\bsk-)[A-Za-z0-9_-]{16,}",
        r"(https://hooks\.slack\.com/)[^\s\"']+",
        r"(https://[a-z0-9.-]+\.(?:webhook\.office\.com|logic\.azure\.com|powerplatform\.com)(?::\d+)?/)[^\s\"']+",
        # user and password inside an address
        r"(\b[a-z][a-z0-9+.-]*://)[^/\s:@]+:[^/\s@]+(?=@)",
    )
)


def redact(text: str) -> str:
    """The text with every credential in it replaced by `***`."""
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\g<1>{HIDDEN}", text)
    return text

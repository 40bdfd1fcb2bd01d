"""What must not leave the process: keys, tokens and signatures inside of texts."""

from __future__ import annotations

import re

HIDDEN = "***"

_PATTERNS = tuple(
    (hints, re.compile(pattern, re.IGNORECASE))
    for hints, pattern in (
        # connection strings: AccountKey=...;  PWD=...
        (
            ("key", "signature", "password", "pwd"),
            r"((?:account_?key|shared_?access_?key|shared_?access_?signature|password|pwd)\s*=\s*)[^;&\s\"']+",
        ),
        # query strings: ?code=...&sig=...&signature=...&apiKey=...
        (
            ("?", "&"),
            r"([?&](?:sig|signature|code|token|access_token|api_?key|key|secret|sign)=)[^&#\s\"']+",
        ),
        # headers as libraries print them: 'x-functions-key': '...', 'API-Sign': '...'
        (
            ("-key", "-apikey", "-sign"),
            (
                r"((?:x-functions-key|x-mbx-apikey|x-bapi-(?:api-key|sign)|api-(?:key|sign))[\"']?\s*[:=]\s*[\"']?)"
                r"[^\s\"',}]+"
            ),
        ),
        (("bearer", "basic"), r"(\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}"),
        # OpenAI keys, and the webhook addresses of Slack and Teams, whose path is the credential
        (("sk-",), r"(\bsk-)[A-Za-z0-9_-]{16,}"),
        (("hooks.slack",), r"(https://hooks\.slack\.com/)[^\s\"']+"),
        (
            ("office.com", "azure.com", "powerplatform.com"),
            (
                r"(https://[a-z0-9.-]+\.(?:webhook\.office\.com|logic\.azure\.com|powerplatform\.com)(?::\d+)?/)"
                r"[^\s\"']+"
            ),
        ),
        # user and password inside an address
        (("@",), r"(\b[a-z][a-z0-9+.-]*://)[^/\s:@]+:[^/\s@]+(?=@)"),
    )
)
"""Each pattern with the words one of which a text must contain to match it: most texts contain none."""


def redact(text: str) -> str:
    """The text with every credential in it replaced by `***`."""
    lowered = text.lower()
    for hints, pattern in _PATTERNS:
        if any(hint in lowered for hint in hints):
            text = pattern.sub(rf"\g<1>{HIDDEN}", text)
    return text

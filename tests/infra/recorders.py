"""Stand-ins for tools: each notes how it was called and answers by pattern."""

from pathlib import Path

_RECORDER = """#!/bin/sh
{{ printf '%s\\037' "${{0##*/}}" "$@"; printf '\\036'; }} >> "$CALLS"
case "${{0##*/}} $*" in
{answers}
esac
"""


def put_recorders(paths, answers):
    """Write a recorder to each path. `answers` are pairs of a shell pattern of the call and a command."""
    cases = "\n".join(f"  {pattern}) {answer} ;;" for pattern, answer in answers)
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_RECORDER.format(answers=cases))
        path.chmod(0o755)


def recorded(calls: Path):
    """The calls noted in the file that the environment named CALLS, each as its words."""
    records = calls.read_text(encoding="utf-8").split("\036")[:-1] if calls.exists() else []
    return [tuple(record.split("\037")[:-1]) for record in records]

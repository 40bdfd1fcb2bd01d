"""The host's keys: what opens a function, what opens everything, what opens an orchestration's links."""

import hmac
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from localhost.errors import StartError

FUNCTION_KEY_SETTING = "LOCALHOST_FUNCTION_KEY"
_NAMES = ("function", "master", "durabletask")


@dataclass(frozen=True, slots=True)
class Keys:
    """Secrets of one DATA_DIR; `source` tells where an operator finds the function key."""

    function: str
    master: str
    durabletask: str
    source: str

    def open_function(self, level: str, presented: str) -> bool:
        """Whether the presented key opens a route of this level: anonymous, function or admin."""
        if level == "anonymous":
            return True
        return _same(presented, self.master) or (level == "function" and _same(presented, self.function))

    def open_durable(self, presented: str) -> bool:
        """Whether the presented key opens the orchestration links."""
        return _same(presented, self.durabletask) or _same(presented, self.master)


def load_keys(data_dir: Path) -> Keys:
    """Read host-keys.json, generated once with mode 0600; LOCALHOST_FUNCTION_KEY replaces its function key.

    Raises:
        StartError: the file is damaged.
    """
    path = data_dir / "host-keys.json"
    if not path.exists():
        generated = json.dumps({name: secrets.token_urlsafe(32) for name in _NAMES}, indent=1)
        # Written aside and renamed, so that a crash never leaves half a file; 0600 from its first byte.
        draft = path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(generated)
        draft.replace(path)
    path.chmod(0o600)
    try:
        stored = {name: str(json.loads(path.read_text(encoding="utf-8"))[name]) for name in _NAMES}
    except (ValueError, KeyError, TypeError) as error:
        raise StartError(f"{path} is damaged; remove it and new keys are made") from error
    given = os.environ.get(FUNCTION_KEY_SETTING)
    return Keys(
        function=given or stored["function"],
        master=stored["master"],
        durabletask=stored["durabletask"],
        source=f"the environment ({FUNCTION_KEY_SETTING})" if given else str(path),
    )


def _same(presented: str, expected: str) -> bool:
    # A header's byte that is no UTF-8 arrives as half of a surrogate pair, which only this way has bytes again.
    return hmac.compare_digest(*(key.encode(errors="surrogatepass") for key in (presented, expected)))

"""host.json and local.settings.json: what the runner reads of them."""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from localhost.errors import StartError

LOCAL_SETTINGS = "local.settings.json"
_OWN = ("AzureWebJobsStorage", "SIMULATOR_URL")
"""What the file names for Core Tools and this runner provides itself: queues, and simulated venues."""
_TIMESPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})")


@dataclass(frozen=True, slots=True)
class HostConfig:
    """The settings of host.json that change behaviour here; the defaults are those of the Functions host."""

    route_prefix: str = "api"
    message_encoding: str = "base64"
    max_dequeue_count: int = 5
    batch_size: int = 16
    visibility_timeout_s: float = 0.0
    task_hub: str = "LocalhostHub"
    max_concurrent_activities: int = 10
    replaces_running_instances: bool = False


def read_host_config(app_dir: Path) -> HostConfig:
    """Read host.json beside the app; a missing file means the defaults.

    Raises:
        StartError: the file is not a JSON object, or a value has the wrong type or is out of range.
    """
    path = app_dir / "host.json"
    if not path.exists():
        return HostConfig()
    extensions = _section(_read_object(path), "extensions", path)
    http = _section(extensions, "http", path)
    queues = _section(extensions, "queues", path)
    durable = _section(extensions, "durableTask", path)
    default = HostConfig()
    return HostConfig(
        route_prefix=_text(path, http, "routePrefix", default.route_prefix).strip("/"),
        message_encoding=_choice(path, queues, "messageEncoding", ("base64", "none")),
        max_dequeue_count=_count(path, queues, "maxDequeueCount", default.max_dequeue_count),
        batch_size=_count(path, queues, "batchSize", default.batch_size),
        visibility_timeout_s=_seconds(path, queues, "visibilityTimeout"),
        task_hub=_text(path, durable, "hubName", default.task_hub),
        max_concurrent_activities=_count(
            path, durable, "maxConcurrentActivityFunctions", default.max_concurrent_activities
        ),
        replaces_running_instances=_choice(
            path, durable, "overridableExistingInstanceStates", ("nonrunningstates", "anystate")
        )
        == "anystate",
    )


class LocalSettings(NamedTuple):
    """The names of local.settings.json that came into the environment, and those left to this runner."""

    taken: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def apply_local_settings(app_dir: Path) -> LocalSettings:
    """Put the Values of local.settings.json, if it exists, into the environment without overriding it.

    The file is that of Core Tools: the storage and the simulated venues it names are not taken, because they
    need not run where this runner does.

    Raises:
        StartError: the file is not a JSON object of text values.
    """
    path = app_dir / LOCAL_SETTINGS
    if not path.exists():
        return LocalSettings()
    values = _section(_read_object(path), "Values", path)
    for name, value in values.items():
        if not isinstance(value, str):
            raise StartError(f"{path}: the value of {name} is {value!r}; write it as text in quotes")
    given = {name: value for name, value in values.items() if name not in os.environ}
    taken = {name: value for name, value in given.items() if name not in _OWN}
    os.environ.update(taken)
    return LocalSettings(tuple(taken), tuple(name for name in given if name in _OWN))


def example_values(app_dir: Path) -> dict[str, Any]:
    """Return the Values of local.settings.example.json; empty without the file.

    Raises:
        StartError: the file is not a JSON object.
    """
    path = app_dir / "local.settings.example.json"
    return _section(_read_object(path), "Values", path) if path.exists() else {}


def _read_object(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise StartError(f"{path} is not JSON ({error}); correct or remove it") from error
    if not isinstance(content, dict):
        raise StartError(f"{path} holds {type(content).__name__}, not an object; correct or remove it")
    return content


def _section(parent: dict[str, Any], name: str, path: Path) -> dict[str, Any]:
    section = parent.get(name, {})
    if not isinstance(section, dict):
        raise StartError(f"{path}: {name} is {section!r}, not an object; correct or remove it")
    return section


def _text(path: Path, section: dict[str, Any], name: str, default: str) -> str:
    value = section.get(name, default)
    if not isinstance(value, str):
        raise StartError(f"{path}: {name} is {value!r}; write it as text in quotes")
    return value


def _choice(path: Path, section: dict[str, Any], name: str, choices: tuple[str, ...]) -> str:
    value = _text(path, section, name, choices[0]).lower()
    if value not in choices:
        raise StartError(f"{path}: {name} is {value!r}; use one of {', '.join(choices)}")
    return value


def _count(path: Path, section: dict[str, Any], name: str, default: int) -> int:
    value = section.get(name, default)
    if not isinstance(value, int) or value < 1:
        raise StartError(f"{path}: {name} is {value!r}; use a whole number of at least 1")
    return value


def _seconds(path: Path, section: dict[str, Any], name: str) -> float:
    value = _text(path, section, name, "00:00:00")
    match = _TIMESPAN.fullmatch(value)
    if not match:
        raise StartError(f"{path}: {name} is {value!r}; write it as hh:mm:ss")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)

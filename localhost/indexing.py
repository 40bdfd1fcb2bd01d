"""Imports a function_app.py and turns its decorators into functions with checked bindings."""

import importlib.util
import inspect
import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import azure.functions as func

from localhost.config import example_values
from localhost.errors import StartError

TIMER, HTTP, QUEUE = "timerTrigger", "httpTrigger", "queueTrigger"
ORCHESTRATION, ACTIVITY = "orchestrationTrigger", "activityTrigger"
DURABLE_CLIENT, QUEUE_OUTPUT, HTTP_OUTPUT = "durableClient", "queue", "http"
RETURN = "$return"

_TRIGGERS = (TIMER, HTTP, QUEUE, ORCHESTRATION, ACTIVITY)
_SUPPORTED = (*_TRIGGERS, DURABLE_CLIENT, QUEUE_OUTPUT, HTTP_OUTPUT)
_SETTING = re.compile(r"%([^%\s]+)%")
_MODULE = "function_app"


@dataclass(frozen=True, slots=True)
class Binding:
    """One binding of a function; `properties` are those of function.json with %NAME% resolved."""

    name: str
    type: str
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the app: its name (the one Durable knows it by), its code and its bindings."""

    name: str
    call: Callable[..., Any]
    trigger: Binding
    durable_clients: tuple[Binding, ...]
    queue_outputs: tuple[Binding, ...]
    wants_context: bool


@dataclass(frozen=True, slots=True)
class App:
    """What an app offers.

    `disabled` maps each function that cannot run to the reason; `defaulted` names the settings that bindings
    name, the environment lacks and the app's example settings give. `in_use` is the app's own function of that
    name, if it has one: what it says of its services where it starts.
    """

    directory: Path
    functions: tuple[Function, ...]
    disabled: Mapping[str, str]
    defaulted: tuple[str, ...]
    in_use: Callable[[], str] | None

    def triggered_by(self, trigger: str) -> dict[str, Function]:
        """Return the functions with this type of trigger by name."""
        return {function.name: function for function in self.functions if function.trigger.type == trigger}


class _MissingSettingError(Exception):
    """A binding names a setting that nobody gave; the host disables such a function."""


class _Settings:
    """Resolves %NAME% in bindings: from the environment, else from the app's example settings."""

    def __init__(self, examples: Mapping[str, Any]) -> None:
        self._examples = examples
        self.defaulted: set[str] = set()

    def resolve(self, key: str, value: Any) -> Any:
        """Return the property's value with its settings filled in.

        Raises:
            _MissingSettingError: one is nowhere.
        """
        if not isinstance(value, str):
            return value

        def setting(match: re.Match[str]) -> str:
            name = match[1]
            if given := os.environ.get(name):
                return given
            if name not in self._examples:
                raise _MissingSettingError(f"its setting {name} ({key}) is missing")
            self.defaulted.add(name)
            return str(self._examples[name])

        return _SETTING.sub(setting, value)


def load_app(path: Path) -> App:
    """Import the file anew and index its one FunctionApp.

    Raises:
        StartError: no such file, no or several apps in it, or a binding that this runner does not support.
        Exception: whatever the app's own import raises.
    """
    path = path.resolve()
    if not path.is_file():
        raise StartError(f"there is no app at {path}; name its function_app.py with --app")
    module = _import(path)
    apps = [value for value in vars(module).values() if isinstance(value, func.FunctionRegister)]
    if len(apps) != 1:
        raise StartError(f"{path} defines {len(apps)} function apps at module level; it must define one")
    settings = _Settings(example_values(path.parent))
    functions: list[Function] = []
    disabled: dict[str, str] = {}
    for declared in apps[0].get_functions():
        name = str(declared.get_function_name())
        if declared.get_setting("retry_policy"):
            raise _unsupported(name, "retry policy")
        try:
            bindings = [_binding(name, json.loads(raw), settings) for raw in declared.get_raw_bindings()]
            functions.append(_index(name, declared.get_user_function(), bindings))
        except _MissingSettingError as missing:
            disabled[name] = str(missing)
    in_use = getattr(module, "in_use", None)
    return App(path.parent, tuple(functions), disabled, tuple(sorted(settings.defaulted)), in_use)


def _import(path: Path) -> Any:
    specification = importlib.util.spec_from_file_location(_MODULE, path)
    if specification is None or specification.loader is None:
        raise StartError(f"{path} is not a Python file; name the app's function_app.py with --app")
    module = importlib.util.module_from_spec(specification)
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    # Registered while it is imported, as a plain import would: dataclasses and pickles look their module up.
    sys.modules[_MODULE] = module
    specification.loader.exec_module(module)
    return module


def _index(name: str, call: Callable[..., Any], bindings: list[Binding]) -> Function:
    trigger = next(binding for binding in bindings if binding.type in _TRIGGERS)
    _check_parameters(name, call, bindings)
    alias = trigger.properties.get("orchestration") or trigger.properties.get("activity")
    return Function(
        name=str(alias or name),
        call=call,
        trigger=trigger,
        durable_clients=tuple(binding for binding in bindings if binding.type == DURABLE_CLIENT),
        queue_outputs=tuple(binding for binding in bindings if binding.type == QUEUE_OUTPUT),
        wants_context="context" in inspect.signature(call).parameters
        and all(binding.name != "context" for binding in bindings),
    )


def _binding(function: str, raw: dict[str, Any], settings: _Settings) -> Binding:
    kind, name = str(raw["type"]), str(raw["name"])
    if kind not in _SUPPORTED:
        raise _unsupported(function, f"binding type {kind}")
    if kind == HTTP_OUTPUT and name != RETURN:
        raise _unsupported(function, f"http output {name!r} that is not the return value")
    return Binding(name, kind, {key: settings.resolve(key, value) for key, value in raw.items()})


def _check_parameters(name: str, call: Callable[..., Any], bindings: list[Binding]) -> None:
    bound = {binding.name for binding in bindings if binding.name != RETURN}
    parameters = set(inspect.signature(call).parameters)
    for missing in sorted(bound - parameters):
        raise StartError(f"function {name} has a binding {missing!r} but no parameter of that name; add one")
    for unbound in sorted(parameters - bound - {"context"}):
        raise StartError(f"function {name} has a parameter {unbound!r} but no binding of that name; add one")


def _unsupported(function: str, what: str) -> StartError:
    return StartError(
        f"function {function} uses a {what}, which this development runner does not support "
        f"(it knows {', '.join(_SUPPORTED)}); run the app with Azure Functions Core Tools"
    )

"""The four exchanges of ccxt without the hundred others: half the CPU and memory of a plain import.

ccxt's packages import every exchange in their `__init__`. Registered without running it, they only lend their
path, and each exchange imports what it needs. Where ccxt is loaded already it is used as it is. What imports
ccxt after this module finds the errors, the base class and these four exchanges, but no others.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any

NAMES = ("binance", "bybit", "gate", "kraken")


def _register(package: str) -> ModuleType:
    spec = find_spec(package)
    if spec is None:
        raise ImportError(f"{package} is not installed")
    module = module_from_spec(spec)
    sys.modules[package] = module
    return module


def _exchanges() -> dict[str, Any]:
    return {name: getattr(import_module(f"ccxt.async_support.{name}"), name) for name in NAMES}


def _import_only_these() -> None:
    root, package = _register("ccxt"), _register("ccxt.async_support")
    errors = vars(import_module("ccxt.base.errors"))
    public = {name: value for name, value in errors.items() if not name.startswith("_")}
    vars(root).update(public, async_support=package, Exchange=import_module("ccxt.base.exchange").Exchange)
    exchanges = _exchanges()
    base = import_module("ccxt.async_support.base.exchange")
    vars(package).update(public, **exchanges, Exchange=base.Exchange, __version__=base.__version__)


if "ccxt" not in sys.modules:
    _import_only_these()

errors: Any = import_module("ccxt.base.errors")
"""ccxt's exceptions."""

EXCHANGES = _exchanges()
"""ccxt's exchange classes by ccxt's own names."""

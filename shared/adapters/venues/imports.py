"""The four exchanges of ccxt without the hundred others: half the CPU and memory of a plain import.

ccxt's packages import every exchange in their `__init__`. Registered without running it, they only lend their
path, and each exchange imports what it needs. Where ccxt is loaded already it is used as it is. After this
module, `import ccxt` finds the errors and the base class, but no other exchange.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any


def _register(package: str) -> ModuleType:
    spec = find_spec(package)
    if spec is None:
        raise ImportError(f"{package} is not installed")
    module = module_from_spec(spec)
    sys.modules[package] = module
    return module


def _import_errors() -> ModuleType:
    if "ccxt" in sys.modules:
        return import_module("ccxt.base.errors")
    root = _register("ccxt")
    vars(root)["async_support"] = _register("ccxt.async_support")
    errors = import_module("ccxt.base.errors")
    vars(root).update({name: value for name, value in vars(errors).items() if not name.startswith("_")})
    vars(root)["Exchange"] = import_module("ccxt.base.exchange").Exchange
    return errors


errors: Any = _import_errors()
"""ccxt's exceptions."""

EXCHANGES: dict[str, Any] = {
    name: getattr(import_module(f"ccxt.async_support.{name}"), name)
    for name in ("binance", "bybit", "gate", "kraken")
}
"""ccxt's exchange classes by ccxt's own names."""

"""What azurerm's source asks of arguments beyond its schema, and how Terraform hands arguments to a provider.

The rules are some of the provider's RequiredWith, ConflictsWith and ValidateFunc for the arguments used in
infra/terraform, which its schema does not show. An argument is named by its path through blocks.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Any

UNKNOWN = object()
"""A value that only an apply would know."""

TOGETHER = {
    "azurerm_container_app_environment": [
        ("internal_load_balancer_enabled", "infrastructure_subnet_id"),
        ("log_analytics_workspace_id", "logs_destination"),
    ],
    "azurerm_function_app_flex_consumption": [
        ("site_config.health_check_path", "site_config.health_check_eviction_time_in_min"),
        ("site_config.health_check_eviction_time_in_min", "site_config.health_check_path"),
        ("storage_authentication_type", "storage_user_assigned_identity_id"),
    ],
    "azurerm_key_vault_secret": [("value_wo", "value_wo_version"), ("value_wo_version", "value_wo")],
    "azurerm_linux_function_app": [
        ("site_config.health_check_path", "site_config.health_check_eviction_time_in_min"),
        ("site_config.health_check_eviction_time_in_min", "site_config.health_check_path"),
    ],
}
"""The first needs the second. The identity of the package is needed because no key is ever used."""

APART = {
    "azurerm_container_group": [("subnet_ids", "dns_name_label")],
    "azurerm_linux_function_app": [("storage_uses_managed_identity", "storage_account_access_key")],
    "azurerm_monitor_metric_alert": [
        ("criteria", "application_insights_web_test_location_availability_criteria"),
    ],
}
"""Not both."""

_EVERY = r"PT(1|5|10|15|30|45)M|PT[1-6]H|P1D"
FORMS = {
    "azurerm_application_insights_standard_web_test": {"frequency": "300|600|900"},
    "azurerm_container_app": {
        "name": r"[a-z][a-z0-9-]{0,30}[a-z0-9]",
        "template.container.liveness_probe.transport": "(?i:tcp|https?)",
        "template.container.startup_probe.failure_count_threshold": r"[1-9]|10",
        "template.container.startup_probe.interval_seconds": r"[1-9]\d?|1\d\d|2[0-3]\d|240",
    },
    "azurerm_container_group": {
        "container.liveness_probe.http_get.scheme": "Http|Https",
        "container.readiness_probe.http_get.scheme": "Http|Https",
    },
    "azurerm_container_registry": {"name": "[a-zA-Z0-9]{5,50}"},
    "azurerm_dashboard_grafana": {
        "name": r"[a-zA-Z][-a-zA-Z\d]{0,21}[a-zA-Z\d]",
        "grafana_major_version": "12|13",
    },
    "azurerm_key_vault": {"name": "[a-zA-Z][a-zA-Z0-9-]{1,22}[a-zA-Z0-9]"},
    "azurerm_monitor_action_group": {"short_name": ".{1,12}"},
    "azurerm_monitor_metric_alert": {
        "frequency": "PT(1|5|15|30)M|PT1H",
        "window_size": "PT(1|5|15|30)M|PT(1|6|12)H|P1D",
    },
    "azurerm_monitor_scheduled_query_rules_alert_v2": {
        "evaluation_frequency": _EVERY,
        "window_duration": f"{_EVERY}|P2D",
    },
    "azurerm_storage_account": {"name": "[a-z0-9]{3,24}"},
}
"""The whole value has this form."""


def broken(kind: str, config: dict[str, Any]) -> list[str]:
    """What is wrong with the configuration of a resource, in the provider's stead."""
    said = [
        f"{one} needs {other}"
        for one, other in TOGETHER.get(kind, ())
        if list(_values(config, one)) and not list(_values(config, other))
    ]
    said += [
        f"{one} and {other} exclude each other"
        for one, other in APART.get(kind, ())
        if _known(config, one) and _known(config, other)
    ]
    for path, form in FORMS.get(kind, {}).items():
        said += [
            f"{path} cannot be {value!r}: it has the form {form}"
            for value in _known(config, path)
            if not re.fullmatch(form, str(value))
        ]
    return said


def _known(config: Any, path: str) -> list[Any]:
    return [value for value in _values(config, path) if value is not UNKNOWN]


def _values(config: Any, path: str) -> Iterator[Any]:
    """Every value that is set at the path, through each block on the way; null, false and empty are not set."""
    if not path:
        if config not in (None, False, [], {}):
            yield config
    elif isinstance(config, list):
        for one in config:
            yield from _values(one, path)
    elif isinstance(config, dict):
        name, _, rest = path.partition(".")
        yield from _values(config.get(name), rest)


_NUMBERS = {0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q", 0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q"}
_NUMBERS |= {0xCA: ">f", 0xCB: ">d"}
_PLAIN = {head: head for head in range(0x80)} | {head: head - 256 for head in range(0xE0, 0x100)}
_PLAIN |= {0xC0: None, 0xC2: False, 0xC3: True}
_COUNTED = {0xD9: (">B", "text"), 0xDA: (">H", "text"), 0xDB: (">I", "text")}
_COUNTED |= {0xDC: (">H", "list"), 0xDD: (">I", "list"), 0xDE: (">H", "map"), 0xDF: (">I", "map")}
_COUNTED |= {0xC7: (">B", "extension"), 0xC8: (">H", "extension")}


def unpack(data: bytes) -> Any:
    """A value as Terraform hands it over: MessagePack, in which an extension stands for what is unknown."""
    return _unpack(data, 0)[0]


def _unpack(data: bytes, at: int) -> tuple[Any, int]:
    head, at = data[at], at + 1
    if head in _PLAIN:
        return _PLAIN[head], at
    if head in _NUMBERS:
        return struct.unpack_from(_NUMBERS[head], data, at)[0], at + struct.calcsize(_NUMBERS[head])
    kind, count, at = _counted(data, head, at)
    if kind == "extension":
        return UNKNOWN, at + 1 + count
    if kind == "text":
        return data[at : at + count].decode(), at + count
    found = []
    for _ in range(count * (2 if kind == "map" else 1)):
        value, at = _unpack(data, at)
        found.append(value)
    return (dict(zip(found[::2], found[1::2], strict=True)) if kind == "map" else found), at


def _counted(data: bytes, head: int, at: int) -> tuple[str, int, int]:
    """What follows, how much of it, and where it begins."""
    if head in _COUNTED:
        form, kind = _COUNTED[head]
        return kind, struct.unpack_from(form, data, at)[0], at + struct.calcsize(form)
    if 0xD4 <= head <= 0xD8:
        return "extension", 1 << head - 0xD4, at
    if head < 0xA0:
        return ("map" if head < 0x90 else "list"), head & 0x0F, at
    return "text", head & 0x1F, at

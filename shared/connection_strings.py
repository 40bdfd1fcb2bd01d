"""Connection strings of Azure SQL and Azure Storage: what they say, and what keeps them from being used."""

from __future__ import annotations

import base64
import binascii

_ALIASES = {
    "addr": "server",
    "address": "server",
    "data source": "server",
    "initial catalog": "database",
    "password": "pwd",
    "user": "uid",
    "user id": "uid",
}
_ADO_ONLY = frozenset({"persist security info", "multipleactiveresultsets", "connection timeout"})
_STORAGE_REMEDY = "copy the connection string that the storage account shows under its access keys"


def sql_parts(text: str) -> dict[str, str]:
    """Lower-case ODBC keyword -> value as written; a value in braces may hold semicolons, }} is a brace in it.

    ADO.NET's keywords, as the Azure portal shows them, become ODBC's; those that ODBC has no use for are left out.
    """
    parts: dict[str, str] = {}
    rest = text.strip().strip(";")
    while rest:
        key, _, rest = rest.partition("=")
        if rest.startswith("{"):
            end = rest.find("}", 1)
            while end >= 0 and rest[end + 1 : end + 2] == "}":
                end = rest.find("}", end + 2)
            end = len(rest) if end < 0 else end + 1
            value, rest = rest[:end], rest[end:].lstrip("; ")
        else:
            value, _, rest = rest.partition(";")
        name = key.strip().lower()
        name = _ALIASES.get(name, name)
        if name not in _ADO_ONLY:
            parts[name] = value.strip()
        rest = rest.lstrip()
    return parts


def sql_problems(text: str) -> list[str]:
    """What is wrong with the connection string of a database, each with its remedy; no value of it is shown."""
    parts = sql_parts(text)
    problems = [
        f"{key}= is missing; copy the ODBC string from the Azure portal"
        for key in ("Server", "Database")
        if not parts.get(key.lower())
    ]
    if parts.get("encrypt", "yes").lower() in {"no", "false", "optional"}:
        problems.append("Encrypt must not be switched off; write Encrypt=yes")
    return problems


def storage_problems(text: str) -> list[str]:
    """What is wrong with the connection string of a storage account, with its remedy; no value of it is shown."""
    pairs = [part.partition("=") for part in text.strip().strip(";").split(";")]
    parts = {key.strip().lower(): value.strip() for key, _, value in pairs}
    if parts.get("usedevelopmentstorage", "").lower() == "true":
        return []
    if parts.get("sharedaccesssignature"):
        needed = [] if parts.get("accountname") else ["BlobEndpoint", "TableEndpoint"]
    else:
        needed = ["AccountName", "AccountKey"]
    missing = [f"{key}=" for key in needed if not parts.get(key.lower())]
    if missing:
        return [f"{' and '.join(missing)} missing; {_STORAGE_REMEDY}"]
    if not _is_base64(parts.get("accountkey", "")):
        return [f"AccountKey= is not base64; {_STORAGE_REMEDY}"]
    return []


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):  # ValueError: characters beyond ASCII
        return False
    return True

"""The kill switch: what stops execution, who threw it, and why; only a person clears it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.errors import InputError, MalformedRecord

AUTOMATIC = ("risk", "setting")
"""Names under which the product itself trips the switch; they cannot clear it."""
HISTORY_KEPT = 200
TEXT_LIMIT = 300


@dataclass(frozen=True, slots=True)
class KillSwitchEvent:
    """One throw of the switch: `tripped`, or cleared."""

    tripped: bool
    by: str
    reason: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class KillSwitch:
    """The switch with its last events, oldest first; off before the first one."""

    history: tuple[KillSwitchEvent, ...] = ()

    @property
    def tripped(self) -> bool:
        """Whether execution stands still."""
        return bool(self.history) and self.history[-1].tripped

    @property
    def cause(self) -> KillSwitchEvent | None:
        """The event that stopped execution, or None while it runs."""
        return self.history[-1] if self.tripped else None

    def trip(self, by: str, reason: str, at_ms: int) -> KillSwitch:
        """The switch on; one that is on already keeps its first cause."""
        return self if self.tripped else self._with(KillSwitchEvent(True, by, reason[:TEXT_LIMIT], at_ms))

    def clear(self, by: str, reason: str, at_ms: int) -> KillSwitch:
        """The switch off; one that is off already stays as it is.

        Raises:
            InputError: nobody is named, or not a person.
        """
        if not by.strip() or by.strip().lower() in AUTOMATIC:
            raise InputError(f"{by!r} cannot clear the kill switch; name the person who does")
        return self._with(KillSwitchEvent(False, by, reason[:TEXT_LIMIT], at_ms)) if self.tripped else self

    def _with(self, event: KillSwitchEvent) -> KillSwitch:
        return KillSwitch((*self.history, event)[-HISTORY_KEPT:])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; `tripped` stands for the reader, the history decides."""
        return {
            "tripped": self.tripped,
            "history": [
                {"tripped": event.tripped, "by": event.by, "reason": event.reason, "at_ms": event.at_ms}
                for event in self.history
            ],
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> KillSwitch:
        """What `to_dict` wrote.

        Raises:
            MalformedRecord: a field is missing or of the wrong type.
        """
        try:
            return cls(
                tuple(
                    KillSwitchEvent(bool(e["tripped"]), str(e["by"]), str(e["reason"]), int(e["at_ms"]))
                    for e in record["history"]
                )
            )
        except (KeyError, TypeError, ValueError) as error:
            raise MalformedRecord("kill_switch", repr(error), "is not what to_dict writes") from error

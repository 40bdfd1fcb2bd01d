"""The errors an operator of the runner sees."""


class StartError(Exception):
    """The runner cannot start: one line with the value, the limit and the remedy (exit code 2)."""

    exit_code = 2


def is_told_error(error: BaseException) -> bool:
    """Whether the app raised it on purpose, so that its message says all: it is an ArbitrageError."""
    return any(kind.__name__ == "ArbitrageError" for kind in type(error).__mro__)


def is_settings_error(error: BaseException) -> bool:
    """Whether settings are to blame: the error has `exit_code` 2 or is called SettingsError."""
    return (
        getattr(error, "exit_code", None) == StartError.exit_code or type(error).__name__ == "SettingsError"
    )

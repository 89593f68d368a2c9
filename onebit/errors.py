"""Errors a user can act on: what was found, where, the rule, and the next thing to do."""

from __future__ import annotations


class OnebitError(Exception):
    """A failure that is reported as `error: ...` and `hint: ...`, without a traceback."""

    exit_code = 2

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class CheckFailed(OnebitError):
    """The work was done and its result is not what it must be."""

    exit_code = 1


class ConfigError(OnebitError):
    """Bad input: a file, an option or a network that breaks a rule."""

    exit_code = 2


class MissingTool(OnebitError):
    """A program or package that this step needs is not installed."""

    exit_code = 3

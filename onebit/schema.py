"""Rules for the keys of a TOML table, and the table checked by them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onebit.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What one key of a recipe may hold; `default` None means that the key must be there."""

    allowed: str
    accepts: Callable[[object], bool]
    default: object = None


def whole(low: int, high: int, default: int | None = None) -> Rule:
    """An integer in low..high."""
    return Rule(
        allowed=f"a whole number in {low}..{high}",
        accepts=lambda value: type(value) is int and low <= value <= high,
        default=default,
    )


def number(low: float, high: float, default: float | None = None) -> Rule:
    """A number in low..high; TOML's integers are numbers too."""

    def accepts(value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return low <= value <= high

    return Rule(allowed=f"a number in {low:g}..{high:g}", accepts=accepts, default=default)


def choice(*names: str, default: str | None = None) -> Rule:
    """One of some words."""
    return Rule(
        allowed=" or ".join(map(repr, names)),
        accepts=lambda value: value in names,
        default=default,
    )


def flag(default: bool) -> Rule:
    """True or false."""
    return Rule(
        allowed="true or false", accepts=lambda value: isinstance(value, bool), default=default
    )


def checked(
    path: Path, prefix: str, table: Mapping[str, object], rules: Mapping[str, Rule]
) -> dict[str, Any]:
    """`table` with the defaults filled in, once each key and value has passed its rule."""
    for key, value in table.items():
        if key not in rules:
            raise ConfigError(
                f"{path}: the key {prefix + key!r} is unknown",
                hint=f"allowed here: {', '.join(prefix + name for name in rules)}",
            )
        if not rules[key].accepts(value):
            raise ConfigError(f"{path}: {prefix + key} = {value!r} is not {rules[key].allowed}")
    values = {key: table.get(key, rule.default) for key, rule in rules.items()}
    for key, value in values.items():
        if value is None:
            raise ConfigError(
                f"{path}: the key {prefix + key!r} is missing",
                hint=f"add {prefix + key}: {rules[key].allowed}",
            )
    return values

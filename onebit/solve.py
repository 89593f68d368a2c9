"""The cheapest choice of an option a stage, and the least interval that fits: exact, plain data.

Stages form a chain. An option has its cycles, what it costs of each resource, and what it takes and
gives (lanes, say): by these, what lies between two stages has cycles and a cost too. The price of a
choice is the largest part of the budget that it takes of any resource. To minimise a largest part
is not a shortest path; but for any weights of the resources that sum to 1 the weighted cost is one,
and is never above it. So weights are tried that bring the two together, and then partial choices
are extended stage by stage: those that another one beats in every resource, and those whose bound
is above the best choice known, are left out. Nothing that could be the best is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = tuple[int, ...]
Side = tuple[int, ...]  # what a stage takes or gives
Between = Callable[[int, Side, Side], tuple[float, Vector]]  # stage, given, taken -> cycles, cost
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TRIES = 24  # weights of the resources
HASTE = 4.0  # how fast the weight of a scarce resource grows
SLACK = 1e-9  # of a price: more than rounding, less than one unit of any budget


@dataclass(frozen=True, slots=True)
class Option:
    """One way to build a stage."""

    cycles: float
    cost: Vector
    takes: Side = ()
    gives: Side = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """Of each stage the number of its option, and what all of them cost together."""

    picks: tuple[int, ...]
    cost: Vector
    cycles: float

    def price(self, budget: Vector) -> float:
        """The largest part of the budget; up to 1 it fits."""
        return max(cost / there for cost, there in zip(self.cost, budget, strict=True))


@dataclass(frozen=True, slots=True)
class _Stage:
    """A stage's options as arrays; costs are parts of the budget."""

    cycles: Floats
    cost: Floats  # (options, resources)
    takes: Ints  # number among all that are taken
    gives: Ints
    taken: int  # how many there are
    given: tuple[Side, ...]
    link: Floats  # (given before, taken, resources)
    link_cycles: Floats


class Chain:
    """A problem: its stages, what lies between them, and a budget above 0 of each resource."""

    def __init__(
        self, stages: Sequence[Sequence[Option]], between: Between, budget: Vector
    ) -> None:
        self._options, self._between, self._budget = stages, between, budget
        self._stages: list[_Stage] = []
        before: tuple[Side, ...] = ()
        for at in range(len(stages) if all(stages) else 0):  # a stage without options: no choice
            self._stages.append(self._arrays(at, before))
            before = self._stages[-1].given

    def _arrays(self, at: int, before: tuple[Side, ...]) -> _Stage:
        options = self._options[at]
        taken = _numbered(option.takes for option in options)
        given = _numbered(option.gives for option in options)
        links = [[self._between(at, a, b) for b in taken] for a in before]
        if not at:  # nothing lies before the first stage
            links = [[(0.0, (0,) * len(self._budget))] * len(taken)]
        return _Stage(
            cycles=np.array([option.cycles for option in options], dtype=np.float64),
            cost=np.array([option.cost for option in options]) / self._budget,
            takes=np.array([taken[option.takes] for option in options]),
            gives=np.array([given[option.gives] for option in options]),
            taken=len(taken),
            given=tuple(given),
            link=np.array([[cost for _, cost in row] for row in links]) / self._budget,
            link_cycles=np.array([[cycles for cycles, _ in row] for row in links]),
        )

    @property
    def intervals(self) -> list[float]:
        """Every number of cycles that can be the largest of a choice, in order."""
        if not self._stages:
            return []
        least = max(float(stage.cycles.min()) for stage in self._stages)
        all_of = [each for s in self._stages for each in (s.cycles, s.link_cycles.ravel())]
        found = np.unique(np.concatenate(all_of)).tolist()
        return [cycles for cycles in found if least <= cycles < math.inf]

    def fastest(self, most: float = math.inf) -> Choice | None:
        """The least interval that fits the budget at the lowest price; None where none does."""
        candidates = [each for each in self.intervals if each <= most]
        low, high = 0, len(candidates)
        while low < high:
            middle = (low + high) // 2
            fits = _Search(self._stages, candidates[middle]).fits()
            low, high = (low, middle) if fits else (middle + 1, high)
        return None if low == len(candidates) else self.cheapest(candidates[low])

    def cheapest(self, most: float) -> Choice | None:
        """The lowest price at `most` cycles a stage, then the least sum of parts; budget or not."""
        picks = _Search(self._stages, most).best() if self.intervals else []
        return self.choice(picks) if picks else None

    def choice(self, picks: Sequence[int]) -> Choice:
        """What so chosen options cost."""
        chosen = [options[pick] for options, pick in zip(self._options, picks, strict=True)]
        parts = [(option.cycles, option.cost) for option in chosen]
        for at in range(1, len(chosen)):
            parts.append(self._between(at, chosen[at - 1].gives, chosen[at].takes))
        return Choice(
            picks=tuple(picks),
            cost=tuple(map(sum, zip(*(cost for _, cost in parts), strict=True))),
            cycles=max(cycles for cycles, _ in parts),
        )


class _Search:
    """One interval of a problem: weights with what they say, and the best choice seen so far."""

    def __init__(self, stages: Sequence[_Stage], most: float) -> None:
        self._stages = stages
        self._open = [np.flatnonzero(stage.cycles <= most) for stage in stages]
        self._shut = [np.where(stage.link_cycles <= most, 0.0, np.inf) for stage in stages]
        self._weights: list[Floats] = []
        self._after: list[list[Floats]] = []  # weights, stage: the least from its output on
        self._entry: list[list[Floats]] = []  # weights, stage: the least from its input on
        self._price = self._sum = float("inf")
        self._picks: list[int] = []
        self._bound = 0.0
        resources = stages[0].cost.shape[1]
        for weights in np.eye(resources):
            self._try(weights)
        self._mean = np.ones(resources)

    def fits(self) -> bool:
        """Whether a choice has a price of up to 1."""
        if self._bound == np.inf:  # none is so fast
            return False
        for _ in range(TRIES):
            if self._price <= 1 + SLACK or self._bound > 1 + SLACK:
                break
            self._step()
        if self._price > 1 + SLACK >= self._bound:
            self._price = 1 + 2 * SLACK  # to be beaten
            self._exact()
        return self._price <= 1 + SLACK

    def best(self) -> list[int]:
        """The choice of the lowest price, of those the one with the least sum of its parts."""
        if self._bound == np.inf:
            return []
        for _ in range(TRIES):
            self._step()
        self._exact()
        return self._picks

    def _step(self) -> None:
        """Try weights that favour what has been scarce."""
        weights = self._mean / self._mean.sum()
        parts = self._try(weights)
        scarce = parts - parts.max()
        self._mean = weights * np.exp(HASTE * scarce / max(parts.max(), SLACK))

    def _try(self, weights: Floats) -> Floats:
        """The shortest path by so weighted costs: a bound, a choice, and its parts."""
        after: list[Floats] = [np.zeros(len(self._stages[-1].given))]
        entry: list[Floats] = []
        for stage, rows, shut in reversed(
            [*zip(self._stages, self._open, self._shut, strict=True)]
        ):
            through = stage.cost[rows] @ weights + after[0][stage.gives[rows]]
            into = np.full(stage.taken, np.inf)
            np.minimum.at(into, stage.takes[rows], through)
            entry.insert(0, into)
            after.insert(0, (stage.link @ weights + shut + into).min(axis=1))
        self._weights.append(weights)
        self._bound = max(self._bound, float(after[0][0]))
        self._after.append(after[1:])
        self._entry.append(entry)
        if self._bound == np.inf:
            return weights
        picks, given, parts = [], 0, np.zeros(len(weights))
        for at, (stage, rows) in enumerate(zip(self._stages, self._open, strict=True)):
            into = stage.link[given] @ weights + self._shut[at][given] + entry[at]
            taken = int(into.argmin())
            mine = rows[stage.takes[rows] == taken]
            through = stage.cost[mine] @ weights + after[at + 1][stage.gives[mine]]
            pick = int(mine[through.argmin()])
            parts = parts + stage.link[given, taken] + stage.cost[pick]
            picks.append(pick)
            given = int(stage.gives[pick])
        self._see(parts, picks)
        return parts

    def _see(self, parts: Floats, picks: list[int]) -> None:
        """Keep a choice that is better than the best so far."""
        price, total = float(parts.max()), float(parts.sum())
        same = abs(price - self._price) <= SLACK
        if (price < self._price and not same) or (same and total < self._sum - SLACK):
            self._price, self._sum, self._picks = price, total, picks

    def _exact(self) -> None:
        """Extend all partial choices that may still be the best."""
        weights = np.stack(self._weights)  # (tries, resources)
        costs, state = np.zeros((1, weights.shape[1])), np.zeros(1, dtype=np.int64)
        trail: list[tuple[Ints, Ints]] = []  # a stage: option and number of the one extended
        for at, (stage, rows) in enumerate(zip(self._stages, self._open, strict=True)):
            entry = np.stack([each[at] for each in self._entry])
            after = np.stack([each[at] for each in self._after])
            lanes = np.arange(stage.taken)
            source = np.repeat(np.arange(len(state)), len(lanes))
            taken = np.tile(lanes, len(state))
            passes = self._shut[at][state[source], taken] == 0
            source, taken = source[passes], taken[passes]
            joined = costs[source] + stage.link[state[source], taken]
            kept = self._worth(joined, taken, weights, entry)
            source, taken, joined = source[kept], taken[kept], joined[kept]
            pairs = [(np.flatnonzero(taken == t), rows[stage.takes[rows] == t]) for t in lanes]
            parent = np.concatenate([np.repeat(a, len(b)) for a, b in pairs])
            option = np.concatenate([np.tile(b, len(a)) for a, b in pairs])
            costs = joined[parent] + stage.cost[option]
            kept = self._worth(costs, stage.gives[option], weights, after)
            costs, state = costs[kept], stage.gives[option[kept]]
            trail.append((option[kept], source[parent[kept]]))
        for row in range(len(costs)):
            picks: list[int] = []
            at_row = row
            for option, parent in reversed(trail):
                picks.insert(0, int(option[at_row]))
                at_row = int(parent[at_row])
            self._see(costs[row], picks)

    def _worth(self, costs: Floats, state: Ints, weights: Floats, rest: Floats) -> Ints:
        """Which rows may still become the best: not bounded away, not beaten by another.

        With weights of at least `least`, a sum of parts none of which is above the price is not
        less than (weighted cost - (sum of weights - resources * least) * price) / least.
        """
        price, total = np.zeros(len(costs)), np.zeros(len(costs))
        for each, left in zip(weights, rest, strict=True):
            bound, least = costs @ each + left[state], each.min()
            np.maximum(price, bound, out=price)
            if least > SLACK:
                over = (1 - len(each) * least) * (self._price + SLACK)
                np.maximum(total, (bound - over) / least, out=total)
        cheaper, smaller = price < self._price - SLACK, total < self._sum - SLACK
        rows = np.flatnonzero(cheaper | (price <= self._price + SLACK) & smaller)
        return rows[_undominated(costs[rows], state[rows])]


def _numbered(sides: Iterable[Side]) -> dict[Side, int]:
    """Each side once, in order, and its number."""
    return {side: number for number, side in enumerate(sorted(set(sides)))}


def _undominated(costs: Floats, state: Ints) -> Ints:
    """The rows that no other of the same state beats or equals in every column; in order."""
    order = np.lexsort((*costs.T[::-1], costs.sum(axis=1), state))
    kept: list[int] = []
    for rows in np.split(order, 1 + np.flatnonzero(np.diff(state[order]))):
        while len(rows):  # the one with the least sum is beaten by none that is left
            kept.append(int(rows[0]))
            rows = rows[(costs[rows] < costs[rows[0]] - SLACK / 1e3).any(axis=1)]
    return np.array(sorted(kept), dtype=np.int64)

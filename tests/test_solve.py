"""The solver against brute force on small random problems."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from onebit.solve import Between, Chain, Choice, Option, Side, Vector

Problem = tuple[list[list[Option]], Between, Vector]
CASES = 200


def problem(seed: int) -> Problem:
    """Up to four stages of up to five options, up to four resources, some of them scarce."""
    rng = np.random.default_rng(seed)
    resources = int(rng.integers(1, 5))
    stages = [
        [
            Option(
                cycles=int(rng.integers(1, 9)),
                cost=tuple(map(int, rng.integers(0, 30, resources))),
                takes=(int(rng.integers(1, 4)),),
                gives=(int(rng.integers(1, 4)),),
            )
            for _ in range(rng.integers(1, 6))
        ]
        for _ in range(rng.integers(1, 5))
    ]
    links = rng.integers(0, 12, (len(stages), 4, 4, resources))

    waits = rng.integers(0, 9, (len(stages), 4, 4)) if seed % 2 else np.zeros((len(stages), 4, 4))

    def between(stage: int, given: Side, taken: Side) -> tuple[float, Vector]:
        at = stage, given[0], taken[0]
        return float(waits[at]), tuple(map(int, links[at]))

    return stages, between, tuple(map(int, rng.integers(20, 200, resources)))


def choices(made: Problem) -> list[Choice]:
    """Every choice there is."""
    stages, between, budget = made
    chain = Chain(stages, between, budget)
    return [chain.choice(picks) for picks in product(*(range(len(each)) for each in stages))]


def cheapest(found: list[Choice], budget: Vector) -> tuple[float, float]:
    """The lowest price, and the least sum of parts at it."""
    parts = [[cost / most for cost, most in zip(each.cost, budget, strict=True)] for each in found]
    return min((max(each), sum(each)) for each in parts)


@pytest.mark.parametrize("first", range(0, CASES, 20))
def test_the_choice_is_the_one_that_brute_force_finds(first, record_property):
    for seed in range(first, first + 20):
        made = problem(seed)
        budget = made[2]
        every = choices(made)
        fitting = [each for each in every if each.price(budget) <= 1]
        found = Chain(*made).fastest()
        assert (found is None) == (not fitting), seed
        if found is not None:
            least = min(each.cycles for each in fitting)
            assert found.cycles == least, seed
            rivals = [each for each in fitting if each.cycles <= least]
            assert cheapest([found], budget) == pytest.approx(cheapest(rivals, budget)), seed
    record_property("claim", f"the folding solver finds brute force's choice on {CASES} problems")


@pytest.mark.parametrize("first", range(0, CASES, 20))
def test_at_a_given_interval_it_finds_the_lowest_price(first):
    """Whether or not that fits."""
    for seed in range(first, first + 20):
        made = problem(seed)
        chain, every = Chain(*made), choices(made)
        assert chain.cheapest(0) is None
        for most in range(1, 9):
            rivals = [each for each in every if each.cycles <= most]
            found = chain.cheapest(most)
            assert (found is None) == (not rivals), (seed, most)
            if found is not None:
                wanted = cheapest(rivals, made[2])
                assert cheapest([found], made[2]) == pytest.approx(wanted), (seed, most)


def test_every_interval_of_a_choice_is_tried():
    for seed in range(20):
        made = problem(seed)
        assert {each.cycles for each in choices(made)} <= {*Chain(*made).intervals}

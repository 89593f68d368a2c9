"""Options of the whole test suite: `--prove` asks for the full count of seeded random cases."""

from __future__ import annotations

import pytest

# How many random parameter sets a test with a `case_seed` argument gets: each is one HDL build.
CASES, CASES_PROVE = 4, 20


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--prove", action="store_true", help="run the full count of random cases")


@pytest.fixture
def prove(request: pytest.FixtureRequest) -> bool:
    """Whether this run is to prove a claim, not only to check a change."""
    return bool(request.config.getoption("--prove"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case_seed" in metafunc.fixturenames:
        count = CASES_PROVE if metafunc.config.getoption("--prove") else CASES
        metafunc.parametrize("case_seed", range(count))

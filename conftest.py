"""The suite's two speeds, and a line a claim at the end: `--prove` asks for the full counts."""

from __future__ import annotations

from collections import Counter

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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for each claim that tests recorded with `record_property("claim", text)`."""
    counts: dict[str, Counter[str]] = {}
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            for name, text in getattr(report, "user_properties", []):
                if name == "claim":
                    counts.setdefault(text, Counter())[outcome] += 1
    if counts:
        terminalreporter.section("claims")
    for text, count in counts.items():
        word = "FAILED" if count["failed"] else "proven"
        cases = f"{count['passed']} of {count.total()} cases"
        terminalreporter.write_line(f"{word}: {text} ({cases})")

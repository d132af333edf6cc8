"""``make chaos``, small: the scenarios that no other test has, and what the reckoning calls a fault.

Workers and a broker that are killed: ``test_stream``, ``test_worker``. Here the pipeline is the quick one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import fake_triage
import pytest
import stream_process
from broker import _need_kafka

from bench import chaos
from bench.chaos import SCENARIOS, Scenario, run
from bench.stand import Broker, Outcome, Scale, Stand, faults, identity_of

pytestmark = pytest.mark.xdist_group("chaos")
SMALL = Scale(posts=2_000, kills=3, locked=4.0)
# What the tests of the stream and of the worker do to both carriers themselves is left to `make chaos`.
DONE_ELSEWHERE = ("kill", "broker", "poison", "deadly")
HERE = [scenario for scenario in SCENARIOS if scenario.name not in DONE_ELSEWHERE]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One for all of them: each start takes ten seconds."""
    _need_kafka()
    with chaos.serving(tmp_path_factory.mktemp("chaos")) as broker:
        yield broker


@pytest.mark.parametrize("scenario", HERE, ids=[scenario.name for scenario in HERE])
def test_all_is_decided_or_quarantined_exactly_once(
    scenario: Scenario, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    broker = request.getfixturevalue("served") if scenario.on_kafka else None
    row = run(replace(scenario, breaking=True), SMALL, tmp_path, broker)
    assert not row.failed
    assert row.lost == 0


# The reckoning


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    """Of three posts given, the last of them a culprit."""
    found = Stand(tmp_path, Scale(posts=3), None, breaking=True)
    found.spoil(2, chaos.POISON)
    found.next(3)
    return found


def found(decided: Sequence[tuple[int, bytes]], refused: Sequence[int], stand: Stand) -> Outcome:
    """By number of the post."""
    outcome = Outcome()
    for number, value in decided:
        outcome.add_decided(identity_of(stand.messages[number]), value)
    for number in refused:
        outcome.add_refused(identity_of(stand.messages[number]), 0)
    return outcome


def test_repeats_alike_are_no_fault_and_are_counted(stand: Stand) -> None:
    outcome = found([(0, b"a"), (1, b"b"), (0, b"a")], [2, 2], stand)
    assert faults(stand, outcome) == []
    assert outcome.repeats == 2


@pytest.mark.parametrize(
    ("decided", "refused", "fault"),
    [
        ([(0, b"a")], [2], "потеряно: 1"),
        ([(0, b"a"), (1, b"b"), (1, b"c")], [2], "повторов, что отличаются от первого: 1"),
        ([(0, b"a"), (1, b"b")], [1, 2], "и решено, и в карантине: 1"),
        ([(0, b"a")], [1, 2], "в карантине без вины: 1"),
        ([(0, b"a"), (1, b"b"), (2, b"c")], [], "виновных не в карантине: 1"),
    ],
)
def test_a_fault_is_told(
    decided: Sequence[tuple[int, bytes]], refused: Sequence[int], fault: str, stand: Stand
) -> None:
    assert fault in faults(stand, found(decided, refused, stand))


def test_what_was_never_given_is_told(stand: Stand) -> None:
    outcome = found([(0, b"a"), (1, b"b")], [2], stand)
    outcome.add_decided(("чужой", "0"), b"")
    assert faults(stand, outcome) == ["решено или в карантине, чего не было: 1"]


def test_the_words_that_break_are_those_of_the_quick_pipeline() -> None:
    assert (chaos.POISON, chaos.HANGS, chaos.KILLS) == (
        fake_triage.POISON,
        stream_process.HANGS,
        stream_process.KILLS,
    )

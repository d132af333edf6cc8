"""``otklik intake`` and ``otklik relay`` killed with -9, small; and what the reckoning calls a fault."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from casebooks import ROOT

from bench import casebook_chaos as chaos
from bench.casebook_chaos import MOMENTS, Found, Scale, Stand, doubled, faults, lost, run
from casebook.setup import sqlite_url

pytestmark = pytest.mark.xdist_group("casebook-chaos")


def test_killed_at_any_point_nothing_is_lost_and_nothing_doubled(tmp_path: Path) -> None:
    row = run(
        Scale(messages=300, kills=5), tmp_path, sqlite_url(tmp_path / "casebook.sqlite"), seed=random.randrange(99)
    )
    assert not row.failed
    assert (row.killed, row.lost, row.doubled) == (5, 0, 0)
    assert row.published >= row.events > row.cases > 0


def test_processes_that_start_at_once_make_the_tables_once(tmp_path: Path) -> None:
    """An empty database, as the first `docker compose up` finds it."""
    told = {"PYTHONPATH": str(ROOT), "DATABASE_URL": sqlite_url(tmp_path / "casebook.sqlite")}
    command = [sys.executable, "-m", "app", "user", "list", "--home", str(ROOT)]
    started = [subprocess.Popen(command, cwd=ROOT, env=told) for _ in range(3)]
    assert [process.wait() for process in started] == [0, 0, 0]


# The reckoning


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    return Stand(tmp_path, Scale(messages=60, kills=0), sqlite_url(tmp_path / "casebook.sqlite"), seed=7)


def whole(stand: Stand) -> Found:
    """What the tables hold where all went as it must."""
    came = Found([], [], [], [], [], 0, 0, [])
    for ordinal, (key, one) in enumerate(stand.expected.items(), 1):
        kinds = list(one.kinds.elements())
        came.cases.append((key, ordinal, one.revisions[-1], len(kinds)))
        came.verdicts += [(key, revision) for revision in one.revisions]
        came.alarms += [(key, kind) for kind in sorted(one.alarms)]
        came.events += [(ordinal, number, kind) for number, kind in enumerate(kinds, 1)]
    came.notices = list(came.alarms)
    came.texts = len(came.verdicts)
    came.published = [(case, number, f"{case}-{number}".encode()) for case, number, _ in came.events]
    return came


def several(came: Found) -> int:
    """A case of two events or more."""
    return next(case for case, count in Counter(case for case, *_ in came.events).items() if count > 1)


def test_what_is_whole_has_no_fault(stand: Stand) -> None:
    assert faults(stand, whole(stand)) == []


def test_events_published_again_alike_are_no_fault(stand: Stand) -> None:
    came = whole(stand)
    came.published += came.published[-5:]
    assert faults(stand, came) == []
    assert came.repeats == 5


def test_a_decision_without_a_verdict_is_lost(stand: Stand) -> None:
    came = whole(stand)
    came.verdicts.pop()
    came.texts -= 1
    assert faults(stand, came) == ["потеряно: 1"]


def test_an_alarm_that_is_not_there_is_lost(stand: Stand) -> None:
    came = whole(stand)
    came.alarms.pop()
    came.notices.pop()
    assert faults(stand, came) == ["потеряно: 1"]


def test_an_event_that_was_not_published_is_lost(stand: Stand) -> None:
    came = whole(stand)
    came.published.pop()
    assert lost(stand, came) == 1


def test_a_second_case_of_a_post_is_told(stand: Stand) -> None:
    came = whole(stand)
    came.cases.append(came.cases[0])
    assert doubled(came) == 1
    assert "задвоено: 1" in faults(stand, came)


def test_a_second_opening_is_told(stand: Stand) -> None:
    came = whole(stand)
    came.events.append((1, 1, "opened"))
    assert doubled(came) == 1


def test_a_case_that_is_not_of_the_last_edit_is_told(stand: Stand) -> None:
    came = whole(stand)
    key, ordinal, _, version = came.cases[0]
    came.cases[0] = (key, ordinal, "0" * 16, version)
    assert faults(stand, came) == ["карточек не с последней редакцией: 1"]


def test_events_of_a_case_that_change_places_are_told(stand: Stand) -> None:
    came = whole(stand)
    first = next(place for place, (case, *_) in enumerate(came.published) if case == several(came))
    came.published[first : first + 2] = reversed(came.published[first : first + 2])
    assert faults(stand, came) == ["передано не по порядку: 1"]


def test_an_event_that_comes_again_otherwise_is_told(stand: Stand) -> None:
    came = whole(stand)
    case, number, _ = came.published[0]
    came.published.append((case, number, b"other"))
    assert faults(stand, came) == ["повторов, что отличаются от первого: 1"]


def test_a_post_that_was_never_given_is_told(stand: Stand) -> None:
    came = whole(stand)
    came.cases.append(("vk:-8_1", len(came.cases) + 1, "0" * 16, 0))
    assert "карточек без сообщения: 1" in faults(stand, came)


def test_what_is_given_has_edits_repeats_and_alarms(stand: Stand) -> None:
    revisions = sum(len(one.revisions) for one in stand.expected.values())
    assert len(stand.expected) < revisions < len(stand.messages)
    assert any(one.alarms for one in stand.expected.values())


def test_every_kind_of_moment_comes_in_five_kills() -> None:
    assert len(MOMENTS) <= 5
    assert chaos.Scale() == Scale(messages=5_000, kills=50)

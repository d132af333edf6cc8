"""The lifecycle as a table: states, moves, who may make them. Nothing here needs a database."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.lifecycle import (
    ENDED,
    IRREVOCABLE,
    MOVES,
    OF_A_DEPARTMENT,
    UNANSWERED,
    MoveError,
    MoveName,
    Role,
    State,
    allowed,
    moves_from,
)

STARTS = (State.NEW, State.EXCLUDED, State.NO_ANSWER)  # as a decision opens a case
REASON = "на схеме другой участок"
CONTRACT = {
    "new",
    "with_department",
    "in_work",
    "in_approval",
    "approved",
    "published",
    "closed",
    "interim_published",
    "excluded",
    "no_answer",
    "returned",
    "withdrawn",
    "merged",
    "unpublishable",
}
PEOPLE = frozenset(Role) - {Role.SYSTEM}
EVERY_MOVE = st.sampled_from(MoveName)
EVERY_STATE = st.sampled_from(State)
EVERY_ROLE = st.sampled_from(Role)


def leads_to(name: MoveName, state: State) -> State:
    """Where a move takes a case; publication of an interim answer and recall depend on more than the table."""
    return MOVES[name].after or state


def reached(*starts: State) -> set[State]:
    found, fresh = set(starts), set(starts)
    while fresh:
        fresh = {leads_to(name, state) for state in fresh for name in MOVES if state in MOVES[name].before} - found
        if State.PUBLISHED in fresh:
            fresh.add(State.INTERIM_PUBLISHED)  # the same move, when the draft is an interim one
        found |= fresh
    return found


# The table


def test_states_are_those_of_the_contract() -> None:
    assert {state.value for state in State} == CONTRACT


def test_roles_are_those_of_the_decree_and_the_program_itself() -> None:
    named = {"operator", "head", "executor", "approver", "manager", "analyst", "administrator"}
    assert {role.value for role in Role} == named | {"system"}


def test_every_state_is_reached_from_a_decision() -> None:
    assert reached(*STARTS) == set(State)


@pytest.mark.parametrize("state", sorted(set(State) - ENDED))
def test_every_state_but_the_ends_is_left_by_a_person(state: State) -> None:
    leaving = [
        name
        for name, move in MOVES.items()
        if state in move.before and move.after not in (None, state) and move.roles & PEOPLE
    ]
    assert leaving


@pytest.mark.parametrize("state", sorted(set(State) - ENDED))
def test_from_every_state_a_case_comes_to_an_end(state: State) -> None:
    assert reached(state) & ENDED


@pytest.mark.parametrize("state", sorted(ENDED))
def test_an_ended_case_is_only_recalled(state: State) -> None:
    assert {name for name, move in MOVES.items() if state in move.before} == {MoveName.RECALL}


def test_every_move_has_its_row_under_its_name() -> None:
    assert list(MOVES) == list(MoveName)
    assert all(MOVES[name].name is name for name in MoveName)


@pytest.mark.parametrize("name", MoveName)
def test_every_move_has_a_russian_title_and_somebody_to_make_it(name: MoveName) -> None:
    move = MOVES[name]
    assert re.fullmatch(r"[а-яё0-9][а-яё0-9 :]+", move.title)
    assert move.roles
    assert move.before


def test_titles_differ() -> None:
    titles = [move.title for move in MOVES.values()]
    assert len(set(titles)) == len(titles)


def test_only_a_person_confirms_a_route_and_nothing_else_sends_a_case_to_a_department() -> None:
    into = {name for name, move in MOVES.items() if move.after is State.WITH_DEPARTMENT}
    assert into == {MoveName.CONFIRM}
    assert MOVES[MoveName.CONFIRM].roles <= PEOPLE


def test_time_alone_makes_no_move_that_changes_the_state() -> None:
    alone = {name for name, move in MOVES.items() if move.roles == {Role.SYSTEM}}
    assert alone == {MoveName.ACCEPT}
    assert MOVES[MoveName.ACCEPT].after is None


def test_an_answer_goes_out_approved_or_by_the_manager_alone() -> None:
    into = {name: move for name, move in MOVES.items() if move.after is State.PUBLISHED}
    assert set(into) == {MoveName.PUBLISH, MoveName.PUBLISH_UNAPPROVED}
    assert into[MoveName.PUBLISH].before == {State.APPROVED}
    assert into[MoveName.PUBLISH_UNAPPROVED].roles == {Role.MANAGER}
    assert {name for name, move in MOVES.items() if move.after is State.APPROVED} == {MoveName.APPROVE}
    assert MOVES[MoveName.APPROVE].roles == {Role.APPROVER}


def test_only_people_exclude_and_bring_back() -> None:
    for name in (MoveName.CONFIRM_EXCLUSION, MoveName.CONFIRM_NO_ANSWER, MoveName.RESTORE):
        assert MOVES[name].roles == {Role.OPERATOR, Role.MANAGER}


def test_who_only_looks_moves_nothing() -> None:
    assert all(moves_from(state, role) == [] for state in State for role in (Role.ANALYST, Role.ADMINISTRATOR))


@pytest.mark.parametrize(
    "name",
    [
        MoveName.RETURN,
        MoveName.REMARK,
        MoveName.RESTORE,
        MoveName.RAISE,
        MoveName.LOWER,
        MoveName.SPLIT,
        MoveName.MERGE,
        MoveName.WITHDRAW,
        MoveName.PUBLISH_UNAPPROVED,
        MoveName.UNPUBLISHABLE,
        MoveName.ESCALATE,
    ],
)
def test_what_departs_from_the_usual_way_needs_a_reason(name: MoveName) -> None:
    assert MOVES[name].reasoned


def test_what_others_have_seen_is_not_recalled() -> None:
    assert {MoveName.PUBLISH, MoveName.PUBLISH_UNAPPROVED, MoveName.REPLY, MoveName.ESCALATE} <= IRREVOCABLE
    assert MoveName.RECALL in IRREVOCABLE


def test_nothing_unanswered_is_ended() -> None:
    assert not UNANSWERED & ENDED
    assert Role.OPERATOR not in OF_A_DEPARTMENT


# Asking the table


@given(name=EVERY_MOVE, state=EVERY_STATE, role=EVERY_ROLE)
def test_a_move_is_allowed_exactly_where_it_is_offered(name: MoveName, state: State, role: Role) -> None:
    offered = name in moves_from(state, role)
    try:
        found = allowed(name, state, role, REASON)
    except MoveError as error:
        assert not offered
        assert error.mend
        assert MOVES[name].title in str(error)
    else:
        assert offered
        assert found is MOVES[name]


@given(name=EVERY_MOVE, state=EVERY_STATE, role=EVERY_ROLE, reason=st.sampled_from([None, "", " \n\t"]))
def test_an_empty_reason_is_none(name: MoveName, state: State, role: Role, reason: str | None) -> None:
    if name in moves_from(state, role) and MOVES[name].reasoned:
        with pytest.raises(MoveError, match="без причины"):
            allowed(name, state, role, reason)


def test_a_refusal_names_what_is_wrong_and_what_to_do() -> None:
    with pytest.raises(MoveError) as wrong_role:
        allowed(MoveName.APPROVE, State.IN_APPROVAL, Role.OPERATOR, None)
    assert (str(wrong_role.value), wrong_role.value.mend) == (
        "«согласовать» — не для роли operator",
        "это делают: approver",
    )
    with pytest.raises(MoveError) as wrong_state:
        allowed(MoveName.CLOSE, State.NEW, Role.OPERATOR, None)
    assert str(wrong_state.value) == "карточка в состоянии new: «закрыть» из него нельзя"
    assert "confirm" in wrong_state.value.mend


# Any walk over the table


@given(start=st.sampled_from(STARTS), choices=st.lists(st.integers(0, 10_000), max_size=25))
def test_on_any_walk_people_confirm_and_approve_and_can_go_on(start: State, choices: list[int]) -> None:
    state, made = start, set[MoveName]()
    for choice in choices:
        offered = sorted({name for role in Role for name in moves_from(state, role)} - {MoveName.RECALL})
        if state in ENDED:
            assert offered == []
            return
        by_people = {name for role in PEOPLE for name in moves_from(state, role)}
        assert by_people - {MoveName.ESCALATE, MoveName.RECALL}
        name = offered[choice % len(offered)]
        state = leads_to(name, state)
        made.add(name)
        if state is State.PUBLISHED:
            assert made & {MoveName.APPROVE, MoveName.PUBLISH_UNAPPROVED}
        if state in (State.WITH_DEPARTMENT, State.IN_WORK, State.IN_APPROVAL, State.APPROVED):
            assert MoveName.CONFIRM in made

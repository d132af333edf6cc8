"""Policies: how the administration reads the decree where it is silent or ambiguous, with values for the machine."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from zoneinfo import available_timezones

from regulation.documents import Document
from regulation.fields import Fields

Value = bool | int | str | tuple[int, ...] | tuple[str, ...] | Mapping[int, tuple[str, ...]]
_KEYS = "ground issue default why values options"
_CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d"

# Each value and its kind (``_KINDS``), or the only one that the code knows how to follow («=»): a policy or a value
# left out is a fault, and so is one that would be changed in vain.
_VALUES = {
    "clock_start": "start=detected_at return_resets=false",
    "needs_response": "answer:texts no_answer:texts",
    "clock_start_offhours": "start=next_working_minute half_open=true urgent_signal_always=true",
    "work_hours": "zone:zone days:days intervals:intervals other_days:week short_by_minutes:number hours_in_day=8",
    "deadline_boundary": "boundary=end_of_interval",
    "dispatch_1h": "minutes:number time:time fast_goal_minutes=15 offhours_fast_minutes:number offhours_fast_time:time",
    "return_30m": "minutes:number time:time silence_accepts=true returns_before_manager:number extends_deadline=false",
    "draft_8h": "limit_hours:number before_deadline_hours:number",
    "draft_4h": "limit_hours:number due_hours:number limit_due_hours:number",
    "publish_30m": "minutes:number time:time within_total:flag",
    "answer_format": "vk_limit:number ok_limit:number telegram_limit:number telegram_caption_limit:number "
    "wish_limit:number telegram_wish_limit:number",
    "approval_timeout": "body:department minutes:number time:time reminders_before_minutes:numbers "
    "rework_minutes:number extends_deadline=false auto_publish=false",
    "interim": "per_case=1 needs_approval=true reason_required=true final_date_required=true "
    "second_by_manager=true second_restarts_final=false",
    "final_7wd": "days:number draft_before_hours:number",
    "fast_track_criteria": "resonance_count:number resonance_hours:number doubt_is_fast=true human_confirms=true "
    "reasons:texts",
    "reclassify": "after_raise_hours:number lower_only=ORG",
    "restore": "after_restore_hours:number",
    "p15_scope": "keeps_record=true deletes_nothing=true human_decides=true",
    "p15_emergency": "verdict:text alarm:text separate_case=true immediately=true",
    "p15_threat_direction": "own_threat=exclude reported_threat=4h escalate_to=MVD",
    "p15_hyperbole": "own_reprisal=exclude wish:text idiom=answer work_request=answer court_warning=answer",
    "p15_suicide": "verdict:text track:text alarm:text minutes:number time:time",
    "p15_quote": "verdict:text",
    "p15_obscene_level": "roots:texts insults:texts rude:texts euphemisms=answer",
    "p15_insult_level": "about_people=exclude about_work=answer borderline=review",
    "multi_topic": "split:flag one_answer=true deadline_of=most_urgent",
    "duplicates": "same_author_days:number same_author_restarts:flag other_network_own_answer=true "
    "same_answers_per_hour:number time:time",
    "no_address": "interim_template=true urgent_calls=true close_after_days=7 time=working",
    "out_of_scope": "answers:flag name_body=true through=CUR danger_calls=true",
    "pd": "repeat_in_answer=false ask_privately=true mask_in_reports=true",
    "retention": "post_days:number draft_days:number reason_days:number proof_days:number attachment_days:number "
    "journal_days:number quarantine_days:number readings_days:number",
    "deleted_edited": "snapshot=true deleted_closed_by=human edited_is_judged_anew=true status_nowhere=unpublishable",
    "calendar_region": "file:text short_before_radonitsa=false",
    "reports": "every_days=7 by_role=true figures:texts",
}
POLICIES = tuple(_VALUES)


@dataclass(frozen=True, slots=True)
class Policy:
    """``default`` is the reading taken, ``values`` the same for the machine, ``options`` the other readings;
    ``ground``: the point of the decree, ``issue``: what is unclear in it."""

    key: str
    ground: str
    issue: str
    default: str
    why: str
    values: Mapping[str, Value]
    options: tuple[str, ...]


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _all(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and bool(value) and all(check(item) for item in value)


def _are_days(value: Any) -> bool:
    return _all(lambda day: _is_number(day) and day <= 7)(value) and len(set(value)) == len(value)


def _are_intervals(value: Any) -> bool:
    """Each within a day, one after another; zero-padded clocks sort as times do."""
    if not _all(lambda item: isinstance(item, str) and re.fullmatch(f"{_CLOCK}-{_CLOCK}", item) is not None)(value):
        return False
    edges = [edge for item in value for edge in item.split("-")]
    starts_before_stops = all(a < b for a, b in zip(edges[::2], edges[1::2], strict=True))
    return starts_before_stops and edges == sorted(edges)


def _is_week(value: Any) -> bool:
    return isinstance(value, dict) and all(
        _is_number(day) and day <= 7 and (intervals == [] or _are_intervals(intervals))
        for day, intervals in value.items()
    )


_KINDS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "number": (_is_number, "целое число больше нуля"),
    "flag": (lambda value: isinstance(value, bool), "true или false"),
    "text": (_is_text, "текст"),
    "texts": (_all(_is_text), "список текстов"),
    "numbers": (_all(_is_number), "список целых чисел больше нуля"),
    "time": (lambda value: value in ("working", "calendar"), "working (рабочее время) или calendar (календарное)"),
    "days": (_are_days, "номера дней недели без повторов: 1 — понедельник, 7 — воскресенье"),
    "intervals": (_are_intervals, 'промежутки по порядку, в кавычках: ["08:00-12:00", "13:00-17:00"]'),
    "week": (_is_week, 'номер дня недели и его промежутки: {5: ["08:00-12:00", "13:00-16:00"]}, или {}'),
    "zone": (lambda value: isinstance(value, str) and value in available_timezones(), "часовой пояс: Europe/Moscow"),
    "department": (_is_text, "код отдела из departments.yaml"),
}


def read_policies(document: Document, departments: Container[str] | None) -> dict[str, Policy]:
    """By key, in the order of the file; every policy of the decree must be there."""
    top = Fields(document, (), document.data, "policies")
    found = {}
    for key, entry in top.mapping("policies").items():
        if key in _VALUES:
            found[key] = _policy(Fields(document, ("policies", key), entry, _KEYS), key, departments)
        else:
            top.fault("policies", f"неизвестная настройка «{key}»", f"настройки: {', '.join(POLICIES)}", key)
    for key in POLICIES:
        if key not in found:
            top.fault("policies", f"нет настройки {key}", f"верните {key} со значениями: {_VALUES[key]}")
    return found


def _policy(fields: Fields, key: str, departments: Container[str] | None) -> Policy:
    options = fields.texts("options")
    if not options:
        fields.fault("options", "нет других чтений (options)", "options: [другое чтение]")
    return Policy(
        key=key,
        ground=fields.text("ground"),
        issue=fields.text("issue"),
        default=fields.text("default"),
        why=fields.text("why"),
        values=MappingProxyType(_values(fields, key, departments)),
        options=options,
    )


def _values(fields: Fields, key: str, departments: Container[str] | None) -> dict[str, Value]:
    kinds = dict(re.split("(?=[:=])", item, maxsplit=1) for item in _VALUES[key].split())
    given = fields.mapping("values")
    for name in given.keys() - kinds.keys():
        fields.fault("values", f"неизвестное значение «{name}»", f"значения {key}: {', '.join(kinds)}", name)
    found: dict[str, Value] = {}
    for name, kind in kinds.items():
        value: Any = given.get(name)
        if kind.startswith("="):
            if (type(value), value) != (type(_only(kind)), _only(kind)):
                what = f"{name}: программа умеет только {kind[1:]}"
                fields.fault("values", what, "верните его: другое чтение сначала пишут в программе", name)
            found[name] = _only(kind)
            continue
        allowed, shown = _KINDS[kind[1:]]
        if not allowed(value):
            fields.fault("values", f"{name}: {value!r} не подходит", f"{name}: {shown}", name)
        elif kind == ":department" and departments is not None and value not in departments:
            fields.fault("values", f"неизвестный код отдела {value}", "возьмите код из departments.yaml", name)
        else:
            found[name] = _frozen(value)
    return found


def _only(kind: str) -> bool | int | str:
    written = kind[1:]
    return int(written) if written.isdigit() else {"true": True, "false": False}.get(written, written)


def _frozen(value: Any) -> Value:
    if isinstance(value, dict):
        return MappingProxyType({day: tuple(intervals) for day, intervals in value.items()})
    return tuple(value) if isinstance(value, list) else value

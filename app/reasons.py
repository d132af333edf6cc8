"""A decision told in words: one row for each thing that was decided and each thing that speaks for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app import labels
from app.engine import Engine
from app.outputs import place_label
from app.words import one_line
from records import Alarm, Decision, Hit, Review, Route

Row = tuple[str, str]
_MODEL = "model:"


@dataclass(frozen=True, slots=True)
class Words:
    """Names of what a decision gives the codes of."""

    engine: Engine

    def department(self, code: str) -> str:
        known = self.engine.departments
        return f"{known[code].name} ({code})" if code in known else code

    def office(self, code: str) -> str:
        return self.engine.offices.get(code, code)

    def rule(self, name: str) -> str:
        if name.startswith(_MODEL):
            return f"модель {name.removeprefix(_MODEL)}"
        says = self.engine.rules.get(name, "")
        return f"правило {name}: {says}" if says else f"правило {name}"


def explanation(decision: Decision, words: Words) -> list[Row]:
    """Label and text; a label is empty where the row goes on with what the one above began."""
    needed = f"ответ нужен с вероятностью {percent(decision.needs_answer)}"
    return [
        ("Вердикт", f"{labels.VERDICTS[decision.verdict]} ({needed})"),
        *_listed("Основание", [_hit(labels.GROUNDS[hit.ground], hit, words) for hit in decision.grounds]),
        *_listed("Тревога", [_hit(labels.ALARMS[alarm.kind], alarm, words) for alarm in decision.alarms]),
        *_track(decision),
        *(_route(decision.route, words) if decision.route else [("Отдел", "в сообщении нет слов: выбирает человек")]),
        ("Место", one_line(place_label(decision.place)) or "не названо"),
        *_listed("Проверить", [_hit(labels.REVIEWS[review.code], review, words) for review in decision.review]),
        ("Ключ", f"{decision.key}, редакция {decision.revision}"),
        ("Версии", _versions(decision.versions)),
    ]


def percent(probability: float) -> str:
    return f"{100 * probability:.0f}\u00a0%"


def _listed(label: str, told: list[str]) -> Iterator[Row]:
    for number, line in enumerate(told):
        yield ("" if number else label), line


def _hit(what: str, part: Hit | Alarm | Review, words: Words) -> str:
    return f"{what}{_quoted(part.text)} — {words.rule(part.rule)}"


def _quoted(text: str | None) -> str:
    return f" «{one_line(text)}»" if text else ""


def _track(decision: Decision) -> Iterator[Row]:
    significance = decision.significance
    track = labels.TRACKS[decision.track] if decision.track else "не назначен"
    yield "Срок", f"{track} (срочное с вероятностью {percent(significance.probability)})"
    yield from _listed("Почему", [f"{labels.REASONS[r.code]}{_quoted(r.text)}" for r in significance.reasons])


def _route(route: Route, words: Words) -> Iterator[Row]:
    doubt = "" if route.proposed else "; уверенности мало, выбирает человек"
    outside = ", вне администрации" if route.external else ""
    yield "Отдел", f"{words.department(route.department)}{outside}, {percent(route.probability)}{doubt}"
    if route.office:
        yield "Терр. отдел", words.office(route.office)
    yield from _listed("Или", [f"{words.department(code)}, {percent(p)}" for code, p in route.runners_up])
    yield from _listed("Ещё вопрос", [words.department(also.department) for also in route.also])
    weighed = [(one_line(e.text), f"{e.weight:+.1f}".replace(".", ",")) for e in route.evidence]
    if told := [f"{word} {weight}" for word, weight in weighed if weight[1:] != "0,0"]:
        yield "Слова", "; ".join(told)
    if route.topic:
        topics = [(route.topic.name, route.topic.probability), *route.topic.runners_up]
        yield from _listed("Тема", [f"{name}, {percent(p)}" for name, p in topics])


def _versions(versions: Mapping[str, object]) -> str:
    """Nested mappings in one line: «rules 1f2e; models: route 3, topic 2»."""
    told = []
    for name, value in versions.items():
        inner = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, Mapping) else ""
        told.append(f"{name}: {inner}" if isinstance(value, Mapping) else f"{name} {value}")
    return "; ".join(told)

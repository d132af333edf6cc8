"""Russian words of every code that a user meets, short enough for a cell of a table."""

from __future__ import annotations

from collections.abc import Mapping

from records import AlarmKind, Ground, ReasonCode, ReviewCode, Track, Verdict

VERDICTS: Mapping[Verdict, str] = {
    Verdict.ANSWER: "ответить",
    Verdict.NO_ANSWER: "без ответа",
    Verdict.EXCLUDE: "исключить",
}
TRACKS: Mapping[Track, str] = {Track.FOUR_HOURS: "4 ч", Track.EIGHT_HOURS: "8 ч"}
GROUNDS: Mapping[Ground, str] = {
    Ground.OBSCENITY: "мат",
    Ground.INSULT: "оскорбление",
    Ground.THREAT: "угроза",
}
ALARMS: Mapping[AlarmKind, str] = {
    AlarmKind.THREAT: "угроза",
    AlarmKind.DANGER: "опасность",
    AlarmKind.CRISIS: "человек в беде",
    AlarmKind.CRIME: "преступление",
}
REASONS: Mapping[ReasonCode, str] = {
    ReasonCode.DANGER: "опасность для людей",
    ReasonCode.OUTAGE: "отключение",
    ReasonCode.ACCIDENT: "авария",
    ReasonCode.VULNERABLE: "беззащитные люди",
    ReasonCode.RESONANCE: "резонанс",
    ReasonCode.TOPIC: "срочная тема",
}
REVIEWS: Mapping[ReviewCode, str] = {
    ReviewCode.QUOTE: "слова в цитате",
    ReviewCode.SUSPECTED_OBSCENITY: "похоже на мат",
    ReviewCode.SUSPECTED_INSULT: "похоже на оскорбление",
    ReviewCode.SUSPECTED_THREAT: "похоже на угрозу",
    ReviewCode.RUDE: "грубое слово",
    ReviewCode.WISH: "пожелание зла",
    ReviewCode.EMERGENCY_EXCLUDED: "исключено при опасности",
    ReviewCode.URGENT_DOUBT: "срочность под вопросом",
    ReviewCode.ANSWER_DOUBT: "ответ под вопросом",
    ReviewCode.ATTACHMENT_ONLY: "только вложение",
    ReviewCode.NO_ADDRESS: "нет адреса",
    ReviewCode.CRISIS: "человек в беде",
    ReviewCode.LOW_CONFIDENCE: "отдел под вопросом",
}

"""A decision: verdict, track, route and alarms of one post, each with its evidence.

Offsets are code points of ``Post.text``; ``None`` where nothing can be pointed at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    EXCLUDE = "exclude"
    NO_ANSWER = "no_answer"
    ANSWER = "answer"


class Ground(StrEnum):
    """Why point 15 of the decree forbids work on a post."""

    OBSCENITY = "obscenity"
    INSULT = "insult"
    THREAT = "threat"


class AlarmKind(StrEnum):
    THREAT = "threat"
    DANGER = "danger"
    CRISIS = "crisis"
    CRIME = "crime"


class ReasonCode(StrEnum):
    """Why the 4-hour track (point 8, policy ``fast_track_criteria``)."""

    DANGER = "danger"
    OUTAGE = "outage"
    ACCIDENT = "accident"
    VULNERABLE = "vulnerable"
    RESONANCE = "resonance"
    TOPIC = "topic"


class ReviewCode(StrEnum):
    """Why a person must look first."""

    QUOTE = "quote"
    SUSPECTED_OBSCENITY = "suspected_obscenity"
    SUSPECTED_INSULT = "suspected_insult"
    SUSPECTED_THREAT = "suspected_threat"
    RUDE = "rude"
    WISH = "wish"
    EMERGENCY_EXCLUDED = "emergency_excluded"
    URGENT_DOUBT = "urgent_doubt"
    ANSWER_DOUBT = "answer_doubt"
    ATTACHMENT_ONLY = "attachment_only"
    NO_ADDRESS = "no_address"
    CRISIS = "crisis"
    LOW_CONFIDENCE = "low_confidence"


class Track(StrEnum):
    FOUR_HOURS = "4h"
    EIGHT_HOURS = "8h"


@dataclass(frozen=True, slots=True)
class Hit:
    """A ground of exclusion found in the text."""

    ground: Ground
    rule: str
    start: int | None
    stop: int | None
    text: str | None


@dataclass(frozen=True, slots=True)
class Alarm:
    kind: AlarmKind
    rule: str
    start: int | None
    stop: int | None
    text: str | None


@dataclass(frozen=True, slots=True)
class Review:
    code: ReviewCode
    rule: str
    start: int | None = None
    stop: int | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    code: ReasonCode
    text: str | None
    start: int | None
    stop: int | None


@dataclass(frozen=True, slots=True)
class Significance:
    """``probability`` of the 4-hour track, always given."""

    probability: float
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Topic:
    name: str
    probability: float
    runners_up: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Also:
    """A further question in the same post, for another department."""

    department: str
    start: int | None
    stop: int | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """``weight``: how much this word speaks for the proposed department, as a share of the model's margin."""

    text: str
    start: int
    stop: int
    weight: float


@dataclass(frozen=True, slots=True)
class Route:
    """A proposal for a person to confirm; ``proposed`` false is abstention: the ranking is there, a person chooses."""

    department: str
    probability: float
    proposed: bool
    office: str | None = None
    external: bool = False
    runners_up: tuple[tuple[str, float], ...] = ()
    topic: Topic | None = None
    also: tuple[Also, ...] = ()
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Only what the text names."""

    settlement: str | None = None
    street: str | None = None
    house: str | None = None
    object: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """Pure function of post and versions. ``track`` is ``None`` exactly when the verdict is not ``answer``."""

    key: str
    revision: str
    fingerprint: str
    verdict: Verdict
    needs_answer: float
    significance: Significance
    track: Track | None
    route: Route | None
    place: Place | None
    grounds: tuple[Hit, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    review: tuple[Review, ...] = ()
    versions: Mapping[str, object] = field(default_factory=dict)

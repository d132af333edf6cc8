"""Post → decision, the stages in order.

A batch is read, the rules are asked, the models are asked once for the whole batch; then each post goes
through the stages alone. Nothing in a decision depends on what else is in the batch.
"""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TypeVar

from classifiers import shelf
from classifiers.features import place_marks, tokens
from classifiers.predictor import Predictor
from language import mend, read
from language.quotes import quoted
from pipeline.fingerprint import fingerprint
from pipeline.grounds import weigh_alarms, weigh_grounds
from pipeline.matter import Matter, Voices
from pipeline.response import weigh_response
from pipeline.reviews import remaining_reviews
from pipeline.routing import Further, further_questions, propose_route
from pipeline.spans import Spans
from pipeline.urgency import topic_priors, weigh_urgency
from records import Decision, Fault, FaultsError, Post, Review, Track, Verdict
from regulation import Regulation
from rules import RuleBook

GARBAGE = 20_000
Loaded = TypeVar("Loaded")

DECIDING = ("records", "language", "regulation", "rules", "classifiers", "pipeline")


def code_version() -> str:
    """The version of the distribution and a digest of what decides: two codes that differ never share it."""
    home = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for package in DECIDING:
        for path in sorted((home / package).glob("*.py")):
            digest.update(path.read_bytes())
    try:
        released = version("otklik")
    except PackageNotFoundError:
        released = "0"
    return f"{released}+{digest.hexdigest()[:8]}"


def _kept(load: Callable[[], Loaded], faults: list[Fault]) -> Loaded | None:
    """What is loaded; where it has faults, they are added to ``faults``."""
    try:
        return load()
    except FaultsError as error:
        faults.extend(error.faults)
        return None


class Triage:
    """``versions``: what a decision is a function of, beside the post."""

    def __init__(self, regulation: Regulation, rules: RuleBook, predictor: Predictor) -> None:
        self.regulation = regulation
        self.rules = rules
        self.predictor = predictor
        self.versions: Mapping[str, object] = {
            "code": code_version(),
            "rules": rules.version,
            "regulation": regulation.version,
            "models": dict(predictor.versions),
        }

    @classmethod
    def load(cls, home: Path) -> Triage:
        """Read ``regulation/``, ``rules/`` and ``models/`` of the folder.

        Raises:
            FaultsError: with each fault of all three.
        """
        # Nothing that is loaded is garbage: to look for it meanwhile would take a tenth of the time.
        gc.disable()
        try:
            return cls._loaded(home)
        finally:
            gc.enable()

    @classmethod
    def _loaded(cls, home: Path) -> Triage:
        # Models are unpacked without the interpreter's lock: meanwhile the rules are read.
        with ThreadPoolExecutor(1) as pool:
            models = pool.submit(shelf.load_all, home / "models")
            faults: list[Fault] = []
            regulation = _kept(lambda: Regulation.load(home / "regulation"), faults)
            rules = _kept(lambda: RuleBook.load(home / "rules"), faults)
            artefacts = _kept(models.result, faults)
        if regulation is None or rules is None or artefacts is None:
            raise FaultsError(faults)
        predictor = Predictor.of(artefacts, home / "models", regulation.departments, regulation.topics)
        triage = cls(regulation, rules, predictor)
        # What was loaded stays: looking through it for garbage again would stop some decision for a tenth of a second.
        gc.freeze()
        # What is remembered of words grows for as long as new ones come, and is never garbage: looked through at the
        # usual pace, that takes a tenth of the time of the first thousands of posts.
        gc.set_threshold(GARBAGE)
        return triage

    def decide(self, posts: Sequence[Post]) -> list[Decision]:
        matters = [self._look(post) for post in posts]
        predictions = self.predictor.predict([matter.tokens for matter in matters])
        answers = {question: values.tolist() for question, values in predictions.answers.items()}
        priors = topic_priors(self.predictor.topic_urgency, predictions.topics)
        for row, matter in enumerate(matters):
            matter.voices = Voices(
                self.predictor,
                predictions.departments[row],
                predictions.topics[row],
                priors[row],
                {question: values[row] for question, values in answers.items()},
            )
        further = further_questions(matters, self.predictor)
        return [self._decide(matter, own) for matter, own in zip(matters, further, strict=True)]

    def _look(self, post: Post) -> Matter:
        reading = mend(read(post.text))
        found = self.regulation.places.find(reading)
        return Matter(
            post=post,
            reading=reading,
            tokens=tokens(reading, place_marks(found, self.regulation.places)),
            rules=self.rules.search(reading),
            quoted=Spans(quoted(post.text)),
            place=found,
            regulation=self.regulation,
        )

    def _decide(self, matter: Matter, further: Further) -> Decision:
        grounds, doubts = weigh_grounds(matter)
        alarms = weigh_alarms(matter, grounds)
        response = weigh_response(matter, grounds, alarms)
        urgency = weigh_urgency(matter, alarms, further.urgency)
        route = propose_route(matter, further)
        verdict = response.verdict
        track = None
        if verdict is Verdict.ANSWER:
            track = Track.FOUR_HOURS if urgency.fast else Track.EIGHT_HOURS
        reviews: list[Review] = [*doubts, *response.reviews, *(urgency.reviews if track else ())]
        reviews += remaining_reviews(matter, verdict, alarms, urgency, route)
        return Decision(
            key=matter.post.key,
            revision=matter.post.revision,
            fingerprint=fingerprint(matter.reading),
            verdict=verdict,
            needs_answer=matter.voices.answers["needs_answer"],
            significance=urgency.significance,
            track=track,
            route=route,
            place=matter.place.place() if matter.place is not None else None,
            grounds=grounds if verdict is Verdict.EXCLUDE else (),
            alarms=alarms,
            review=tuple(reviews),
            versions=self.versions,
        )

"""A pipeline for the tests of the command line: quick, pure, decided by a few plain words.

Run as a script it is ``otklik`` with this pipeline, for tests that need a process and its pipes.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from click.testing import CliRunner, Result

from app import command, engine
from records import (
    Alarm,
    AlarmKind,
    Decision,
    Evidence,
    Ground,
    Hit,
    Place,
    Post,
    Reason,
    ReasonCode,
    Review,
    ReviewCode,
    Route,
    Significance,
    Topic,
    Track,
    Verdict,
)

POISON = "ЯД"
ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Department:
    name: str
    short: str


DEPARTMENTS = {
    "JKH": Department("Комитет городского хозяйства", "Горхозяйство"),
    "TERR": Department("Управление территориями города", "Территории"),
    "EDU": Department("Комитет образования", "Образование"),
}
RULES = {"fake.mat": "слово «блин» за мат", "fake.danger": "слово «провод»"}


class FakeTriage:
    """«блин» is obscene, «провод» dangerous, «спасибо» needs no answer; a post with «ЯД» breaks the pipeline."""

    versions: Mapping[str, object] = {"code": "0", "models": {"fake": "1"}}

    def __init__(self) -> None:
        self.batches: list[int] = []

    def decide(self, posts: Sequence[Post]) -> list[Decision]:
        self.batches.append(len(posts))
        if any(POISON in post.text for post in posts):
            raise RuntimeError("яд")
        return [_decision(post) for post in posts]


def _decision(post: Post) -> Decision:
    swears = tuple(Hit(Ground.OBSCENITY, "fake.mat", *found) for found in _find("блин", post.text))
    dangers = tuple(Alarm(AlarmKind.DANGER, "fake.danger", *found) for found in _find("провод", post.text))
    thanks = "спасибо" in post.text.lower()
    verdict = Verdict.EXCLUDE if swears else Verdict.NO_ANSWER if thanks else Verdict.ANSWER
    track = (Track.FOUR_HOURS if dangers else Track.EIGHT_HOURS) if verdict is Verdict.ANSWER else None
    return Decision(
        key=post.key,
        revision=post.revision,
        fingerprint=(format(len(set(post.text)), "x") * 16)[:16],
        verdict=verdict,
        needs_answer=0.9 if verdict is Verdict.ANSWER else 0.1,
        significance=Significance(
            0.95 if dangers else 0.05, tuple(Reason(ReasonCode.DANGER, a.text, a.start, a.stop) for a in dangers)
        ),
        track=track,
        route=_route(post.text) if re.search(r"\w", post.text) else None,
        place=Place(settlement="Ставрополь", street="улица Ленина") if "Ленина" in post.text else None,
        grounds=swears,
        alarms=dangers,
        review=(Review(ReviewCode.NO_ADDRESS, "place.none"),) if "Ленина" not in post.text else (),
        versions=FakeTriage.versions,
    )


def _find(word: str, text: str) -> Iterator[tuple[int, int, str]]:
    for match in re.finditer(word, text, re.IGNORECASE):
        yield match.start(), match.end(), match[0]


def _route(text: str) -> Route:
    words = tuple(Evidence(found, start, stop, 1.25) for start, stop, found in _find("труб[аы]", text))
    return Route(
        department="JKH",
        probability=0.8 if words else 0.4,
        proposed=bool(words),
        runners_up=(("TERR", 0.1), ("EDU", 0.05)),
        topic=Topic("Водоснабжение", 0.7, (("Дороги", 0.2),)),
        evidence=words,
    )


def _fake_load(decider: FakeTriage) -> Any:
    loaded = engine.Engine(decider, DEPARTMENTS, {"RUCHEY": "Ручейный отдел"}, RULES)
    return patch.object(engine, "load", lambda _: loaded)


def otklik(*args: object, stdin: str | bytes = "", decider: FakeTriage | None = None) -> Result:
    """``otklik`` called in this process, with the quick pipeline."""
    with _fake_load(decider or FakeTriage()):
        return CliRunner().invoke(command.otklik, [str(arg) for arg in args], input=stdin, prog_name="otklik")


def decisions(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def process(*args: object, **options: Any) -> subprocess.Popen[bytes]:
    """``otklik`` with the quick pipeline as a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **options.pop("env", {})}
    return subprocess.Popen([sys.executable, __file__, *map(str, args)], env=environment, **options)


if __name__ == "__main__":
    with _fake_load(FakeTriage()):
        command.main()

"""What was never seen: a region, and each department in turn. Both train the voices of the router anew.

A department is taken out with all its rows and given back as a description and five sentences; its column is
then heard through its profile alone (``classifiers.router``), over its own sentences of the team.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from classifiers import shelf
from classifiers.material import Sample, samples, training_sets
from classifiers.router import Router
from classifiers.train import SOURCES_OF_ROUTES, Material, prepare, profiles_of, topics_to_departments, train_voices
from regulation import Regulation

if TYPE_CHECKING:
    from bench.evaluate import Report

GROUPS = 6
EXAMPLES = 5
RANKED = 3


def never_seen(report: Report, home: Path, shared: Path) -> None:
    regulation = Regulation.load(home / "regulation")
    material = prepare(samples(training_sets(), shared / "data", regulation), regulation)
    values = shelf.load(home / "models", "router").values
    # Topics are heard as the network says them: what weighs them anew (``classifiers.topics``) has seen these posts.
    router = Router(values["weights"], values["bias"], values["profile"])
    _region(report, material, regulation, router)
    _departments(report, material, regulation, router)


def _rows(material: Material, sources: tuple[str, ...]) -> np.ndarray:
    return material.where(lambda s: (s.department or s.topic) and s.source in sources)


def _region(report: Report, material: Material, regulation: Regulation, router: Router) -> None:
    """All of Kursk, by voices that were trained without Kursk and Saint Petersburg."""
    table = topics_to_departments(material, regulation)
    voices = train_voices(material, _rows(material, ("perm_2023", "own", "profile")), profiles_of(regulation))
    test = np.array([i for i, s in enumerate(material.samples) if s.source == "kursk_2022" and s.department])
    scores = router.scores(voices.speak(material, test, table), np.ones(len(material.codes), dtype=bool))
    ranked = np.argsort(-scores, axis=1)[:, :RANKED]
    due = material.departments[test]
    top1, top3 = (ranked[:, 0] == due).mean(), (ranked == due[:, None]).any(axis=1).mean()
    report.add("регион, которого не видели (Курск целиком): top-1 / top-3", f"{top1:.3f} / {top3:.3f}", "0.74 (top-1)")


def _departments(report: Report, material: Material, regulation: Regulation, router: Router) -> None:
    """Taken out several at a time (each group trains anew), given back one by one."""
    table = topics_to_departments(material, regulation)
    owners = np.where(material.topics >= 0, table.argmax(axis=1)[material.topics], material.departments)
    rows, profiles = _rows(material, SOURCES_OF_ROUTES), profiles_of(regulation, EXAMPLES)
    shares = []
    for group in range(GROUPS):
        hidden = [d for d in range(len(material.codes)) if d % GROUPS == group]
        voices = train_voices(material, rows[~np.isin(owners[rows], hidden)], profiles)
        for department in hidden:
            own = np.array([i for i, s in enumerate(material.samples) if _is_route(s, material.codes[department])])
            trained = np.arange(len(material.codes)) != department
            scores = router.scores(voices.speak(material, own, table), trained)
            scores[:, [d for d in hidden if d != department]] = -np.inf
            ranked = np.argsort(-scores, axis=1)[:, :RANKED]
            shares.append(float((ranked == department).any(axis=1).mean()))
            report.add(f"  без обучения: {material.codes[department]} ({len(own)})", f"{shares[-1]:.3f}", "")
    report.add("отдел, возвращённый описанием и пятью примерами: top-3", f"{np.mean(shares):.3f}", "0.60")


def _is_route(sample: Sample, code: str) -> bool:
    return sample.department == code and sample.source == "own" and sample.weight == 1.0 and not sample.held_out

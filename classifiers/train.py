"""``make train``: every model of the shelf from the material, the same bytes from the same data.

Routing is trained three times on two thirds of the posts to hear its voices about the last third, and once on
everything that is not held out; what weighs the voices (``classifiers.router``) is fitted to the left-out thirds. The
four stand in processes of their own; ``make`` keeps BLAS to one thread in each, so that the sums are the same on any
number of cores.
"""

from __future__ import annotations

import argparse
import shutil
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from classifiers import shelf
from classifiers.conditional_logit import fit as fit_router
from classifiers.features import Corpus, Matrix, Vocabulary, place_marks, tokens
from classifiers.layers import SCALE
from classifiers.linear import fit_binary, fit_classes
from classifiers.material import Sample, samples, training_sets
from classifiers.meaning import Meaning, unit
from classifiers.multinomial_logit import fit as fit_topics
from classifiers.network import Network
from classifiers.predictor import vocabulary_of
from classifiers.profiles import Profiles, Space, profile_of
from classifiers.register import QUESTIONS, REGISTER
from classifiers.router import TOPIC, VOICES, loud, voices_of
from classifiers.topics import Topics
from language import mend, read
from language.embeddings import word_vectors
from regulation import Regulation

LEAST_POSTS = 12
LINEAR_COST = 0.3
BINARY_COST = 0.5
PARTS = 3
PROCESSES = 2
HALF = 5  # of the ten folds
Sayings = Mapping[str, list[str]]  # of each department, its own sentences
SOURCES_OF_ROUTES = ("perm_2023", "own", "profile", "kursk_2022", "spb_2020")


@dataclass
class Material:
    """Samples with their vectors; ``departments`` and ``topics`` are numbers, -1 where unknown."""

    samples: list[Sample]
    corpus: Corpus
    vocabulary: Vocabulary
    codes: list[str]
    topic_names: list[str]
    departments: np.ndarray
    topics: np.ndarray
    weights: np.ndarray
    vectors: Matrix
    meaning: Meaning
    meanings: np.ndarray

    def where(self, condition: Any) -> np.ndarray:
        return np.flatnonzero([not s.held_out and bool(condition(s)) for s in self.samples])


def prepare(found: list[Sample], regulation: Regulation, vocabulary: Vocabulary | None = None) -> Material:
    """``vocabulary``: that of the shelf, when only a part of the models is trained anew."""
    readings = [mend(read(s.text)) for s in found]
    places = regulation.places
    posts = [tokens(reading, place_marks(places.find(reading), places)) for reading in readings]
    vocabulary = vocabulary or Vocabulary.fit(
        [p for p, s in zip(posts, found, strict=True) if not s.held_out], LEAST_POSTS
    )
    corpus = Corpus(vocabulary, posts)
    meaning = Meaning.learn(*word_vectors())
    codes, names = list(regulation.departments), list(regulation.topics)
    return Material(
        found,
        corpus,
        vocabulary,
        codes,
        names,
        np.array([codes.index(s.department) if s.department in codes else -1 for s in found]),
        np.array([names.index(s.topic) if s.topic in names else -1 for s in found]),
        np.array([s.weight for s in found], dtype=np.float32),
        corpus.vectors(),
        meaning,
        unit(corpus.bag @ meaning.rows(corpus.words, vocabulary)),
    )


@dataclass
class Voices:
    """The trained parts of the router: the network, the linear margins, the profiles."""

    network: Network
    linear: np.ndarray
    space: Space
    profiles: Profiles
    mean: np.ndarray
    whiten: np.ndarray

    def speak(self, material: Material, rows: np.ndarray, topic_to_department: np.ndarray) -> np.ndarray:
        vectors = material.vectors[rows]
        linear = np.asarray(vectors @ self.network.arrays_["embed"])
        return voices_of(
            vectors @ self.linear[:-1] + self.linear[-1],
            self.network.predict_proba(vectors, "department"),
            self.network.predict_proba(vectors, "topic") @ topic_to_department,
            np.asarray(vectors @ self.profiles.likeness),
            self.space.place(linear) @ self.profiles.kinship.T,
            material.meanings[rows] @ self.profiles.sense.T,
        )


def profiles_of(regulation: Regulation, most_examples: int | None = None) -> Sayings:
    """What each department says of itself; ``most_examples``: ``None`` for all."""
    return {code: profile_of(department, most_examples) for code, department in regulation.departments.items()}


def train_voices(material: Material, rows: np.ndarray, profiles: Sayings) -> Voices:
    """``rows`` are those to learn from."""
    heads = {"topic": len(material.topic_names), "department": len(material.codes)}
    labels = {"topic": material.topics, "department": material.departments}
    network = Network(heads).fit(material.corpus, rows, labels, material.weights)
    known = rows[material.departments[rows] >= 0]
    vectors, departments = material.vectors[known], material.departments[known]
    linear = fit_classes(vectors, departments, material.weights[known], len(material.codes), cost=LINEAR_COST)
    embed, bias = network.arrays_["embed"], network.arrays_["bias"]
    hidden = np.maximum(SCALE * np.asarray(vectors @ embed) + bias, 0)
    mean, whiten = Space.spread(hidden, departments)
    space = Space(bias, SCALE, mean, whiten)
    spoken = Profiles(material.vocabulary, profiles, embed, space, material.meaning)
    return Voices(network, linear, space, spoken, mean, whiten)


def topics_to_departments(material: Material, regulation: Regulation) -> np.ndarray:
    table = np.zeros((len(material.topic_names), len(material.codes)), dtype=np.float32)
    for row, name in enumerate(material.topic_names):
        table[row, material.codes.index(regulation.topics[name].department)] = 1
    return table


def train_routing(material: Material, regulation: Regulation, models: Path, base: Mapping[str, Any]) -> None:
    rows = material.where(lambda s: (s.department or s.topic) and s.source in SOURCES_OF_ROUTES)
    table = topics_to_departments(material, regulation)
    profiles = profiles_of(regulation)
    with ProcessPoolExecutor(PROCESSES) as pool:
        last = pool.submit(train_voices, material, rows, profiles)
        heard, spoken = _left_out(pool, material, rows, profiles, table)
        voices = last.result()
    heard[:, :, TOPIC] = loud(_halved(material, rows, spoken) @ table)
    known = material.departments[rows] >= 0
    router = fit_router(heard[known], material.departments[rows[known]], _shares(material, rows[known]))
    topics = _topics_of(material, rows, spoken)
    arrays = voices.network.arrays_
    others = {name: value for name, value in arrays.items() if name != "embed"}
    network = {
        "embed": shelf.pack(arrays["embed"]),
        **others,
        "mean": voices.mean,
        "whiten": voices.whiten,
        "topics": material.topic_names,
        "departments": material.codes,
    }
    shelf.save(models, "network", network, base)
    linear = {"weights": shelf.pack(voices.linear[:-1]), "intercepts": voices.linear[-1], "codes": material.codes}
    shelf.save(models, "department", linear, base)
    shelf.save(models, "topics", topics.values(), base)
    card = {**base, "weights": _named(router.weights), "posts": len(rows)}
    routing = {"weights": router.weights, "bias": router.bias, "profile": router.profile, "codes": material.codes}
    shelf.save(models, "router", routing, card)


def _left_out(
    pool: ProcessPoolExecutor, material: Material, rows: np.ndarray, profiles: Sayings, table: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What voices that were not trained on a post say of it, ``(rows, departments, voices)``; the network's topics."""
    parts = np.array([material.samples[row].fold for row in rows]) % PARTS
    heard = np.zeros((len(rows), len(material.codes), len(VOICES)))
    spoken = np.zeros((len(rows), len(material.topic_names)), dtype=np.float32)
    asked = [(material, rows[parts != p], rows[parts == p], profiles, table) for p in range(PARTS)]
    for part, (voices, topics) in enumerate(pool.map(_hear, *zip(*asked, strict=True))):
        heard[parts == part], spoken[parts == part] = voices, topics
        _say(f"голоса, часть {part + 1} из {PARTS}")
    return heard, spoken


def _hear(
    material: Material, learnt: np.ndarray, left_out: np.ndarray, profiles: Sayings, table: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What voices that learnt from the one rows say of the others."""
    voices = train_voices(material, learnt, profiles)
    topics = voices.network.predict_proba(material.vectors[left_out], "topic")
    return voices.speak(material, left_out, table), topics


def _halved(material: Material, rows: np.ndarray, spoken: np.ndarray) -> np.ndarray:
    """Topics of each half of the posts as learnt from the other: the router's posts must not have been seen."""
    first = np.array([material.samples[row].fold for row in rows]) < HALF
    found = np.zeros_like(spoken)
    for half in (first, ~first):
        topics = _topics_of(material, rows[~half], spoken[~half])
        found[half] = topics.probabilities(spoken[half], material.meanings[rows[half]])
    return found


def _topics_of(material: Material, rows: np.ndarray, spoken: np.ndarray) -> Topics:
    known = material.topics[rows] >= 0
    own = rows[known]
    return fit_topics(spoken[known], material.meanings[own], material.topics[own], _shares(material, own))


def _shares(material: Material, rows: np.ndarray) -> np.ndarray:
    """What a department's profile says is not asked again of the posts that the profile is made of."""
    share = {"perm_2023": 1.0, "own": 1.0, "profile": 0.0, "kursk_2022": 0.5, "spb_2020": 0.1}
    return np.array([share[material.samples[row].source] for row in rows])


def _named(weights: np.ndarray) -> dict[str, float]:
    return {name: round(float(value), 4) for name, value in zip(VOICES, weights, strict=True)}


def train_questions(material: Material, models: Path, base: Mapping[str, Any]) -> None:
    for question in QUESTIONS:
        rows = material.where(lambda s, q=question: s.answers.get(q, (False, 0.0))[1] > 0)
        answers = [material.samples[row].answers[question] for row in rows]
        labels = np.array([yes for yes, _ in answers]).astype(int)
        weights = np.array([weight for _, weight in answers])
        binary, margins = fit_binary(material.vectors[rows], material.meanings[rows], labels, weights, cost=BINARY_COST)
        values = {
            "weights": shelf.pack(binary.weights[:, None]),
            "meaning": binary.meaning,
            "slope": binary.slope,
            "offset": binary.offset,
        }
        card = {
            **base,
            "rows": {"yes": int(labels.sum()), "no": int((1 - labels).sum())},
            "left_out_auc": round(_auc(labels, margins), 4),
        }
        shelf.save(models, question, values, card)
        _say(f"{question}: да {labels.sum()}, нет {(1 - labels).sum()}, AUC {card['left_out_auc']}")


def _auc(labels: np.ndarray, margins: np.ndarray) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(labels, margins))


def _say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", flush=True)


def train(shared: Path, home: Path, without: tuple[str, ...], only: str = "all") -> None:
    """Write every model anew under ``home/models``; old versions are removed."""
    models = home / "models"
    if only == "thresholds":
        for name in REGISTER:
            shelf.renew_thresholds(models, name)
        return
    regulation = Regulation.load(home / "regulation")
    sets = training_sets(without)
    kept = None if only == "all" else vocabulary_of(shelf.load(models, "words"))
    material = prepare(samples(sets, shared, regulation), regulation, kept)
    _say(f"материал: {len(material.samples)} текстов, {len(material.vocabulary)} признаков")
    base = {
        "data": {s.name: s.licence for s in sets},
        "regulation": regulation.version,
        "held_out": {s.name: sorted(s.held_out) for s in sets if s.held_out},
    }
    words = {"names": "\n".join(material.vocabulary.names), "weights": material.vocabulary.weights}
    base["words"] = shelf.save(models, "words", words, {**base, "features": len(material.vocabulary)})
    shelf.save(models, "meaning", material.meaning.values(), {**base, "data": {"navec (natasha)": "MIT"}})
    if only in ("all", "questions"):
        train_questions(material, models, base)
    if only in ("all", "routing"):
        train_routing(material, regulation, models, base)
    _forget_old(models)


def _forget_old(models: Path) -> None:
    for name in REGISTER:
        current = models / name / "current"
        for version in models.joinpath(name).iterdir() if current.exists() else ():
            if version.is_dir() and version.name != current.read_text(encoding="utf-8").strip():
                shutil.rmtree(version)


def main() -> None:
    parser = argparse.ArgumentParser(description="Обучить модели заново")
    parser.add_argument("--shared", type=Path, default=Path("../shared/data"), help="папка с наборами")
    parser.add_argument("--home", type=Path, default=Path(), help="где лежат regulation/ и models/")
    parser.add_argument("--without", default="", help="наборы, которые не брать, через запятую")
    parser.add_argument("--only", default="all", choices=("all", "questions", "routing", "thresholds"))
    options = parser.parse_args()
    train(options.shared, options.home, tuple(filter(None, options.without.split(","))), options.only)


if __name__ == "__main__":
    main()

"""What a word contributes: its form and the character n-grams inside it.

All features live inside words, so a text is a sum over its words, and what a word contributes to any linear
score can be computed once and kept. The text vector is normalised by the length it would have if its words
shared no feature: within 0.001 of the accuracy of the exact length (``docs/decisions/0003-features.md``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from language import Reading
from regulation import Found, Gazetteer

SHORTEST, LONGEST = 2, 5
LONGEST_WORD = 30
NUMBER = "0"
WORD_WEIGHT = 2.0
Matrix = Any  # scipy.sparse.csr_matrix: scipy ships no types


VILLAGE = "@village"
_SIGNS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (f"@{name}", re.compile(pattern))
    for name, pattern in (
        ("question", r"\?"),
        ("questions", r"\?[^?]+\?"),
        ("asks_last", r"\?[\s)]*$"),
        ("exclaims", r"!"),
        ("shouts", r"!!"),
        ("trails_off", r"\.\.|…"),
        ("smiles", r"(?<!\d)\){1,9}(?=[\s)]|$)|[\u263a\U0001F600-\U0001F64F]"),
        ("pictures", r"[\u2600-\u27BF\U0001F300-\U0001FAFF]"),
        ("link", r"https?:|<URL>|\bwww\.|t\.me/|vk\.com"),
        ("phone", r"\d[\d -]{6,14}\d|<PHONE>"),
        ("money", r"%|₽|\bруб"),
        ("tag", r"[@#]\w"),
        ("bar", r"\|"),
    )
)


def place_marks(found: Found | None, places: Gazetteer) -> list[str]:
    """What the gazetteer adds to the words of a text: that a settlement other than the centre is named."""
    named = found is not None and found.settlement is not None and found.settlement.value != places.centre
    return [VILLAGE] if named else []


def signs(text: str) -> list[str]:
    """What the words leave out: questions, exclamations, pictures, links, prices."""
    return [name for name, pattern in _SIGNS if pattern.search(text)]


def tokens(reading: Reading, marks: Iterable[str] = ()) -> list[str]:
    """The words of a text as the classifiers see them, numbers alike, then its signs and the other ``marks``."""
    words = [NUMBER if word[0].isdigit() else word for word in reading.norms]
    words.extend(signs(reading.text))
    words.extend(marks)
    return words


def features_of(word: str) -> list[str]:
    """The form (``=слово``) and the distinct n-grams of ``^слово$``; of a mark, itself alone."""
    whole = "=" + word[:LONGEST_WORD]
    if word.startswith("@"):
        return [whole]
    shown = f"^{word[:LONGEST_WORD]}$"
    grams = {shown[i : i + n] for n in range(SHORTEST, LONGEST + 1) for i in range(len(shown) - n + 1)}
    return [whole, *sorted(grams)]


class Vocabulary:
    """Features with their weights: inverse document frequency, forms counted double."""

    def __init__(self, names: Sequence[str], weights: np.ndarray) -> None:
        self.names = tuple(names)
        self.weights = weights.astype(np.float32)
        self._index = {name: number for number, name in enumerate(self.names)}
        self._rarest = float(self.weights.max(initial=1.0))

    def weight_of(self, word: str) -> float:
        """The weight of a word's form; of a word never kept, that of the rarest."""
        number = self._index.get("=" + word)
        return self._rarest if number is None else float(self.weights[number])

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def fit(cls, posts: Sequence[Sequence[str]], least_posts: int) -> Vocabulary:
        """Keep what stands in ``least_posts`` different posts or more."""
        by_word = {word: features_of(word) for post in posts for word in post}
        seen: Counter[str] = Counter()
        for post in posts:
            seen.update({feature for word in set(post) for feature in by_word[word]})
        names = sorted(name for name, times in seen.items() if times >= least_posts)
        times = np.array([seen[name] for name in names])
        weights = np.log((1 + len(posts)) / (1 + times)) + 1
        return cls(names, weights * np.where([name[0] == "=" for name in names], WORD_WEIGHT, 1.0))

    def rows(self, words: Sequence[str]) -> Matrix:
        """``(len(words), len(self))`` float32: the features of each word, weighted."""
        index = self._index
        columns: list[int] = []
        ends = [0]
        for word in words:
            columns.extend([at for f in features_of(word) if (at := index.get(f)) is not None])
            ends.append(len(columns))
        kept = np.array(columns, dtype=np.int32)
        shape = (len(words), len(self))
        return sp.csr_matrix((self.weights[kept], kept, np.array(ends)), shape=shape, dtype=np.float32)


def counted(posts: Iterable[Sequence[str]]) -> Iterator[tuple[str, float]]:
    """``(word, 1 + ln(times))`` over the distinct words of each post, in order, ``("", 0)`` after each post."""
    for post in posts:
        for word, times in Counter(post).items():
            yield word, 1.0 if times == 1 else 1.0 + float(np.log(times))
        yield "", 0.0


class Corpus:
    """Posts as sums over words, for training: ``bag`` (posts × words) and ``phi`` (words × features)."""

    def __init__(self, vocabulary: Vocabulary, posts: Sequence[Sequence[str]]) -> None:
        words: dict[str, int] = {}
        columns: list[int] = []
        values: list[float] = []
        ends = [0]
        for word, value in counted(posts):
            if not value:
                ends.append(len(columns))
                continue
            columns.append(words.setdefault(word, len(words)))
            values.append(value)
        self.words = list(words)
        self.phi = vocabulary.rows(self.words)
        self.squares = np.asarray(self.phi.multiply(self.phi).sum(axis=1)).ravel().astype(np.float32)
        self.bag = sp.csr_matrix((values, columns, ends), shape=(len(posts), len(words)), dtype=np.float32)

    def vectors(self, rows: np.ndarray | slice = slice(None)) -> Matrix:
        return vectors(self.bag[rows], self.phi, self.squares)


def vectors(bag: Matrix, phi: Matrix, squares: np.ndarray) -> Matrix:
    """``(posts, features)`` of length one, as far as words share no feature."""
    lengths = np.sqrt(bag.multiply(bag) @ squares)
    return (sp.diags(1 / np.maximum(lengths, 1e-6)).astype(np.float32) @ (bag @ phi)).tocsr()

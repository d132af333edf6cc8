"""What a word contributes: its form and the character n-grams inside it; and what a pair of neighbours does: itself.

A text is a sum over its words and its known pairs, so what each contributes to any linear score can be computed
once and kept. The text vector is normalised by the length it would have if its words
shared no feature: within 0.001 of the accuracy of the exact length (``docs/decisions/0003-features.md``).
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise, repeat
from typing import Any

import numpy as np
import scipy.sparse as sp

from language import Reading
from regulation import Found, Gazetteer

_SIZES = range(2, 6)
LONGEST_WORD = 30
NUMBER = "0"
WORD_WEIGHT = 2.0
Matrix = Any  # scipy.sparse.csr_matrix: scipy ships no types


VILLAGE = "@village"
# Before a pattern is searched, one of these must stand in the text, which is asked faster.
_LINKS, _PRICES = ("http", "<URL>", "www.", "t.me/", "vk.com"), ("%", "₽", "руб")
_SIGNS: tuple[tuple[str, tuple[str, ...], re.Pattern[str]], ...] = tuple(
    (f"@{name}", needed, re.compile(pattern))
    for name, needed, pattern in (
        ("question", ("?",), r"\?"),
        ("questions", ("?",), r"\?[^?]+\?"),
        ("asks_last", ("?",), r"\?[\s)]*$"),
        ("exclaims", ("!",), r"!"),
        ("shouts", ("!!",), r"!!"),
        ("trails_off", ("..", "…"), r"\.\.|…"),
        ("smiles", (), r"[)\u263a\U0001F600-\U0001F64F](?:(?<=[^)])|(?<!\d\))\){0,8}(?=[\s)]|$))"),
        ("pictures", (), r"[\u2600-\u27BF\U0001F300-\U0001FAFF]"),
        ("link", _LINKS, r"https?:|<URL>|\bwww\.|t\.me/|vk\.com"),
        ("phone", (), r"\d[\d -]{6,14}\d|<PHONE>"),
        ("money", _PRICES, r"%|₽|\bруб"),
        ("tag", ("@", "#"), r"[@#]\w"),
        ("bar", ("|",), r"\|"),
    )
)
_NEEDED = frozenset(part for _, needed, _ in _SIGNS for part in needed)


def place_marks(found: Found | None, places: Gazetteer) -> list[str]:
    """What the gazetteer adds to the words of a text: that a settlement other than the centre is named."""
    named = found is not None and found.settlement is not None and found.settlement.value != places.centre
    return [VILLAGE] if named else []


def signs(text: str) -> list[str]:
    """What the words leave out: questions, exclamations, pictures, links, prices."""
    present = {part for part in _NEEDED if part in text}
    return [
        name
        for name, needed, pattern in _SIGNS
        if (not needed or not present.isdisjoint(needed)) and pattern.search(text)
    ]


def tokens(reading: Reading, marks: Iterable[str] = ()) -> list[str]:
    """The words of a text as the classifiers see them, numbers alike, then its signs and the other ``marks``."""
    words = [NUMBER if word[0].isdigit() else word for word in reading.norms]
    words.extend(signs(reading.text))
    words.extend(marks)
    return words


def pairs(words: Sequence[str]) -> list[str]:
    """Words that stand side by side, as ``два слова``; signs and marks have no neighbours."""
    return [f"{a} {b}" for a, b in pairwise(words) if a[0] != "@" != b[0]]


def features_of(word: str) -> list[str]:
    """The form (``=слово``) and the distinct n-grams of ``^слово$``; of a mark or a pair, itself alone."""
    shown = _shown(word)
    grams = {shown[i : i + n] for n in _SIZES for i in range(len(shown) - n + 1)}
    return ["=" + _form(word), *sorted(grams)]


def _form(word: str) -> str:
    return word if " " in word else word[:LONGEST_WORD]


def _shown(word: str) -> str:
    return "" if word.startswith("@") or " " in word else f"^{word[:LONGEST_WORD]}$"


class Grams:
    """The n-grams among the names of features, found for many words at once.

    Each is a number whose digits are its letters, so that no two share one. Looked up one by one, n-grams are most
    of what a new word costs.
    """

    def __init__(self, names: Sequence[str]) -> None:
        letters = sorted(set("".join(names)))
        self._base = len(letters) + 1
        self._digits = np.zeros(sys.maxunicode + 1, dtype=np.uint16)
        self._digits[[ord(letter) for letter in letters]] = np.arange(1, self._base)
        lengths = np.array([len(name) for name in names])
        places = [np.flatnonzero(lengths == size) for size in _SIZES]
        numbers = [self._numbers(names, own, size) for own, size in zip(places, _SIZES, strict=True)]
        known = np.concatenate([[0], *numbers])
        order = np.argsort(known)
        self._known, self._columns = known[order], np.concatenate([[-1], *places])[order]

    def _read(self, text: str) -> np.ndarray:
        """The digit of each character; 0 for one that no name has."""
        points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
        return np.asarray(self._digits[points], dtype=np.int64)

    def _numbers(self, names: Sequence[str], places: np.ndarray, size: int) -> np.ndarray:
        digits = self._read("".join([names[place] for place in places.tolist()])).reshape(-1, size)
        return np.asarray(digits @ self._base ** np.arange(size)[::-1])

    def find(self, words: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """For each n-gram that is a feature: the number of its word, and of the feature."""
        lengths = np.array([len(word) for word in words], dtype=np.int64)
        digits = self._read("".join(words))
        owners = np.repeat(np.arange(len(words)), lengths)
        left = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(digits))
        numbers, readable = digits, digits > 0
        found, found_in = [], []
        for size in _SIZES:
            last = digits[size - 1 :]
            numbers = numbers[: len(last)] * self._base + last
            readable = readable[: len(last)] & (last > 0)
            inside = readable & (left[: len(last)] >= size)
            found.append(numbers[inside])
            found_in.append(owners[: len(last)][inside])
        sought = np.concatenate(found)
        at = np.minimum(np.searchsorted(self._known, sought), len(self._known) - 1)
        is_feature = self._known[at] == sought
        return np.concatenate(found_in)[is_feature], self._columns[at[is_feature]]


class Vocabulary:
    """Features with their weights: inverse document frequency, forms counted double."""

    def __init__(self, names: Sequence[str], weights: np.ndarray) -> None:
        self.names = tuple(names)
        self.weights = weights.astype(np.float32)
        self._forms = {name[1:]: number for number, name in enumerate(self.names) if name.startswith("=")}
        self._grams = Grams(self.names)
        self._pairs = {tuple(form.split(" ")): form for form in self._forms if " " in form}
        self._rarest = float(self.weights.max(initial=1.0))

    def weight_of(self, word: str) -> float:
        """The weight of a word's form; of a word never kept, that of the rarest."""
        number = self._forms.get(word)
        return self._rarest if number is None else float(self.weights[number])

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def fit(cls, posts: Sequence[Sequence[str]], least_posts: int) -> Vocabulary:
        """Keep what stands in ``least_posts`` different posts or more."""
        posts = [[*post, *pairs(post)] for post in posts]
        by_word = {word: features_of(word) for post in posts for word in post}
        seen: Counter[str] = Counter()
        for post in posts:
            seen.update({feature for word in set(post) for feature in by_word[word]})
        names = sorted(name for name, times in seen.items() if times >= least_posts)
        times = np.array([seen[name] for name in names])
        weights = np.log((1 + len(posts)) / (1 + times)) + 1
        return cls(names, weights * np.where([name[0] == "=" for name in names], WORD_WEIGHT, 1.0))

    def with_pairs(self, words: Sequence[str]) -> list[str]:
        """The words and, after them, those of their pairs that are features."""
        return [*words, *filter(None, map(self._pairs.get, pairwise(words)))]

    def rows(self, words: Sequence[str]) -> Matrix:
        """``(len(words), len(self))`` float32: the features of each word, weighted."""
        forms = np.array([self._forms.get(_form(word), -1) for word in words], dtype=np.int64)
        owners, grams = self._grams.find([_shown(word) for word in words])
        # A word's form comes before its n-grams, each feature once.
        halves, columns = np.concatenate([2 * np.arange(len(words)), 2 * owners + 1]), np.concatenate([forms, grams])
        keys = np.sort((halves * len(self) + columns)[columns >= 0])
        halves, kept = np.divmod(keys[np.diff(keys, prepend=-1) > 0], max(len(self), 1))
        ends = np.searchsorted(halves, 2 * np.arange(len(words) + 1))
        shape = (len(words), len(self))
        return sp.csr_matrix((self.weights[kept], kept, ends), shape=shape, dtype=np.float32)


@lru_cache(maxsize=1024)
def count_weight(times: int) -> float:
    """How much a word weighs that stands in a text so often: ``1 + ln(times)``."""
    return 1.0 + float(np.log(times))


class Numbers(dict[str, int]):
    """Numbers of words: one asked for the first time gets the next."""

    def __missing__(self, word: str) -> int:
        self[word] = number = len(self)
        return number


def counted(posts: Iterable[Sequence[str]], numbers: Numbers) -> tuple[list[int], list[float], list[int]]:
    """``columns, values, ends`` of a sparse matrix posts × words, each post's distinct words in its own order."""
    columns: list[int] = []
    values: list[float] = []
    ends = [0]
    for post in posts:
        distinct = dict.fromkeys(post)
        columns += map(numbers.__getitem__, distinct)
        if len(distinct) == len(post):  # as in most sentences: no need to count
            values += repeat(1.0, len(post))
        else:
            values += map(count_weight, Counter(post).values())
        ends.append(len(columns))
    return columns, values, ends


class Corpus:
    """Posts as sums over words, for training: ``bag`` (posts × words) and ``phi`` (words × features)."""

    def __init__(self, vocabulary: Vocabulary, posts: Sequence[Sequence[str]]) -> None:
        numbers = Numbers()
        columns, values, ends = counted(map(vocabulary.with_pairs, posts), numbers)
        self.words = list(numbers)
        self.phi = vocabulary.rows(self.words)
        self.squares = np.asarray(self.phi.multiply(self.phi).sum(axis=1)).ravel().astype(np.float32)
        self.bag = sp.csr_matrix((values, columns, ends), shape=(len(posts), len(self.words)), dtype=np.float32)

    def vectors(self, rows: np.ndarray | slice = slice(None)) -> Matrix:
        return vectors(self.bag[rows], self.phi, self.squares)


def vectors(bag: Matrix, phi: Matrix, squares: np.ndarray) -> Matrix:
    """``(posts, features)`` of length one, as far as words share no feature."""
    lengths = np.sqrt(bag.multiply(bag) @ squares)
    return (sp.diags(1 / np.maximum(lengths, 1e-6)).astype(np.float32) @ (bag @ phi)).tocsr()

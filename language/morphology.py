"""Forms and lemmas by pymorphy3 (the OpenCorpora dictionary), folded as in ``language.reading``.

The analyser is made at the first question: what never asks does not pay for its dictionary.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

import pymorphy3

from language.reading import fold

_CACHED_WORDS = 50_000


@cache
def _analyser() -> Any:
    return pymorphy3.MorphAnalyzer(lang="ru")


@lru_cache(maxsize=_CACHED_WORDS)
def known(word: str) -> bool:
    """Whether the dictionary has this form, be it with ё for е: most have it to the letter, which is asked faster."""
    analyser = _analyser()
    return bool(analyser.word_is_known(word, strict=True) or analyser.word_is_known(word))


@lru_cache(maxsize=_CACHED_WORDS)
def lemma(word: str) -> str:
    """The folded normal form of the likeliest parse."""
    return fold(_analyser().parse(word)[0].normal_form)


@lru_cache(maxsize=_CACHED_WORDS)
def forms(word: str, grammemes: frozenset[str] = frozenset()) -> frozenset[str]:
    """All folded forms of a lemma that have the grammemes (OpenCorpora tags: ``1per``, ``futr``, ``plur`` …).

    Where the word is no lemma of any of its parses, the forms of the likeliest parse.
    """
    parses = _analyser().parse(word)
    chosen = [p for p in parses if fold(p.normal_form) == fold(word) and p.is_known] or parses[:1]
    found = set() if grammemes else {fold(word)}
    for parse in chosen:
        found.update(fold(form.word) for form in parse.lexeme if grammemes <= form.tag.grammemes)
    return frozenset(found)

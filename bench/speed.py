"""``make bench``: speed of the whole decision against natasha's segment + morph + NER, in one run, as ratios.

Over the same 5,000 real posts (``../shared``, else the samples repeated). Writes ``bench/RESULTS.md``.
"""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from classifiers.material import rows_of
from pipeline.triage import Triage
from records import Post, revision_of

HOME = Path(__file__).resolve().parent.parent
POSTS = 5_000
BATCH = 256
COLD = (
    "import time; start = time.perf_counter()\n"
    "from pathlib import Path\n"
    "from pipeline.triage import Triage\n"
    "from records import Post\n"
    "Triage.load(Path({home!r})).decide([Post(key='a', text='Яма на Ленина', revision='0')])\n"
    "print(time.perf_counter() - start)"
)


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "процессор неизвестен"
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "процессор неизвестен")


def texts() -> tuple[list[str], str]:
    shared = Path(os.environ.get("OTKLIK_SHARED", HOME.parent / "shared")) / "data" / "perm_2023.jsonl"
    if shared.is_file():
        return [row["text"] for row in rows_of(shared)[:POSTS]], "perm_2023"
    samples = [row["text"] for row in rows_of(HOME / "samples" / "posts.jsonl") if row["text"]]
    return list(islice(cycle(samples), POSTS)), "samples, повторённые"


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def natasha_pass(posts: Sequence[str]) -> Callable[[], None]:
    from natasha import Doc, NewsEmbedding, NewsMorphTagger, NewsNERTagger, Segmenter

    segmenter, embedding = Segmenter(), NewsEmbedding()
    morph, ner = NewsMorphTagger(embedding), NewsNERTagger(embedding)

    def work() -> None:
        for text in posts:
            doc = Doc(text)
            doc.segment(segmenter)
            if doc.tokens:
                doc.tag_morph(morph)
                doc.tag_ner(ner)

    return work


def decided(triage: Triage, posts: Sequence[Post]) -> None:
    for first in range(0, len(posts), BATCH):
        triage.decide(posts[first : first + BATCH])


def rows() -> list[tuple[str, str, str]]:
    found, source = texts()
    posts = [Post(key=f"bench:{i}", text=text, revision=revision_of(text)) for i, text in enumerate(found)]
    triage = Triage.load(HOME)
    first = seconds(lambda: decided(triage, posts))
    warm = min(seconds(lambda: decided(triage, posts)) for _ in range(2))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    single = np.array([seconds(lambda p=post: triage.decide([p])) for post in posts[:2_000]]) * 1_000
    peer = seconds(natasha_pass(found))
    cold = [
        float(
            subprocess.run(
                [sys.executable, "-c", COLD.format(home=str(HOME))], capture_output=True, check=True, cwd=HOME
            ).stdout
        )
        for _ in range(3)
    ]
    count = len(posts)
    return [
        (f"natasha: segment + morph + NER ({source}), постов в секунду", f"{count / peer:.0f}", "1×"),
        (
            "решение целиком, первый проход (слова ещё не встречались)",
            f"{count / first:.0f}",
            f"{peer / first:.1f}× (не меньше 8×)",
        ),
        ("решение целиком, дальше", f"{count / warm:.0f}", f"{peer / warm:.1f}× (цель 25×)"),
        ("одно сообщение: медиана, мс", f"{np.median(single):.2f}", ""),
        ("одно сообщение: p99, мс", f"{np.percentile(single, 99):.2f}", "меньше 20 (цель 5)"),
        ("холодный пуск до первого решения, с (лучший из трёх)", f"{min(cold):.2f}", "меньше 3"),
        ("пик памяти, МБ", f"{memory:.0f}", "меньше 700"),
    ]


def main() -> None:
    table = rows()
    lines = [
        "# Скорость",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, `make bench`: {platform.machine()}, {processor()}, ядер {os.cpu_count()}, "
        f"Python {platform.python_version()}, {POSTS} сообщений, один процесс.",
        "",
        "| что | получено | отношение или требование |",
        "|---|---|---|",
        *(f"| {a} | {b} | {c} |" for a, b, c in table),
    ]
    (HOME / "bench" / "RESULTS.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines[4:]))


if __name__ == "__main__":
    main()

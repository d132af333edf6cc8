"""``make bench``: speed of the whole decision against natasha's segment + morph + NER, in one run, as ratios.

Over the same 5,000 real posts (``../shared``, else the samples repeated). Writes ``bench/RESULTS.md``.
"""

from __future__ import annotations

import os
import platform
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
MEMORY = (
    "import resource\n"
    "from bench import speed\n"
    "triage = speed.Triage.load(speed.HOME)\n"
    "for batch in speed.batches(speed.posts()[0]): triage.decide(batch)\n"
    "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
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


def posts() -> tuple[list[Post], str]:
    found, source = texts()
    return [Post(key=f"bench:{i}", text=text, revision=revision_of(text)) for i, text in enumerate(found)], source


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def natasha() -> Callable[[Sequence[str]], None]:
    from natasha import Doc, NewsEmbedding, NewsMorphTagger, NewsNERTagger, Segmenter

    segmenter, embedding = Segmenter(), NewsEmbedding()
    morph, ner = NewsMorphTagger(embedding), NewsNERTagger(embedding)

    def work(texts: Sequence[str]) -> None:
        for text in texts:
            doc = Doc(text)
            doc.segment(segmenter)
            if doc.tokens:
                doc.tag_morph(morph)
                doc.tag_ner(ner)

    return work


def batches(posts: Sequence[Post]) -> list[Sequence[Post]]:
    return [posts[first : first + BATCH] for first in range(0, len(posts), BATCH)]


def side_by_side(triage: Triage, posts: Sequence[Post]) -> tuple[float, float, float]:
    """Seconds of natasha, of the first pass and of a later one, by turns on each batch: a machine that is slower for
    a while is slower for all three."""
    peer = natasha()
    peer([posts[0].text])
    spent = np.zeros(3)
    for batch in batches(posts):
        spent[0] += seconds(lambda b=batch: peer([post.text for post in b]))
        spent[1] += seconds(lambda b=batch: triage.decide(b))
        spent[2] += seconds(lambda b=batch: triage.decide(b))
    return float(spent[0]), float(spent[1]), float(spent[2])


def printed(code: str) -> float:
    """What a process of its own prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=HOME)
    return float(done.stdout)


def rows() -> list[tuple[str, str, str]]:
    # Before anything is loaded here: a child's peak begins with the memory of the parent that started it.
    memory = printed(MEMORY) / 1024
    cold = min(printed(COLD.format(home=str(HOME))) for _ in range(3))
    found, source = posts()
    triage = Triage.load(HOME)
    peer, first, warm = side_by_side(triage, found)
    single = np.array([seconds(lambda p=post: triage.decide([p])) for post in found[:2_000]]) * 1_000
    count = len(found)
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
        ("холодный пуск до первого решения, с (лучший из трёх)", f"{cold:.2f}", "меньше 3"),
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
        "",
        "natasha и решение меряют по очереди на каждой пачке, так что медленная минута машины медленна для обоих.",
        "Поток: [STREAM.md](STREAM.md), под ударами: [CHAOS.md](CHAOS.md); карточки: [CASEBOOK.md](CASEBOOK.md), под",
        "ударами: [CASEBOOK_CHAOS.md](CASEBOOK_CHAOS.md).",
    ]
    (HOME / "bench" / "RESULTS.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines[4:-4]))


if __name__ == "__main__":
    main()

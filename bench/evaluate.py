"""``make eval``: the whole table of decision quality, on held-out folds and the trials.

Writes every mistake, sentence by sentence, to ``eval/mistakes.txt`` (ignored by git: it holds private text).
``FAST=1`` takes a part of the large sets and leaves out what trains anew.
"""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from classifiers.material import MATERIAL, rows_of, text_hash
from pipeline.triage import Triage
from records import Attachment, Decision, Ground, Post, Verdict, revision_of

BATCH = 256
HOME = Path(__file__).resolve().parent.parent
OWN = HOME / "bench" / "trials"
FAST = bool(os.environ.get("FAST"))
Row = dict[str, Any]


@dataclass
class Report:
    """Lines of the table, and the mistakes under them."""

    lines: list[tuple[str, str, str]] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)

    def add(self, what: str, got: str, least: str) -> None:
        self.lines.append((what, got, least))

    def mistake(self, what: str, text: str, got: object, due: object) -> None:
        self.mistakes.append(f"{what}\t{got} вместо {due}\t{' '.join(text.split())}")


def share(values: Iterable[object]) -> float:
    found = [bool(value) for value in values]
    return sum(found) / len(found) if found else float("nan")


def figures(*values: float) -> str:
    return " / ".join(f"{value:.3f}" for value in values)


@dataclass(frozen=True)
class Trials:
    """Sentences with what is due, a file a question; ``what``: whose they are; ``listed``: whether mistakes are."""

    what: str
    folder: Path
    listed: bool = True

    def rows(self, name: str) -> list[Row]:
        return [r for r in rows_of(self.folder / f"{name}.jsonl") if not r.get("debatable")]


# Of the first the mistakes were read and learnt from; of the second only the figures are known.
OWN_TRIALS = (
    Trials("прочитанные пробы", OWN / "read"),
    Trials("непрочитанные пробы", OWN / "unread", listed=False),
)


@dataclass
class Bench:
    triage: Triage
    data: Path
    domain: Path
    report: Report = field(default_factory=Report)

    def rows(self, name: str, fold: int | None = None, most: int | None = None) -> list[Row]:
        found = [r for r in rows_of(self.data / f"{name}.jsonl") if fold is None or r["fold"] == fold]
        return found[:most] if FAST and most else found

    def decide(self, rows: Sequence[Row]) -> list[Decision]:
        posts = [
            Post(
                key=f"eval:{number}",
                text=row["text"],
                attachments=(Attachment("photo"),) * int(row.get("attachments") or 0),
                revision=revision_of(row["text"]),
            )
            for number, row in enumerate(rows)
        ]
        return [d for first in range(0, len(posts), BATCH) for d in self.triage.decide(posts[first : first + BATCH])]


def departments(bench: Bench, rows: Sequence[Row], due: Callable[[Row], str], what: str, least: str) -> list[Decision]:
    decided = bench.decide(rows)
    top1, top3 = [], []
    for row, decision in zip(rows, decided, strict=True):
        ranked = ranking(decision)
        top1.append(ranked[:1] == [due(row)])
        top3.append(due(row) in ranked[:3])
        if not top1[-1]:
            bench.report.mistake(what, row["text"], ranked[:1], due(row))
    bench.report.add(f"{what}: top-1 / top-3", figures(share(top1), share(top3)), least)
    return decided


def ranking(decision: Decision) -> list[str]:
    route = decision.route
    return [] if route is None else [route.department, *(code for code, _ in route.runners_up)]


def decided_at(confidence: np.ndarray, right: np.ndarray, accuracy: float) -> float:
    """The largest share of posts, most confident first, that is right so often."""
    order = np.argsort(-confidence, kind="stable")
    running = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero(running >= accuracy)
    return float((good[-1] + 1) / len(order)) if len(good) else 0.0


def expected_calibration_error(confidence: np.ndarray, right: np.ndarray, bins: int = 10) -> float:
    """Naeini et al., AAAI 2015: bins of equal width."""
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    return float(
        sum(abs(right[which == b].mean() - confidence[which == b].mean()) * (which == b).mean() for b in set(which))
    )


def perm(bench: Bench) -> None:
    topics = bench.triage.regulation.topics
    rows = [r for r in bench.rows("perm_2023", 8) if r["topic"] in topics]
    decided = departments(bench, rows, lambda r: topics[r["topic"]].department, "Пермь, отдел", "0.82 / 0.95")
    routes = [d.route for d in decided]
    right = np.array(
        [r is not None and r.department == topics[row["topic"]].department for r, row in zip(routes, rows, strict=True)]
    )
    confidence = np.array([r.probability if r else 0.0 for r in routes])
    proposed = np.array([bool(r and r.proposed) for r in routes])
    add = bench.report.add
    add(
        "Пермь: доля решённых при точности 90 % / 95 %",
        figures(decided_at(confidence, right, 0.9), decided_at(confidence, right, 0.95)),
        "0.80 / 0.60",
    )
    add("Пермь: предложено / верно из предложенных", figures(proposed.mean(), right[proposed].mean()), "0.70 / 0.88")
    add("калибровка вероятности отдела (ECE)", figures(expected_calibration_error(confidence, right)), "≤ 0.03")
    names = [
        []
        if d.route is None or d.route.topic is None
        else [d.route.topic.name, *(n for n, _ in d.route.topic.runners_up)]
        for d in decided
    ]
    add(
        "Пермь, тема: top-1 / top-3",
        figures(
            share(r["topic"] in n[:1] for r, n in zip(rows, names, strict=True)),
            share(r["topic"] in n[:3] for r, n in zip(rows, names, strict=True)),
        ),
        "0.56 / 0.79",
    )
    fast = np.array([d.track == "4h" for d in decided])
    urgent = np.array([topics[r["topic"]].urgency == "да" for r in rows])
    for row, decision, is_urgent in zip(rows, decided, urgent, strict=True):
        if is_urgent and decision.track != "4h":
            bench.report.mistake("срочная тема", row["text"], decision.significance.probability, row["topic"])
    add("срочные темы в 4 ч / все на 4 ч", figures(fast[urgent].mean(), fast.mean()), "0.89 при ≤ 0.25")
    add("Пермь: сочтено не требующим ответа", figures(share(d.verdict == Verdict.NO_ANSWER for d in decided)), "≤ 0.15")
    add("Пермь: исключено", figures(share(d.verdict == Verdict.EXCLUDE for d in decided)), "≤ 0.02")
    for row, decision in zip(rows, decided, strict=True):
        if decision.verdict == Verdict.EXCLUDE:
            bench.report.mistake(
                "Пермь, исключено", row["text"], [(h.ground.value, h.rule, h.text) for h in decision.grounds], "?"
            )
        elif decision.verdict == Verdict.NO_ANSWER:
            bench.report.mistake("Пермь, без ответа", row["text"], decision.needs_answer, "?")


def kursk(bench: Bench) -> None:
    with (MATERIAL / "kursk_topics.csv").open(encoding="utf-8") as lines:
        table = {r["topic_sha256"]: r["department"] for r in csv.DictReader(lines, delimiter=";")}
    rows = [r for r in bench.rows("kursk_2022", 8) if table.get(text_hash(r["topic"]))]
    departments(bench, rows, lambda r: table[text_hash(r["topic"])], "Курск, отдел (своя карта тем)", "0.84 (top-1)")


def routes(bench: Bench, trials: Trials) -> None:
    rows = trials.rows("routes")
    decided = bench.decide(rows)
    accepted = [{r["department"], *r.get("accept", ())} for r in rows]
    ranked = [ranking(d) for d in decided]
    right = [bool(n and n[0] in a) for n, a in zip(ranked, accepted, strict=True)]
    proposed = [bool(d.route and d.route.proposed) for d in decided]
    tracks = [d.track == r["track"] for d, r in zip(decided, rows, strict=True)]
    add = bench.report.add
    add(
        f"{trials.what} routes: top-1 / top-3",
        figures(share(right), share(bool(set(n[:3]) & a) for n, a in zip(ranked, accepted, strict=True))),
        "0.72 / 0.88",
    )
    add(
        f"{trials.what} routes: предложено / верно / срок верен",
        figures(share(proposed), share(r for r, p in zip(right, proposed, strict=True) if p), share(tracks)),
        "0.60 / 0.85 / 0.80",
    )
    for row, decision, ok, track in zip(rows, decided, right, tracks, strict=True):
        if not ok:
            bench.report.mistake(f"{trials.what} routes, отдел", row["text"], ranking(decision), row["department"])
        if not track:
            bench.report.mistake(
                f"{trials.what} routes, срок",
                row["text"],
                (decision.verdict.value, decision.track, decision.significance.probability),
                row["track"],
            )


def excluded(decisions: Sequence[Decision]) -> float:
    return share(d.verdict == Verdict.EXCLUDE for d in decisions)


def list_excluded(bench: Bench, what: str, rows: Sequence[Row], decided: Sequence[Decision], due: bool) -> None:
    for row, decision in zip(rows, decided, strict=True):
        if (decision.verdict == Verdict.EXCLUDE) != due:
            got = [(h.rule, h.text) for h in decision.grounds] or [r.code.value for r in decision.review]
            bench.report.mistake(what, row["text"], got, "исключить" if due else "не исключать")


def abuse(bench: Bench) -> None:
    add = bench.report.add
    rows = rows_of(HOME / "tests" / "data" / "disguise.jsonl")
    decided = bench.decide(rows)
    hit = [any(h.ground is Ground.OBSCENITY for h in d.grounds) for d in decided]
    add(
        "маскированный мат найден / чистые исключены (своё)",
        figures(
            share(h for h, r in zip(hit, rows, strict=True) if r["obscene"]),
            share(d.verdict == Verdict.EXCLUDE for d, r in zip(decided, rows, strict=True) if not r["obscene"]),
        ),
        "0.95 / 0.03",
    )
    list_excluded(
        bench,
        "маскированный мат",
        [r for r in rows if r["obscene"]],
        [d for d, r in zip(decided, rows, strict=True) if r["obscene"]],
        True,
    )
    list_excluded(
        bench,
        "чистые ловушки",
        [r for r in rows if not r["obscene"]],
        [d for d, r in zip(decided, rows, strict=True) if not r["obscene"]],
        False,
    )
    with (MATERIAL / "abuse_test.csv").open(encoding="utf-8") as lines:
        labels = {r["text_sha256"]: r["label"] for r in csv.DictReader(lines, delimiter=";")}
    okru, toxic = bench.rows("okru_2020", 8), bench.rows("toxic_2021", 7)
    read_rows = [r for r in [*okru, *toxic] if labels.get(text_hash(r["text"]), "d") != "d"]
    decided = bench.decide(read_rows)
    due = [labels[text_hash(r["text"])] in "oit" for r in read_rows]
    out = [d.verdict == Verdict.EXCLUDE for d in decided]
    add(
        "прочитанные: исключено должное / недолжное",
        figures(
            share(o for o, d in zip(out, due, strict=True) if d),
            share(o for o, d in zip(out, due, strict=True) if not d),
        ),
        "0.85 / ≤ 0.03",
    )
    for want in (True, False):
        list_excluded(
            bench,
            "прочитанные",
            [r for r, d in zip(read_rows, due, strict=True) if d == want],
            [x for x, d in zip(decided, due, strict=True) if d == want],
            want,
        )
    for name, toxicity, what, least in (
        ("okru_2020", False, "okru, обычные: исключено", "≤ 0.005"),
        ("okru_2020", True, "okru, токсичные: исключено", "0.55"),
    ):
        rows = [r for r in bench.rows(name, 8) if r["toxic"] == toxicity]
        decided = bench.decide(rows)
        add(what, figures(excluded(decided)), least)
        list_excluded(bench, what, rows, decided, toxicity)
    decided = bench.decide(toxic)
    add("toxic_2021: исключено", figures(excluded(decided)), "0.62")
    list_excluded(bench, "toxic_2021", toxic, decided, True)
    pairs = bench.rows("detox_pairs_2022", 7)
    neutral = [{"text": t} for r in pairs for t in r["neutral"]]
    toxic_side, neutral_side = bench.decide(pairs), bench.decide(neutral)
    clean = [r for r in bench.rows("vk_distorted_2022", 5) if not r["toxic"]]
    add(
        "detox: токсичные / нейтральные исключены",
        figures(excluded(toxic_side), excluded(neutral_side)),
        "0.65 / ≤ 0.10",
    )
    list_excluded(bench, "detox, нейтральные", neutral, neutral_side, False)
    clean_decided = bench.decide(clean)
    add("VK нетоксичные: исключено", figures(excluded(clean_decided)), "≤ 0.03")
    list_excluded(bench, "VK нетоксичные", clean, clean_decided, False)


def threats(bench: Bench, trials: Trials) -> None:
    rows = trials.rows("threats")
    decided = bench.decide(rows)
    direct = [r["verdict"] == "exclude" for r in rows]
    out = [d.verdict == Verdict.EXCLUDE for d in decided]
    alarmed = [r["alarm"] is not None for r in rows]
    raised = [bool(d.alarms) for d in decided]
    bench.report.add(
        f"{trials.what} threats: прямые / прочие / тревоги / тревоги без причины",
        figures(
            share(o for o, d in zip(out, direct, strict=True) if d),
            share(o for o, d in zip(out, direct, strict=True) if not d),
            share(r for r, a in zip(raised, alarmed, strict=True) if a),
            share(r for r, a in zip(raised, alarmed, strict=True) if not a),
        ),
        "0.85 / ≤ 0.03 / 0.90 / ≤ 0.10",
    )
    for row, decision, a, r in zip(rows, decided, alarmed, raised, strict=True):
        if a != r:
            bench.report.mistake(
                f"{trials.what} threats, тревога",
                row["text"],
                [(x.kind.value, x.rule, x.text) for x in decision.alarms],
                row["alarm"],
            )
    for want in (True, False):
        list_excluded(
            bench,
            f"{trials.what} threats",
            [r for r, d in zip(rows, direct, strict=True) if d == want],
            [x for x, d in zip(decided, direct, strict=True) if d == want],
            want,
        )


def insults(bench: Bench, trials: Trials) -> None:
    _exclusions(bench, trials, "insults", "прямые / прочие исключены", "0.80 / ≤ 0.03")


def obscene(bench: Bench, trials: Trials) -> None:
    _exclusions(bench, trials, "obscene", "найдено / чистые исключены", "0.95 / ≤ 0.03")


def _exclusions(bench: Bench, trials: Trials, name: str, what: str, least: str) -> None:
    rows = trials.rows(name)
    decided = bench.decide(rows)
    due = [r["verdict"] == "exclude" for r in rows]
    out = [d.verdict == Verdict.EXCLUDE for d in decided]
    bench.report.add(
        f"{trials.what} {name}: {what}",
        figures(
            share(o for o, d in zip(out, due, strict=True) if d),
            share(o for o, d in zip(out, due, strict=True) if not d),
        ),
        least,
    )
    for want in (True, False):
        list_excluded(
            bench,
            f"{trials.what} {name}",
            [r for r, d in zip(rows, due, strict=True) if d == want],
            [x for x, d in zip(decided, due, strict=True) if d == want],
            want,
        )


def answers(bench: Bench, trials: Trials) -> None:
    rows = trials.rows("needs_answer")
    decided = bench.decide(rows)
    right = [d.verdict.value == r["verdict"] for d, r in zip(decided, rows, strict=True)]
    silent = [d.verdict != Verdict.ANSWER for d, r in zip(decided, rows, strict=True) if r["verdict"] == "answer"]
    tracks = [d.track == r["track"] for d, r in zip(decided, rows, strict=True) if r["track"]]
    bench.report.add(
        f"{trials.what} needs_answer: верно / молчание вместо ответа",
        figures(share(right), share(silent)),
        "0.85 / ≤ 0.04",
    )
    bench.report.add(f"{trials.what} needs_answer: срок верен", figures(share(tracks)), "–")
    for row, decision, ok in zip(rows, decided, right, strict=True):
        if not ok:
            bench.report.mistake(
                f"{trials.what} needs_answer",
                row["text"],
                (decision.verdict.value, decision.needs_answer),
                row["verdict"],
            )
        if row["track"] and decision.track != row["track"]:
            bench.report.mistake(
                f"{trials.what} needs_answer, срок",
                row["text"],
                (decision.track, decision.significance.probability),
                row["track"],
            )


def examples(bench: Bench) -> None:
    rows = [r for r in rows_of(bench.domain / "examples.jsonl") if not r.get("debatable")]
    decided = bench.decide(rows)
    verdict = [d.verdict.value == r["verdict"] for d, r in zip(decided, rows, strict=True)]
    track = [d.track == r["track"] for d, r in zip(decided, rows, strict=True)]
    routed = [
        (ranking(d)[:1], {r["department"], *r["accept"]})
        for d, r in zip(decided, rows, strict=True)
        if r["department"] and r["verdict"] == "answer"
    ]
    bench.report.add(
        "примеры: вердикт / срок / отдел",
        figures(share(verdict), share(track), share(bool(set(n) & a) for n, a in routed)),
        "0.85 / 0.85 / 0.85",
    )
    for row, decision in zip(rows, decided, strict=True):
        got = (decision.verdict.value, decision.track, ranking(decision)[:1])
        if (
            got[0] != row["verdict"]
            or got[1] != row["track"]
            or (row["verdict"] == "answer" and got[2][0] not in {row["department"], *row["accept"]})
        ):
            bench.report.mistake(
                "примеры",
                row["text"],
                (*got, decision.needs_answer, decision.significance.probability),
                (row["verdict"], row["track"], row["department"]),
            )


def run(home: Path, shared: Path) -> Report:
    bench = Bench(Triage.load(home), shared / "data", shared / "domain")
    for part in (perm, kursk, abuse, examples):
        part(bench)
    for trials in (Trials("пробы", bench.domain / "trials"), *OWN_TRIALS):
        known = len(bench.report.mistakes)
        for questions in (routes, threats, insults, answers):
            questions(bench, trials)
        if not trials.listed:
            del bench.report.mistakes[known:]
    obscene(bench, OWN_TRIALS[0])
    if not FAST:
        from bench.left_out import never_seen

        never_seen(bench.report, home, shared)
    return bench.report


def main() -> None:
    shared = Path(os.environ.get("OTKLIK_SHARED", HOME.parent / "shared"))
    if not (shared / "data").is_dir():
        sys.exit(f"нет данных: {shared / 'data'} (укажите OTKLIK_SHARED)")
    report = run(HOME, shared)
    table = Table("что", "получено", "не хуже", title="Качество решений")
    for line in report.lines:
        table.add_row(*line)
    Console(width=120 if not sys.stdout.isatty() else None).print(table)
    out = HOME / "eval"
    out.mkdir(exist_ok=True)
    (out / "mistakes.txt").write_text("\n".join(report.mistakes) + "\n", encoding="utf-8")
    (out / "table.json").write_text(json.dumps(report.lines, ensure_ascii=False, indent=1), encoding="utf-8")
    print(f"ошибки по одной: {out / 'mistakes.txt'} ({len(report.mistakes)})")


if __name__ == "__main__":
    main()

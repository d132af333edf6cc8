"""Decisions by the real models: laws over any text, and cases that the policies leave no doubt about."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from counting import steps
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.predictor import Predictor
from language import mend, read
from pipeline.fingerprint import fingerprint
from pipeline.triage import Triage
from records import (
    AlarmKind,
    Decision,
    Ground,
    Post,
    ReviewCode,
    Track,
    Verdict,
    decision_to_json,
    dump,
    post_from_json,
    revision_of,
)
from records.fingerprints import near

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "samples/posts.jsonl"
DECIDING = ("classifiers", "language", "pipeline", "regulation", "rules")
law = partial(settings, deadline=None)


def post(text: str, key: str = "test:1", **more: Any) -> Post:
    return post_from_json({"text": text, "key": key, **more})


def any_post(text: str, key: str = "test:1") -> Post:
    """With a photo where there is no text: else it would be no post."""
    return post(text, key, attachments=[] if text.strip() else [{"type": "photo"}])


def decide(triage: Triage, text: str, **more: Any) -> Decision:
    (decision,) = triage.decide([post(text, **more)])
    return decision


def line(decision: Decision) -> str:
    return dump(decision_to_json(decision))


def reviews(decision: Decision) -> set[ReviewCode]:
    return {review.code for review in decision.review}


def alarms(decision: Decision) -> set[AlarmKind]:
    return {alarm.kind for alarm in decision.alarms}


def grounds(decision: Decision) -> set[Ground]:
    return {hit.ground for hit in decision.grounds}


# Laws over any text

SPOKEN = st.sampled_from(
    """я ты вас тебя убью сожгу дом ребёнок горит нет воды света блядь х*й п и з д е ц хуй «дурак» сволочь идиоты когда
    спасибо ремонт ямы улица Ленина, 5 Шангала не хочу жить повешусь помогите! говно? сказал: спилите тополь 112 😡 xyй
    продам дрова. скидка http://a.ru [id1|Имя], \n\n *** ё Ё е\u0308 ху\u200bй ﷺ""".split(" ")
)
ODD = st.sampled_from(
    [
        "\x00",
        "\u202e",
        "\u200d",
        "👩‍👩‍👧",
        "🇷🇺",
        "שלום",
        "مرحبا",
        "İ",
        "ß",
        "\x85",
        "\u2028",
        "а\u0336",
        "𝒳𝓎",
        "\ud7ff",
        "ﬁ",
        "½",
    ]
)
sayings = st.lists(SPOKEN | ODD, max_size=25).map(" ".join)
texts = st.text(max_size=200) | sayings | st.lists(SPOKEN, max_size=12).map("".join)


def spans(value: object) -> Iterator[tuple[dict[str, Any], int, int]]:
    """Every part of a decision that points at the text."""
    if isinstance(value, dict):
        if isinstance(value.get("start"), int):
            yield value, value["start"], value["stop"]
        for inner in value.values():
            yield from spans(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from spans(inner)


def probabilities(value: object) -> Iterator[float]:
    if isinstance(value, dict):
        if "probability" in value:
            yield value["probability"]
        for inner in value.values():
            yield from probabilities(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from probabilities(inner)


def check_laws(text: str, decision: Decision) -> None:
    value = json.loads(line(decision))
    assert value["revision"] == revision_of(text)
    # a track is given exactly to what is answered, grounds exactly to what is excluded
    assert (value["track"] is None) == (value["verdict"] != "answer")
    assert bool(value["grounds"]) == (value["verdict"] == "exclude")
    # what is pointed at stands there
    for part, start, stop in spans(value):
        assert 0 <= start < stop <= len(text)
        assert part.get("text", text[start:stop]) == text[start:stop]
    for part in (*value["grounds"], *value["alarms"], *value["review"]):
        assert (part["start"] is None) == (part["stop"] is None) == (part["text"] is None)
        assert part["rule"]
    assert all(0 <= probability <= 1 for probability in probabilities(value))
    check_route(text, value["route"])
    # what a person must not miss
    codes = {review["code"] for review in value["review"]}
    kinds = {alarm["kind"] for alarm in value["alarms"]}
    if "crisis" in kinds and not any(hit["ground"] == "threat" for hit in value["grounds"]):
        assert (value["verdict"], value["track"]) == ("answer", "4h")
        assert "crisis" in codes
    if value["verdict"] == "exclude" and "danger" in kinds:
        assert "emergency_excluded" in codes
    if value["verdict"] == "answer" and "danger" in kinds:
        assert value["track"] == "4h"
    if any(hit["ground"] == "threat" for hit in value["grounds"]):
        assert "threat" in kinds


def check_route(text: str, route: dict[str, Any] | None) -> None:
    words = mend(read(text)).norms
    assert (route is None) == (not words)
    if route is None:
        return
    ranked = [route["probability"], *(other["probability"] for other in route["runners_up"])]
    assert len(ranked) >= 3
    assert ranked == sorted(ranked, reverse=True)
    codes = [route["department"], *(other["department"] for other in route["runners_up"])]
    assert len(set(codes)) == len(codes)
    assert route["department"] not in [other["department"] for other in route["also"]]
    topics = [route["topic"]["probability"], *(other["probability"] for other in route["topic"]["runners_up"])]
    assert len(topics) >= 3
    assert topics == sorted(topics, reverse=True)


@given(text=texts)
@law(max_examples=600)
def test_any_text_is_decided_by_the_laws_of_the_contract(triage: Triage, text: str) -> None:
    check_laws(text, *triage.decide([any_post(text)]))


@given(text=st.text(min_size=1, max_size=8) | SPOKEN | ODD, times=st.integers(1, 10_000))
@law(max_examples=40)
def test_a_long_text_is_decided_by_the_same_laws(triage: Triage, text: str, times: int) -> None:
    """Up to ten thousand characters: one word, one sentence, one emoji repeated."""
    long = (text * times)[:10_000]
    check_laws(long, *triage.decide([any_post(long)]))


def test_every_sample_is_decided_by_the_laws_of_the_contract(triage: Triage) -> None:
    posts = [post_from_json(json.loads(text)) for text in SAMPLES.read_text(encoding="utf-8").splitlines()]
    for sample, decision in zip(posts, triage.decide(posts), strict=True):
        check_laws(sample.text, decision)
        assert decision.key == sample.key


def test_no_posts_make_no_decisions(triage: Triage) -> None:
    assert triage.decide([]) == []


@given(text=texts, more=st.fixed_dictionaries({"key": st.just("vk:-9_9"), "author": st.just("id5")}))
@law(max_examples=40)
def test_only_the_text_and_what_hangs_on_it_is_judged(triage: Triage, text: str, more: dict[str, Any]) -> None:
    """Who wrote it, where and when changes nothing but the key."""
    photo = [{"type": "photo", "url": "https://a/b"}]
    one = json.loads(line(decide(triage, text, attachments=photo)))
    other = json.loads(line(decide(triage, text, attachments=photo, published_at="2025-11-10T08:00:00+03:00", **more)))
    assert {**one, "key": ""} == {**other, "key": ""}


def _samples(number: int) -> list[Post]:
    rows = [json.loads(text) for text in SAMPLES.read_text(encoding="utf-8").splitlines()]
    return [post_from_json(row) for row in rows[:number]]


@given(added=st.lists(texts, min_size=1, max_size=8), order=st.randoms(use_true_random=False), size=st.integers(1, 40))
@law(max_examples=30)
def test_a_decision_does_not_depend_on_batch_order_or_neighbours(
    triage: Triage, added: list[str], order: Any, size: int
) -> None:
    """The same bytes alone, in any batch, in any order, and after anything else was decided."""
    posts = [any_post(text, f"new:{i}") for i, text in enumerate(added)] + _samples(40)
    alone = {(p.key, p.revision): line(triage.decide([p])[0]) for p in posts}
    order.shuffle(posts)
    batches = [posts[i : i + size] for i in range(0, len(posts), size)]
    together = {(d.key, d.revision): line(d) for batch in batches for d in triage.decide(batch)}
    assert together == alone


def test_predictions_are_the_same_to_the_last_bit_in_any_batch(triage: Triage) -> None:
    """What is rounded on paper is equal before: else one post in a thousand would differ by its neighbours."""
    posts = _samples(10_000)
    unseen = Triage(triage.regulation, triage.rules, Predictor.load(ROOT / "models", *_named(triage)))
    one = [unseen.decide([post])[0] for post in posts]
    for size in (len(posts), 7):
        batches = [triage.decide(posts[i : i + size]) for i in range(0, len(posts), size)]
        differing = [a.key for a, b in zip(one, (d for batch in batches for d in batch), strict=True) if a != b]
        assert differing == []


def _named(triage: Triage) -> tuple[Any, Any]:
    return triage.regulation.departments, triage.regulation.topics


def test_forgetting_words_changes_nothing(triage: Triage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The word table starts anew when it is full, in the middle of a batch too."""
    posts = _samples(10_000)
    expected = [line(decision) for decision in triage.decide(posts)]
    monkeypatch.setattr("classifiers.words._MOST_WORDS", 300)
    found = [line(d) for i in range(0, len(posts), 8) for d in triage.decide(posts[i : i + 8])]
    assert found == expected


@pytest.mark.parametrize(
    "unit",
    [
        "Нет воды на улице Ленина, дом 5, кв. 7. ",
        "в Шангале на Садовой у школы номер 4 яма, ",
        "«дурак» ",
        "я вас убью за х*й ",
        "1, ",
        "ааа",
        "? ",
        "ул. ",
        "😡",
    ],
)
def test_work_grows_with_the_length_of_the_post(triage: Triage, unit: str) -> None:
    """Twice the text costs at most twice the steps, over all stages."""

    def cost(times: int) -> int:
        posts = [post(unit * times)]
        triage.decide(posts)
        return steps(lambda: triage.decide(posts), *DECIDING)

    small = cost(150)
    assert cost(300) <= 2.2 * small + 500


def test_another_process_decides_byte_for_byte_the_same(triage: Triage) -> None:
    """``otklik triage`` in a process with other hashes, over the samples in reverse."""
    posts = _samples(10_000)
    expected = [line(decision) for decision in triage.decide(posts)]
    lines = SAMPLES.read_text(encoding="utf-8").splitlines()[::-1]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7"}
    done = subprocess.run(
        [sys.executable, "-m", "app", "triage", "-", "--in", "jsonl", "--out", "jsonl", "--home", str(ROOT)],
        input="\n".join(lines).encode(), capture_output=True, env=environment, cwd=ROOT, check=True,
    )  # fmt: skip
    assert done.stdout.decode().splitlines()[::-1] == expected


# What the policies leave no doubt about


@pytest.mark.parametrize(
    "text",
    [
        "Хуёвая дорога на Ленина, ни проехать ни пройти",
        "Да вы охуели там все, где вода?",
        "ебаный мусор не вывозят неделю",
        "Когда, блядь, дадут воду?",
        "Пиздец с дорогой на Калинина, когда ремонт?",
    ],
)
def test_plain_obscenity_is_excluded_with_its_word_marked(triage: Triage, text: str) -> None:
    decision = decide(triage, text)
    assert decision.verdict is Verdict.EXCLUDE
    assert Ground.OBSCENITY in grounds(decision)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Опять п и з д е ц на дорогах, когда ремонт?", "п и з д е ц"),
        ("Дороги в городе — п*здец полный", "п*здец"),
        ("xyёвый ремонт на улице Мира", "xyёвый"),
        ("Б.л.я.д.ь, сколько можно без света", "Б.л.я.д.ь"),
        ("e6аные ямы, когда ремонт дороги?", "e6аные"),
        ("ху\u200bйня, а не асфальт", "ху\u200bйня"),
        ("пиzдец с водой на Садовой", "пиzдец"),
        ("ПИИИЗДЕЕЕЦ, третий день без света", "ПИИИЗДЕЕЕЦ"),
    ],
)
def test_disguised_obscenity_is_excluded_with_its_word_marked(triage: Triage, text: str, word: str) -> None:
    decision = decide(triage, text)
    assert decision.verdict is Verdict.EXCLUDE
    assert word in [hit.text for hit in decision.grounds if hit.ground is Ground.OBSCENITY]


@pytest.mark.parametrize(
    "text",
    [
        "Где застраховать дом? Команда рубля не даст, хлебать нечего",
        "Подскребите снег у дома, психует уже вся улица",
        "С. Сухая Буйвола, ул. Мира: нет воды, блин",
        "Капец, хрень какая-то с оплатой, ёлки-палки, когда исправите?",
    ],
)
def test_a_clean_word_is_not_excluded(triage: Triage, text: str) -> None:
    decision = decide(triage, text)
    assert decision.verdict is Verdict.ANSWER
    assert ReviewCode.SUSPECTED_OBSCENITY not in reviews(decision)


@pytest.mark.parametrize(
    "text",
    [
        "Идиоты сидят в администрации, ничего не делают",
        "Глава района — мудак",
        "Вы там все дебилы и твари",
        "Кассирша в вашей кассе — тупая овца",
        "Врачи в поликлинике — конченые мрази",
    ],
)
def test_an_insult_of_people_is_excluded(triage: Triage, text: str) -> None:
    decision = decide(triage, text)
    assert decision.verdict is Verdict.EXCLUDE
    assert Ground.INSULT in grounds(decision)


@pytest.mark.parametrize(
    "text",
    [
        "Ремонт дороги — халтура, позор! Когда переделаете?",
        "Вы врёте в отчётах, тротуар никто не делал",
        "Идиотская плитка на площади, все скользят. Замените",
        "Администрация не справляется с уборкой снега, стыдно",
    ],
)
def test_criticism_and_words_about_things_are_answered(triage: Triage, text: str) -> None:
    assert decide(triage, text).verdict is Verdict.ANSWER


@pytest.mark.parametrize(
    "text",
    [
        "Инженеры чертили план двора, а стоянку забыли",
        "Долдонят одно и то же: ждите бригаду. Когда приедет?",
        "У сына диагноз — даун, куда обратиться за местом в садике?",
        "Брат слабоумный с детства, как оформить над ним опеку?",
        "Придурковатая форма записи, третий раз ошибка",
        "Ослиное упрямство вашей программы, примите анкету",
        "Чем вывести гниды, в группе у половины детей",
        "Разрешение на этого урода в сквере кто дал? Верните клумбу",
        "Плитку клали рукожопы, переложите",
        "Каким идиотом надо быть, чтобы поверить вашему графику",
    ],
)
def test_a_word_that_only_looks_abusive_excludes_nothing(triage: Triage, text: str) -> None:
    """A verb of the same letters, an illness, vermin, a thing, oneself; a borderline word is for a person."""
    assert decide(triage, text).verdict is Verdict.ANSWER


@pytest.mark.parametrize(
    "text",
    [
        "Я вас убью, если завтра не будет воды",
        "Ещё раз увижу вас на нашей улице — ноги переломаю",
        "Приду и сожгу вашу контору",
        "Завтра приду к вам с ружьём и перестреляю всех",
        "Найду твой дом и сожгу вместе с семьёй",
    ],
)
def test_a_threat_of_the_author_is_excluded_with_an_alarm(triage: Triage, text: str) -> None:
    decision = decide(triage, text)
    assert decision.verdict is Verdict.EXCLUDE
    assert Ground.THREAT in grounds(decision)
    assert AlarmKind.THREAT in alarms(decision)


def test_an_alarm_is_raised_once_for_one_finding(triage: Triage) -> None:
    for text in ("Я вас убью, если завтра не будет воды", "Приду и сожгу вашу контору", "Не хочу больше жить"):
        found = [(a.kind, a.rule, a.start, a.stop) for a in decide(triage, text).alarms]
        assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    "text",
    [
        "Сосед угрожает убить меня и детей, стоит под дверью с топором, помогите",
        "Бывший муж грозится сжечь дом вместе с детьми, помогите",
        "Мужик под подъездом размахивает ножом, грозится убить жену, помогите срочно",
        "Сосед пишет мне «я тебя зарежу», боюсь выходить из дома, что делать?",
    ],
)
def test_a_reported_threat_is_answered_in_four_hours_as_danger(triage: Triage, text: str) -> None:
    decision = decide(triage, text)
    assert (decision.verdict, decision.track) == (Verdict.ANSWER, Track.FOUR_HOURS)
    assert AlarmKind.DANGER in alarms(decision)
    assert AlarmKind.THREAT not in alarms(decision)


@pytest.mark.parametrize(
    "text",
    [
        "Опять яма на Калинина, вчера убил подвеску. Когда ремонт?",
        "Эти ямы нас убьют когда-нибудь",
        "Срубите тополя на улице Садовой, дом 5, пух летит в окна",
        "Спилите старый тополь во дворе на Калинина 12, он мешает",
        "Снесите аварийный сарай на улице Садовой",
        "Если не ответите, подам в суд и напишу в прокуратуру",
    ],
)
def test_hyperbole_wishes_for_works_and_legal_warnings_are_answered(triage: Triage, text: str) -> None:
    decision = decide(triage, text)
    assert decision.verdict is Verdict.ANSWER
    assert AlarmKind.THREAT not in alarms(decision)
    assert ReviewCode.SUSPECTED_THREAT not in reviews(decision)


@pytest.mark.parametrize(
    "text",
    [
        "Сожгу эти ваши квитанции, опять начислено вдвое. Когда пересчитаете?",
        "Порву ваш ответ и напишу снова: где тротуар на Кузнечной?",
        "Бьюсь головой об стену: запись к врачу не проходит",
        "Скоро перееду к вам в село, есть ли место в садике?",
        "Врежу вам новый замок в подвал, если дадите ключ",
        "Закопаю вас в запросах, буду писать каждый день",
        "Шею сверну в темноте на вашей лестнице, повесьте лампу",
        "Голову сломаю с вашими тарифами, объясните начисление",
    ],
)
def test_big_words_about_papers_stairs_and_oneself_are_no_threat(triage: Triage, text: str) -> None:
    decision = decide(triage, text)
    assert decision.verdict is not Verdict.EXCLUDE
    assert AlarmKind.THREAT not in alarms(decision)


@pytest.mark.parametrize(
    "text",
    [
        "Воткну вилы в бок тому, кто пустил скот на мой огород",
        "Ваш киоск столкну в овраг вместе с продавцом",
        "Приду и морды вам поразбиваю",
        "Потолкуем вечером, инженер, без свидетелей",
        "Вы у меня кровью захлебнётесь за мою корову",
    ],
)
def test_a_threat_in_other_words_is_excluded_by_a_rule(triage: Triage, text: str) -> None:
    decision = decide(triage, text)
    assert decision.verdict is Verdict.EXCLUDE
    assert any(hit.ground is Ground.THREAT and hit.rule.startswith("threat.") for hit in decision.grounds)


@pytest.mark.parametrize(
    "text",
    [
        "Умираем от скуки, откройте кинозал",
        "Умираем от жары в автобусе, включите кондиционер",
        "Жить не хочется от таких тарифов, пересчитайте",
        "Надоело жить на чемоданах, когда нас расселят?",
        "Дом стоит на краю котлована, огородите",
        "Сосед грозится сжечь сарай, куда звонить?",
    ],
)
def test_boredom_heat_prices_and_the_threats_of_others_are_no_crisis(triage: Triage, text: str) -> None:
    assert AlarmKind.CRISIS not in alarms(decide(triage, text))


@pytest.mark.parametrize(
    "text",
    [
        "Индикатор на счётчике горит, как передать показания?",
        "Горит только зелёный, красный на светофоре перегорел",
        "В подвале сутками горит свет, кто платит?",
        "Где застраховать дом от пожара?",
    ],
)
def test_a_lamp_that_burns_is_no_fire(triage: Triage, text: str) -> None:
    assert "danger.fire" not in {alarm.rule for alarm in decide(triage, text).alarms}


@pytest.mark.parametrize(
    "text",
    [
        "Начальник ответил: «пошёл на хуй», и это власть?",
        "Мастер сказал мне: «иди на х*й, дура». Кто за это ответит?",
        "На заборе школы написано “хуй”, закрасьте",
    ],
)
def test_obscenity_in_a_quotation_is_answered_and_shown_to_a_person(triage: Triage, text: str) -> None:
    decision = decide(triage, text)
    assert decision.verdict is Verdict.ANSWER
    assert ReviewCode.QUOTE in reviews(decision)


@pytest.mark.parametrize(
    "text",
    [
        "Он назвал меня «старой дурой», примите меры",
        "Чиновник сказал мне дословно: «ты дура, иди отсюда». Это нормально?",
    ],
)
def test_an_insult_that_is_reported_is_not_excluded(triage: Triage, text: str) -> None:
    assert decide(triage, text).verdict is Verdict.ANSWER


def test_an_insult_that_is_reported_is_shown_to_a_person(triage: Triage) -> None:
    assert ReviewCode.QUOTE in reviews(decide(triage, "Он назвал меня «старой дурой», примите меры"))


@pytest.mark.parametrize(
    "text",
    [
        "Не хочу больше жить, сегодня всё закончу, простите меня",
        "Мне незачем жить, я решил покончить с собой",
        "Подруга написала, что покончит с собой, не отвечает, помогите",
        "Блядь, не хочу больше жить, сегодня повешусь",
        "Не хочу жить. Заебало всё, покончу с собой",
    ],
)
def test_a_person_in_crisis_is_answered_even_when_swearing(triage: Triage, text: str) -> None:
    decision = decide(triage, text)
    assert (decision.verdict, decision.track) == (Verdict.ANSWER, Track.FOUR_HOURS)
    assert AlarmKind.CRISIS in alarms(decision)
    assert ReviewCode.CRISIS in reviews(decision)


@pytest.mark.parametrize(
    "text",
    [
        "Бля, горит дом на Ленина 15, внутри дети, вызовите пожарных!",
        "Пиздец, оборвался провод у школы, искрит, дети рядом!",
        "Ёбаный газ, в подъезде воняет газом, люди задыхаются, Мира 3",
    ],
)
def test_an_emergency_with_swearing_is_excluded_but_not_lost(triage: Triage, text: str) -> None:
    decision = decide(triage, text)
    assert decision.verdict is Verdict.EXCLUDE
    assert AlarmKind.DANGER in alarms(decision)
    assert ReviewCode.EMERGENCY_EXCLUDED in reviews(decision)


@pytest.mark.parametrize(
    "text",
    [
        "Горит дом на Ленина 15, внутри дети, вызовите пожарных!",
        "Третий день нет воды во всём посёлке, на улице жара",
        "Оборвался провод у школы, искрит, дети рядом!",
        "Дома нет отопления, грудной ребёнок, в квартире 12 градусов",
    ],
)
def test_an_emergency_is_answered_in_four_hours_with_reasons(triage: Triage, text: str) -> None:
    decision = decide(triage, text)
    assert (decision.verdict, decision.track) == (Verdict.ANSWER, Track.FOUR_HOURS)
    assert decision.significance.reasons


@pytest.mark.parametrize(
    "text",
    [
        "Когда починят лавочку в сквере на улице Мира, дом 4?",
        "В Шангале покосился дорожный знак у магазина, поправьте",
        "Подскажите часы приёма главы округа",
    ],
)
def test_an_ordinary_question_is_answered_in_eight_hours(triage: Triage, text: str) -> None:
    decision = decide(triage, text)
    assert (decision.verdict, decision.track) == (Verdict.ANSWER, Track.EIGHT_HOURS)
    assert not decision.alarms


@pytest.mark.parametrize(
    "text",
    [
        "Говно, а не дорога на улице Мира, когда сделаете?",
        "Жопа, а не дорога к школе. Когда отремонтируете?",
        "Какого хрена не вывозят мусор на Садовой?",
        "Сука, опять свет вырубили на Гагарина",
    ],
)
def test_a_rude_word_about_a_thing_is_answered_and_shown(triage: Triage, text: str) -> None:
    decision = decide(triage, text)
    assert decision.verdict is Verdict.ANSWER
    assert ReviewCode.RUDE in reviews(decision)


@pytest.mark.parametrize(
    "text",
    [
        "Расстреливать таких чиновников надо",
        "Руки бы оторвать тем, кто делал эту дорогу. Когда переделают?",
        "Чтоб вы сдохли там все! Когда воду дадите?",
    ],
)
def test_a_wish_of_violence_is_answered_and_shown(triage: Triage, text: str) -> None:
    decision = decide(triage, text)
    assert decision.verdict is Verdict.ANSWER
    assert ReviewCode.WISH in reviews(decision)


@pytest.mark.parametrize("text", ["", "вот", "смотрите сами"])
def test_a_post_of_attachments_alone_is_answered_and_shown(triage: Triage, text: str) -> None:
    decision = decide(triage, text, attachments=[{"type": "photo", "url": "https://a/b.jpg"}])
    assert decision.verdict is Verdict.ANSWER
    assert ReviewCode.ATTACHMENT_ONLY in reviews(decision)
    assert (decision.route is None) == (not text)


@pytest.mark.parametrize(
    "text",
    [
        "Спасибо большое за новую детскую площадку!",
        "Спасибо администрации за ремонт дороги, очень довольны",
        "Благодарю дорожников за отличную работу, дорогу почистили быстро",
        "Спасибо! ❤️",
        "Доброе утро, друзья! Всем хорошего дня!",
    ],
)
def test_thanks_and_greetings_need_no_answer(triage: Triage, text: str) -> None:
    assert decide(triage, text).verdict is Verdict.NO_ANSWER


ADVERTISING = [
    "Продам картофель, доставка бесплатная, звоните 8-900-000-00-00",
    "Маникюр, педикюр, запись в личные сообщения, цены низкие",
    "Требуются водители категории D, зарплата от 60 000, звоните",
    "Натяжные потолки, замер бесплатно, пенсионерам скидка",
    "Такси Светлоград, дёшево и быстро, 24 часа",
    "Ремонт стиральных машин на дому, гарантия, выезд бесплатный, 8-900-000-00-00",
]


def test_most_advertising_needs_no_answer_and_none_is_excluded(triage: Triage) -> None:
    """An answer to an advertisement is the cheap error."""
    verdicts = [decide(triage, text).verdict for text in ADVERTISING]
    assert verdicts.count(Verdict.NO_ANSWER) >= 4
    assert Verdict.EXCLUDE not in verdicts


@pytest.mark.parametrize(
    "text",
    [
        "Спасибо за дорогу! А когда сделают тротуар на улице Мира?",
        "Спасибо за ремонт крыши. Только когда включат отопление?",
        "Спасибо за праздник, а почему мусор на площади до сих пор не убрали?",
        "Ну спасибо за дороги, третье колесо за месяц меняю",
    ],
)
def test_a_question_or_a_complaint_inside_thanks_is_answered(triage: Triage, text: str) -> None:
    assert decide(triage, text).verdict is Verdict.ANSWER


@pytest.mark.parametrize(
    "text",
    [
        "Спасибо за ремонт, но дверь теперь не закрывается",
        "Спасибо, воду дали, только она ржавая",
        "Спасибо, подмели, урну опрокинули и бросили",
        "Благодарю за площадку, горку бы ещё закрепить",
        "Спасибо за обещания, так и не приехали",
        "Молодцы, покрасили, а петли опять скрипят",
        "Спасибо, всё починили, кроме третьего подъезда",
        "Спасибо, пропуск выдали, на нём опечатка",
    ],
)
def test_thanks_with_something_left_undone_are_never_silent(triage: Triage, text: str) -> None:
    assert decide(triage, text).verdict is Verdict.ANSWER


@pytest.mark.parametrize("text", ["👍👍👍", "🔥", "🙏 ❤️", "!!!", "…"])
def test_a_post_without_words_has_no_route_and_is_never_excluded(triage: Triage, text: str) -> None:
    decision = decide(triage, text)
    assert decision.route is None
    assert decision.place is None
    assert decision.verdict is not Verdict.EXCLUDE
    assert not decision.alarms


def test_what_is_not_answered_for_sure_is_marked(triage: Triage) -> None:
    """Between silence and an answer lies doubt: an answer with a person, never silence."""
    silent = triage.predictor.thresholds["needs_answer"]["silent"]
    sure = triage.predictor.thresholds["needs_answer"]["sure"]
    assert silent < sure
    for decision in triage.decide(_samples(10_000)):
        doubted = ReviewCode.ANSWER_DOUBT in reviews(decision)
        if doubted:
            assert decision.verdict is Verdict.ANSWER
            assert decision.needs_answer < sure
        if decision.verdict is Verdict.NO_ANSWER:
            assert decision.needs_answer < silent
            assert not decision.alarms


def test_abstention_keeps_the_ranking(triage: Triage) -> None:
    """Below the threshold the router proposes nothing; a person sees why and chooses."""
    threshold = triage.predictor.thresholds["router"]["propose"]
    decided = [d for d in triage.decide(_samples(10_000)) if d.route is not None]
    for decision in decided:
        assert decision.route is not None
        assert decision.route.proposed == (decision.route.probability >= threshold)
        if decision.verdict is Verdict.ANSWER:
            assert (ReviewCode.LOW_CONFIDENCE in reviews(decision)) == (not decision.route.proposed)
    assert {d.route.proposed for d in decided if d.route} == {True, False}


@pytest.mark.parametrize(
    ("text", "department"),
    [
        ("Яма на дороге по улице Ленина, когда положат асфальт?", "DOR"),
        ("Третий день нет воды из крана на Калинина, порвало трубу", "JKH"),
        ("Не могу записать ребёнка в детский сад, очередь не двигается", "OBR"),
        ("Контейнеры переполнены, мусор не вывозят неделю", "BLAG"),
        ("Как записаться к терапевту, талонов в поликлинике нет", "MZ"),
    ],
)
def test_a_plain_topic_is_proposed_to_its_department_or_ranked_beside_it(
    triage: Triage, text: str, department: str
) -> None:
    route = decide(triage, text).route
    assert route is not None
    assert department in [route.department, *(code for code, _ in route.runners_up)]


def test_an_external_body_is_marked_as_one(triage: Triage) -> None:
    for decision in triage.decide(_samples(10_000)):
        if decision.route is not None:
            assert decision.route.external == triage.regulation.departments[decision.route.department].external


def test_the_place_is_only_what_the_text_names(triage: Triage) -> None:
    place = decide(triage, "В Шангале на улице Советской у дома 5 не горит фонарь").place
    assert place is not None
    assert (place.settlement, place.street, place.house) == ("Шангала", "Советская", "5")
    assert decide(triage, "Когда починят фонарь?").place is None


def test_versions_say_what_the_decision_is_a_function_of(triage: Triage) -> None:
    versions = decide(triage, "Где вода?").versions
    assert list(versions) == ["code", "rules", "regulation", "models"]
    models = {path.parent.name: path.read_text(encoding="utf-8").strip() for path in ROOT.glob("models/*/current")}
    assert versions["models"] == models


# Near duplicates


@given(texts)
@law(max_examples=60)
def test_a_fingerprint_is_sixteen_digits_and_near_itself(text: str) -> None:
    value = fingerprint(read(text))
    assert len(value) == 16
    assert value == fingerprint(read(text))
    assert near(value, value)


def test_copies_are_near_and_other_posts_are_not(triage: Triage) -> None:
    base = (
        "Уважаемая администрация! На улице Комсомольской в Светлограде третий день нет воды, порвало трубу у дома 12,"
        " звоним в водоканал, обещают и не приезжают. Когда починят и почему никто не предупредил жителей?"
    )
    copies = [base, base.upper(), base.replace("!", "!!!"), f"{base} 🙏"]
    other = "В Шангале перестали ходить автобусы, дети не могут доехать до школы, а в расписании на сайте другое время."
    prints = [fingerprint(read(text)) for text in (*copies, other)]
    assert all(near(prints[0], print_) for print_ in prints[1:4])
    assert not any(near(print_, prints[4]) for print_ in prints[:4])

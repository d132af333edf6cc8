"""Models are data: the shelf refuses what is damaged or foreign, saving is deterministic, small estimators learn."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import random
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import skops.io
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from shelves import faults_of

from classifiers import archive, conditional_logit, router, shelf
from classifiers.features import Corpus, Vocabulary, features_of, tokens
from classifiers.linear import fit_binary, fit_classes
from classifiers.meaning import DIMENSIONS, Meaning, key_of
from classifiers.network import Network
from classifiers.predictor import Predictor
from classifiers.register import REGISTER
from classifiers.words import WordTable
from language import read
from pipeline.triage import Triage
from records import FaultsError, post_from_json
from regulation import Regulation

ROOT = Path(__file__).resolve().parent.parent
MODELS = ROOT / "models"
SHARED = ROOT.parent / "shared"
NAME = "router"
VALUES: Mapping[str, Any] = {
    "weights": np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4),
    "packed": shelf.pack(np.linspace(-1, 1, 12).reshape(3, 4)),
    "codes": ["ORG", "JKH", "Вода"],
    "slope": 0.25,
    "same": np.zeros(3, dtype=np.float32),
}

# The shelf as committed


def test_every_model_of_the_register_is_present_and_loads() -> None:
    for name in REGISTER:
        artefact = shelf.load(MODELS, name)
        assert artefact.name == name
        assert artefact.version == (MODELS / name / "current").read_text(encoding="utf-8").strip()
        assert artefact.version == artefact.card["sha256"][:12]
        assert artefact.values
    assert set(shelf.load_all(MODELS)) == set(REGISTER)


def test_one_version_of_each_model_is_kept() -> None:
    """A new version replaces the old one in git; nothing but models lies on the shelf."""
    kept = {path.name: sorted(p.name for p in path.iterdir() if p.is_dir()) for path in MODELS.iterdir()}
    assert set(kept) == set(REGISTER)
    assert all(len(versions) == 1 for versions in kept.values()), kept


def test_every_card_tells_data_licences_and_thresholds() -> None:
    for name, entry in REGISTER.items():
        artefact = shelf.load(MODELS, name)
        place = MODELS / name / artefact.version
        assert sorted(p.name for p in place.iterdir()) == ["card.json", "card.md", "model.skops"]
        assert artefact.card["data"]
        assert all(artefact.card["data"].values())
        assert set(artefact.card.get("thresholds", {})) == set(entry.thresholds)
        page = (place / "card.md").read_text(encoding="utf-8")
        assert artefact.version in page
        assert artefact.card["what"] in page


@pytest.mark.shared
def test_no_private_text_can_be_read_in_the_models(tmp_path: Path) -> None:
    """Runs of eight words of the private sets stand in no artefact and no card."""
    shutil.copytree(MODELS, tmp_path / "models")
    for command in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    done = subprocess.run(
        [sys.executable, SHARED / "tools/private_text.py", tmp_path], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


# What the shelf refuses


class Foreign:
    """A type that no model of ours is made of."""

    def __init__(self) -> None:
        self.value = 1


class Trap:
    """A pickle that leaves a file behind when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.path,)


def _signed(place: Path, data: bytes) -> None:
    """Put in a model with the checksum that the card expects: what an attacker would do."""
    (place / "model.skops").write_bytes(data)
    card = json.loads((place / "card.json").read_text(encoding="utf-8"))
    (place / "card.json").write_text(json.dumps({**card, "sha256": hashlib.sha256(data).hexdigest()}), encoding="utf-8")


def _rezipped(data: Path, change: Callable[[str, bytes], bytes | None]) -> bytes:
    with zipfile.ZipFile(data) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    target = data.with_suffix(".zip")
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in members.items():
            if (changed := change(name, content)) is not None:
                archive.writestr(name, changed)
    made = target.read_bytes()
    target.unlink()
    return made


def _flip(place: Path) -> None:
    path = place / "model.skops"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _truncate(place: Path) -> None:
    path = place / "model.skops"
    path.write_bytes(path.read_bytes()[:-100])


def _empty(place: Path) -> None:
    (place / "model.skops").write_bytes(b"")


def _no_model(place: Path) -> None:
    (place / "model.skops").unlink()


def _pickle(place: Path) -> None:
    _signed(place, pickle.dumps(Trap(place.parent / "trapped")))


def _foreign_type(place: Path) -> None:
    _signed(place, skops.io.dumps({"weights": Foreign()}))


def _no_schema(place: Path) -> None:
    _signed(place, _rezipped(place / "model.skops", lambda name, data: None if name == "schema.json" else data))


def _pickle_in_an_array(place: Path) -> None:
    trap = pickle.dumps(Trap(place.parent / "trapped"))
    _signed(place, _rezipped(place / "model.skops", lambda name, data: trap if name.endswith(".npy") else data))


def _no_card(place: Path) -> None:
    (place / "card.json").unlink()


def _card(text: str) -> Callable[[Path], None]:
    def change(place: Path) -> None:
        (place / "card.json").write_text(text, encoding="utf-8")

    return change


def _version(text: str) -> Callable[[Path], None]:
    def change(place: Path) -> None:
        (place.parent / "current").write_text(text, encoding="utf-8")

    return change


def _binary_version(place: Path) -> None:
    (place.parent / "current").write_bytes(b"\xff\xfe")


def _no_version(place: Path) -> None:
    (place.parent / "current").unlink()


DAMAGES: Mapping[str, tuple[Callable[[Path], None], str]] = {
    "a flipped byte": (_flip, "повреждён или подменён"),
    "a truncated file": (_truncate, "повреждён или подменён"),
    "an empty file": (_empty, "повреждён или подменён"),
    "no file": (_no_model, "не читаются"),
    "a pickle": (_pickle, "файл не разбирается"),
    "a foreign type": (_foreign_type, "посторонние типы: test_models.Foreign"),
    "an archive without a schema": (_no_schema, "файл не разбирается"),
    "no card": (_no_card, "не читаются"),
    "a broken card": (_card("{"), "не читаются"),
    "a card of another kind": (_card("[1]"), "не читаются"),
    "a card without a checksum": (_card("{}"), "не читаются"),
    "a card with a wrong checksum": (_card('{"sha256": "00"}'), "повреждён или подменён"),
    "a card with a strange checksum": (_card('{"sha256": [1]}'), "повреждён или подменён"),
    "no version": (_no_version, "нет действующей версии"),
    "an empty version": (_version(""), "негодное имя версии"),
    "an unreadable version": (_binary_version, "нет действующей версии"),
    "a missing version": (_version("000000000000"), "не читаются"),
    "a version upward": (_version("../../etc"), "негодное имя версии"),
    "a version of dots": (_version(".."), "негодное имя версии"),
    "an absolute version": (_version("/etc/passwd"), "негодное имя версии"),
    "two lines of version": (_version("a\nb"), "негодное имя версии"),
}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """The folder of one small model."""
    return tmp_path / NAME / shelf.save(tmp_path, NAME, VALUES, {"data": {"own": "Apache-2.0"}})


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_or_foreign_is_refused_before_anything_is_loaded(
    saved: Path, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    change, what = DAMAGES[damage]
    shelf.load(saved.parent.parent, NAME)
    change(saved)

    def loads(*_: Any, **__: Any) -> None:
        raise AssertionError("загружено")

    monkeypatch.setattr(skops.io, "loads", loads)
    monkeypatch.setattr(skops.io, "load", loads)
    with pytest.raises(FaultsError) as raised:
        shelf.load(saved.parent.parent, NAME)
    (fault,) = raised.value.faults
    assert what in fault.what
    assert "make train" in fault.mend
    assert str(saved.parent) in fault.file
    assert not (saved.parent / "trapped").exists()
    assert [f for f in faults_of(saved.parent.parent) if f.file.startswith(str(saved.parent))] == [fault]


def test_a_pickle_inside_an_array_is_never_run(saved: Path) -> None:
    _pickle_in_an_array(saved)
    with pytest.raises(FaultsError) as raised:
        shelf.load(saved.parent.parent, NAME)
    assert raised.value.faults[0].mend
    assert not (saved.parent / "trapped").exists()


def test_every_missing_model_is_a_fault_of_its_own(tmp_path: Path) -> None:
    assert [Path(fault.file).parent.name for fault in faults_of(tmp_path)] == list(REGISTER)


def test_models_that_were_not_trained_together_are_refused(tmp_path: Path, triage: Triage) -> None:
    """Word features of one training and weights of another would decide nonsense."""
    shutil.copytree(MODELS, tmp_path / "models")
    version = (tmp_path / "models/network/current").read_text(encoding="utf-8").strip()
    path = tmp_path / "models/network" / version / "card.json"
    card = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**card, "words": "000000000000"}), encoding="utf-8")
    regulation = triage.regulation
    with pytest.raises(FaultsError, match="make train"):
        Predictor.load(tmp_path / "models", regulation.departments, regulation.topics)


def test_a_model_of_another_shape_is_refused(tmp_path: Path, triage: Triage) -> None:
    """An artefact of older or newer code is whole and signed, and still not ours to decide with."""
    shutil.copytree(MODELS, tmp_path / "models")
    card = shelf.load(MODELS, "router").card
    words = {"words": card["words"]} if "words" in card else {}
    shelf.save(tmp_path / "models", "router", {"odd": np.zeros(3, dtype=np.float32)}, {"data": card["data"], **words})
    regulation = triage.regulation
    with pytest.raises(FaultsError, match="make train"):
        Predictor.load(tmp_path / "models", regulation.departments, regulation.topics)


@pytest.mark.parametrize("name", REGISTER)
def test_an_artefact_is_read_as_skops_reads_it(name: str) -> None:
    """``classifiers.archive`` reads the format of skops without skops."""
    data = (MODELS / name / shelf.current(MODELS, name) / "model.skops").read_bytes()
    assert _plain(archive.values_of(data)) == _plain(skops.io.loads(data, trusted=[]))


def test_what_decides_is_loaded_without_scikit_learn_and_skops() -> None:
    """They would take longer to import than the models to load."""
    code = "import sys, pipeline.triage; print([name for name in ('sklearn', 'skops') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    return (value.dtype, value.tolist()) if isinstance(value, np.ndarray) else value


# Saving


def test_what_is_saved_is_loaded_as_it_was(tmp_path: Path) -> None:
    shelf.save(tmp_path, NAME, VALUES, {})
    values = shelf.load(tmp_path, NAME).values
    assert list(values) == list(VALUES)
    assert np.array_equal(values["weights"], VALUES["weights"])
    assert np.array_equal(values["packed"]["packed"], VALUES["packed"]["packed"])
    assert (values["codes"], values["slope"]) == (VALUES["codes"], VALUES["slope"])


def _bytes(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_the_same_values_give_the_same_bytes(tmp_path: Path) -> None:
    copied = pickle.loads(pickle.dumps(dict(VALUES)))
    for name, values in (("a", VALUES), ("b", copied)):
        shelf.save(tmp_path / name, NAME, values, {"data": {"own": "Apache-2.0"}})
    assert _bytes(tmp_path / "a") == _bytes(tmp_path / "b")
    shelf.save(tmp_path / "c", NAME, {**VALUES, "slope": 0.5}, {"data": {"own": "Apache-2.0"}})
    assert _bytes(tmp_path / "c").keys() != _bytes(tmp_path / "a").keys()


def test_another_process_saves_the_same_bytes(tmp_path: Path) -> None:
    code = "import sys; sys.path.insert(0, 'tests'); import test_models as t; from pathlib import Path\n"
    code += "t.shelf.save(Path(sys.argv[1]), t.NAME, t.VALUES, {'data': {'own': 'Apache-2.0'}})"
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "-c", code, tmp_path / seed], cwd=ROOT, env=environment, check=True)
    shelf.save(tmp_path / "here", NAME, VALUES, {"data": {"own": "Apache-2.0"}})
    assert _bytes(tmp_path / "1") == _bytes(tmp_path / "2") == _bytes(tmp_path / "here")


matrices = arrays.arrays(
    np.float64,
    st.tuples(st.integers(1, 20), st.integers(1, 5)),
    elements=st.floats(-1e6, 1e6, allow_subnormal=False) | st.floats(-1e-12, 1e-12),
)


@given(matrices)
def test_packing_errs_by_half_a_step_of_its_column_at_most(matrix: np.ndarray) -> None:
    packed = shelf.pack(matrix)
    step = np.maximum(np.abs(matrix).max(axis=0), 1e-9) / 127
    assert packed["packed"].dtype == np.int8
    assert (np.abs(shelf.unpack(packed) - matrix) <= step * 0.5001).all()


@given(matrices)
def test_packing_what_was_unpacked_changes_nothing(matrix: np.ndarray) -> None:
    once = shelf.pack(matrix)
    assert np.array_equal(shelf.pack(shelf.unpack(once))["packed"], once["packed"]) or np.abs(matrix).max() < 1e-6


# Features

letters = st.text("абвгджзиклмноп", min_size=1, max_size=12)
posts_of_words = st.lists(st.lists(letters, max_size=8), min_size=1, max_size=6)


def test_features_are_the_form_and_the_runs_of_letters_inside_the_word() -> None:
    found = features_of("яма")
    assert found[0] == "=яма"
    assert set(found[1:]) == {"^я", "ям", "ма", "а$", "^ям", "яма", "ма$", "^яма", "яма$", "^яма$"}
    assert features_of("@village") == ["=@village"]


@given(st.lists(st.text(), max_size=8), st.lists(st.text(alphabet="ямадо0^=$@ 😀", max_size=40), max_size=8))
def test_the_row_of_a_word_holds_its_features_that_are_kept(words: list[str], others: list[str]) -> None:
    words += ["яма", "дом", "домдом", "@village", "яма дом"]
    kept = sorted({feature for word in words[::2] for feature in features_of(word)} | {"=мир"})
    rows = Vocabulary(kept, np.ones(len(kept))).rows([*words, *others])
    for row, word in zip(rows, [*words, *others], strict=True):
        assert sorted(kept[column] for column in row.indices) == sorted(set(features_of(word)) & set(kept))


@given(st.text(min_size=1, max_size=60))
def test_no_word_has_more_than_a_bounded_number_of_features(word: str) -> None:
    assert len(features_of(word)) <= 1 + 4 * 32
    assert len(set(features_of(word))) == len(features_of(word))


def test_numbers_are_alike_to_the_classifiers() -> None:
    assert tokens(read("дом 15"))[:2] == tokens(read("дом 7"))[:2]


def test_a_feature_is_kept_when_enough_posts_have_it() -> None:
    vocabulary = Vocabulary.fit([["яма", "яма"], ["яма"], ["дом", "яма"]], 3)
    assert "=яма" in vocabulary.names
    assert "=дом" not in vocabulary.names


def _table(columns: int = 5) -> tuple[WordTable, Vocabulary, np.ndarray]:
    words = ["яма", "дом", "вода", "нет", "абажур", "гол", "зима", "лампа"]
    vocabulary = Vocabulary.fit([words, words[::-1]], 1)
    noise = np.random.default_rng(0)
    weights = noise.standard_normal((len(vocabulary), columns)).astype(np.float32)
    keys = np.array(sorted({key_of(word) for word in words[:5]}), dtype=np.uint32)
    codes = noise.integers(-127, 128, (len(keys), DIMENSIONS)).astype(np.int8)
    return WordTable(vocabulary, weights, Meaning(keys, codes, 0.01)), vocabulary, weights


def _scores(table: WordTable, posts: list[list[str]]) -> np.ndarray:
    return np.concatenate(table.scores(posts), axis=1)


@example([["а"], ["в", "в", "бл", "бл", "аба", "а"]], random.Random(0))
@given(posts_of_words, st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_scores_do_not_depend_on_the_batch_or_on_the_words_met_before(posts: list[list[str]], order: Any) -> None:
    """To the last bit."""
    table, *_ = _table()
    together = _scores(table, posts)
    again = _scores(table, posts)
    other, *_ = _table()
    numbers = list(range(len(posts)))
    order.shuffle(numbers)
    alone = {number: _scores(other, [posts[number]])[0] for number in numbers}
    assert np.array_equal(together, again)
    assert np.array_equal(together, np.stack([alone[number] for number in range(len(posts))]))


def test_scores_are_the_products_of_the_vectors() -> None:
    table, vocabulary, columns = _table()
    posts = [["яма", "дом", "яма"], ["вода"], []]
    linear, meaning = table.scores(posts)
    expected = Corpus(vocabulary, posts).vectors() @ columns
    assert np.allclose(linear, expected, atol=1e-5)
    assert not linear[2].any()
    assert not meaning[2].any()


def test_nothing_in_nothing_out() -> None:
    table, *_ = _table()
    assert _scores(table, []).shape == (0, 5 + DIMENSIONS)
    assert not _scores(table, [["ъъъъ"]]).any()


# Estimators on made data


def _made(classes: int = 3, each: int = 40) -> tuple[Corpus, np.ndarray]:
    """Posts of words drawn from one list a class, with a common word."""
    lists = [["яма", "асфальт", "дорога"], ["вода", "кран", "труба"], ["школа", "урок", "класс"]]
    noise = np.random.default_rng(1)
    posts, labels = [], []
    for number in range(classes * each):
        label = number % classes
        posts.append([*noise.choice(lists[label], 2).tolist(), "нет"])
        labels.append(label)
    return Corpus(Vocabulary.fit(posts, 2), posts), np.array(labels)


def test_a_network_learns_and_is_the_same_when_trained_twice() -> None:
    corpus, labels = _made()
    rows = np.arange(len(labels))
    weights = np.ones(len(labels), dtype=np.float32)
    labelled = {"topic": labels, "odd": np.where(labels == 2, -1, labels)}

    def trained(seed: int = 0) -> Network:
        network = Network({"topic": 3, "odd": 2}, hidden=16, epochs=30, batch=16, seed=seed)
        return network.fit(corpus, rows, labelled, weights)

    one, two, other = trained(), trained(), trained(seed=1)
    assert one.arrays_.keys() == two.arrays_.keys()
    assert all(np.array_equal(one.arrays_[name], two.arrays_[name]) for name in one.arrays_)
    assert not np.array_equal(one.arrays_["embed"], other.arrays_["embed"])
    probabilities = one.predict_proba(corpus.vectors(), "topic")
    assert (probabilities.argmax(axis=1) == labels).mean() > 0.95
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_rows_without_a_label_teach_a_question_nothing() -> None:
    corpus, labels = _made()
    rows = np.arange(len(labels))
    network = Network({"topic": 3}, hidden=8, epochs=2, word_dropout=0.0, dropout=0.0)
    network.fit(corpus, rows, {"topic": np.full(len(labels), -1)}, np.ones(len(labels), dtype=np.float32))
    start = Network({"topic": 3}, hidden=8, epochs=0).fit(corpus, rows, {}, np.ones(0))
    assert all(np.array_equal(network.arrays_[name], start.arrays_[name]) for name in start.arrays_)


def _joined(corpus: Corpus, meanings: np.ndarray) -> sp.csr_matrix:
    return sp.hstack([corpus.vectors(), sp.csr_matrix(meanings)]).tocsr()


def test_a_yes_or_no_question_is_learned_and_calibrated() -> None:
    corpus, classes = _made()
    labels = (classes == 0).astype(int)
    meanings = np.zeros((len(labels), DIMENSIONS), dtype=np.float32)
    weights = np.ones(len(labels))
    binary, margins = fit_binary(corpus.vectors(), meanings, labels, weights, cost=0.5)
    again, _ = fit_binary(corpus.vectors(), meanings, labels, weights, cost=0.5)
    assert np.array_equal(binary.weights, again.weights)
    assert (binary.slope, binary.offset) == (again.slope, again.offset)
    assert margins.shape == labels.shape
    probability = binary.probability(corpus.vectors() @ binary.weights)
    assert probability[labels == 1].min() > 0.5 > probability[labels == 0].max()
    ordered = binary.probability(np.array([-5.0, -1.0, 0.0, 1.0, 5.0]))
    assert (np.diff(ordered) >= 0).all()
    assert ((ordered >= 0) & (ordered <= 1)).all()


def test_classes_are_learned_one_against_the_rest() -> None:
    corpus, labels = _made()
    found = fit_classes(corpus.vectors(), labels, np.ones(len(labels)), 4, cost=0.5)
    scores = corpus.vectors() @ found[:-1] + found[-1]
    assert (scores.argmax(axis=1) == labels).all()
    assert (scores[:, 3] == -1).all(), "класс без примеров не выигрывает"


def _voices(right: int, rows: int = 900, departments: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Noise, but for one voice that knows the answer."""
    noise = np.random.default_rng(2)
    labels = np.arange(rows) % departments
    voices = noise.standard_normal((rows, departments, len(router.VOICES))) * 0.5
    voices[np.arange(rows), labels, right] += 2.0
    return voices, labels


@pytest.mark.parametrize("right", range(len(router.VOICES)), ids=router.VOICES)
def test_the_router_listens_to_the_voice_that_is_right(right: int) -> None:
    voices, labels = _voices(right)
    fitted = conditional_logit.fit(voices, labels, np.ones(len(labels)))
    assert int(np.argmax(fitted.weights)) == right
    trained = np.ones(voices.shape[1], dtype=bool)
    probabilities = fitted.probabilities(voices, trained)
    assert (probabilities.argmax(axis=1) == labels).mean() > 0.8
    assert np.allclose(probabilities.sum(axis=1), 1)
    again = conditional_logit.fit(voices, labels, np.ones(len(labels)))
    assert np.array_equal(again.weights, fitted.weights)
    assert np.array_equal(again.profile, fitted.profile)


def test_an_untrained_department_is_heard_through_its_profile_alone() -> None:
    voices, labels = _voices(router.PROFILE_VOICES[0])
    fitted = conditional_logit.fit(voices, labels, np.ones(len(labels)))
    trained = np.array([True, True, True, True, False])
    loud = voices.copy()
    loud[:, 4, 0] += 100
    assert np.array_equal(fitted.scores(loud, trained)[:, 4], fitted.scores(voices, trained)[:, 4])
    found = fitted.probabilities(voices, trained).argmax(axis=1)
    assert (found[labels == 4] == 4).mean() > 0.5


# A department comes, a department goes

VET = """
- code: VET
  name: Ветеринарная служба
  short: Ветеринария
  external: true
  source: "пример из проверок"
  competence: >-
    Здоровье животных: ветеринарная клиника, ветеринар, прививка от бешенства собаке и кошке, вакцинация скота, бирки
    коровам и овцам, ветеринарное свидетельство, справка на мясо и молоко. Падёж птицы, чума свиней, ящур, бруцеллёз,
    карантин на хуторе, больной скот, осмотр коровы, стерилизация кошек, лечение щенка, клещ у собаки, скотомогильник.
  examples:
  - Где в Светлограде сделать собаке прививку от бешенства, в клинике вакцины нет
  - У соседей пала корова, ветеринар так и не приехал, вдруг это ящур
  - Когда приедут бирковать овец, без бирок на рынок не пускают
  - Куры дохнут по всей улице, кто возьмёт пробы
  - Ветеринар требует деньги за справку на молоко, это законно?
  - Кошка заболела, ветеринарная клиника закрыта вторую неделю
"""
ABOUT_ANIMALS = [
    "Подскажите, где привить кошку от бешенства, ветеринар в отпуске",
    "Дохнут поросята, боимся чумы свиней, кого из ветеринаров вызвать",
    "Нужна ветеринарная справка на мясо, куда обратиться",
    "Корова заболела, ветеринар трубку не берёт",
    "Когда будет вакцинация скота и бирки коровам в Ореховке",
    "Собаку укусил клещ, ветклиника закрыта",
]


@pytest.fixture(scope="module")
def other_town(tmp_path_factory: pytest.TempPathFactory) -> Triage:
    """A copy of the regulation with a veterinary service and without a communications body; nothing is trained."""
    home = tmp_path_factory.mktemp("town")
    for name in ("models", "rules"):
        (home / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "regulation", home / "regulation")
    path = home / "regulation/departments.yaml"
    entries = path.read_text(encoding="utf-8").split("\n- code: ")
    kept = [entry for entry in entries if not entry.startswith("SVYAZ\n")]
    assert len(kept) == len(entries) - 1
    path.write_text("\n- code: ".join(kept).rstrip() + VET, encoding="utf-8")
    return Triage.load(home)


def _ranked(triage: Triage, text: str) -> Iterator[str]:
    route = triage.decide([post_from_json({"text": text, "key": "k"})])[0].route
    assert route is not None
    yield route.department
    yield from (code for code, _ in route.runners_up)


def test_a_department_that_comes_is_ranked_at_once(other_town: Triage) -> None:
    """By its description and a few sentences, for most of its own topic among the first three."""
    ranked = [list(_ranked(other_town, text))[:3] for text in ABOUT_ANIMALS]
    assert sum("VET" in codes for codes in ranked) >= 4, ranked


def test_a_department_that_comes_does_not_take_what_is_others(other_town: Triage) -> None:
    for text in ("Яма на дороге по улице Ленина", "Нет воды третий день", "Очередь в детский сад не двигается"):
        assert next(_ranked(other_town, text)) != "VET"


def test_a_department_that_comes_is_named_with_its_words(other_town: Triage) -> None:
    """An external body as the regulation says, with evidence from its profile."""
    posts = [post_from_json({"text": text, "key": "k"}) for text in ABOUT_ANIMALS]
    routes = [d.route for d in other_town.decide(posts) if d.route and d.route.department == "VET"]
    assert routes
    assert all(route.external and route.office is None and route.evidence for route in routes)


def test_a_department_that_goes_is_never_named(other_town: Triage) -> None:
    assert "SVYAZ" not in other_town.predictor.codes
    for text in ("Не ловит мобильная связь, вышка не работает", "Пропал интернет от оператора в Шангале"):
        assert "SVYAZ" not in list(_ranked(other_town, text))


def test_a_topic_of_a_department_that_goes_must_be_moved(tmp_path: Path) -> None:
    """The regulation is refused while a topic leads nowhere."""
    shutil.copytree(ROOT / "regulation", tmp_path / "regulation")
    path = tmp_path / "regulation/departments.yaml"
    entries = path.read_text(encoding="utf-8").split("\n- code: ")
    kept = [entry for entry in entries if not entry.startswith("OBR\n")]
    path.write_text("\n- code: ".join(kept), encoding="utf-8")
    with pytest.raises(FaultsError, match="OBR"):
        Regulation.load(tmp_path / "regulation")

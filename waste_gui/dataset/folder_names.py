"""What the name of a folder says: that it is a part of a split, that a system put it there, that it is only
spelled otherwise than another.

Names are read word by word, so that `train2017`, `training_set`, `seg_train`, `Test Data` and `trainset`
need no list of their own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

ReadySplit = Literal["train", "val", "test"]

_PART_WORDS: dict[ReadySplit, str] = {
    "train": "train training trainings trn trainval learn learning entrenamiento entrainement entraînement "
    "ausbildung entrenar apprentissage treino treinamento addestramento обучение обучающая тренировка "
    "训练 訓練 学習 학습 훈련 eğitim egitim trening treningowy träning opleiding",
    "val": "val vals valid validation validations validate validating dev devel development eval evaluation "
    "validación validacion validierung validierungs validazione validação validacao валидация проверка "
    "验证 驗證 検証 검증 doğrulama dogrulama walidacja validering validatie",
    "test": "test tests testing tst holdout unseen prueba pruebas teste testes essai prova тест тестовая "
    "prüfung pruefung probar 测试 測試 テスト 테스트 시험 testowy",
}
PART_WORDS: dict[str, ReadySplit] = {
    unicodedata.normalize("NFKC", word).casefold(): part
    for part, words in _PART_WORDS.items()
    for word in words.split()
}
"""In the languages of those who share datasets."""

FILLERS = frozenset(
    (
        "set sets data dataset datasets ds image images img imgs photo photos picture pictures pic pics "
        "split splits sample samples part subset folder folders file files jpg jpeg png crop crops cropped "
        "resized raw new final all full small mini big large original originals orig aug augmented partition "
        "private public hidden blind official extra v the of for x seg cls classification rgb color colour "
        "datos daten dati dados donnees données conjunto jeu menge bilder fotos imagenes imágenes immagini "
        "imagens 集 数据 數據 图片 圖片 データ データセット 画像 用"
    ).split()
)
"""Words that say nothing of what is in a folder."""

FOLD_WORDS = frozenset(
    "fold folds kfold cv split part partition teil parte batch chunk shard set subset".split()
)


@dataclass(frozen=True, slots=True)
class PartName:
    """A name that may be one of a part: `rest` is what else it says, "" if nothing."""

    part: ReadySplit
    rest: str


def words_of(name: str) -> list[str]:
    """Casefolded, cut at separators, at capitals, and between letters and digits."""
    text = unicodedata.normalize("NFKC", name)
    text = re.sub(r"(?i)(?<![^\W_])(hold|held)[\W_]?out(?![^\W_])", "holdout", text)
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    text = re.sub(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])", " ", text)
    return [word.casefold() for word in re.findall(r"[^\W_]+", text)]


def part_name(name: str) -> PartName | None:
    """None where it names no part, or several (`train_test_split`)."""
    parts: set[ReadySplit] = set()
    rest = []
    for word in words_of(name):
        part = _part_of_word(word)
        if part is not None:
            parts.add(part)
        elif word not in FILLERS and not word.isdigit():
            rest.append(word)
    if parts == {"train", "val"}:  # VOC's trainval is there to learn from.
        parts = {"train"}
    if parts == {"val", "test"}:  # COCO's test-dev is there to test.
        parts = {"test"}
    return PartName(parts.pop(), " ".join(rest)) if len(parts) == 1 else None


def _part_of_word(word: str) -> ReadySplit | None:
    if word in PART_WORDS:
        return PART_WORDS[word]
    for known in sorted(PART_WORDS, key=len, reverse=True):
        for glued in (word.removeprefix(known), word.removesuffix(known)):
            if glued != word and glued in FILLERS and (len(known) > 2 or not known.isascii()):
                return PART_WORDS[known]
    return None


def parts_among(names: Iterable[str]) -> dict[str, ReadySplit]:
    """Which of the names beside each other are parts of one split.

    One that says nothing else is; of those that say something else (`flowers-train`, `flowers-val`) those are
    that say the same for several parts: `train station` alone is a class."""
    found = {name: part for name in names if (part := part_name(name)) is not None}
    by_rest: dict[str, set[ReadySplit]] = {}
    for each in found.values():
        by_rest.setdefault(each.rest, set()).add(each.part)
    sure = {name: each.part for name, each in found.items() if not each.rest or len(by_rest[each.rest]) > 1}
    # Beside a `val`, `imagenet_train` is what that was split off.
    known = set(sure.values())
    also = {name: each.part for name, each in found.items() if sure and each.part not in known}
    return sure | also


def are_folds(names: Sequence[str]) -> bool:
    """Whether they count the pieces of one dataset: fold_1, fold_2."""
    read = [words_of(name) for name in names]
    same = {tuple(word for word in words if not word.isdigit()) for words in read}
    counted = all(any(word.isdigit() for word in words) for words in read)
    return len(names) > 1 and counted and len(same) == 1 and bool(FOLD_WORDS & set(next(iter(same))))


def fold_number(name: str) -> int:
    return next((int(word) for word in words_of(name) if word.isdecimal()), 0)


def says_nothing(name: str) -> bool:
    """`images`, `Photos 2`: no class is called so."""
    words = words_of(name)
    return bool(words) and all(word in FILLERS or word.isdigit() for word in words) and not words[0].isdigit()


# --- spelling


def spelling_key(name: str) -> str:
    """The same for names that differ in case, Unicode form, spaces and other separators only."""
    text = unicodedata.normalize("NFKC", name).casefold()
    text = unicodedata.normalize("NFKC", text)
    return re.sub(r"[\s_\-.\u200b-\u200f\u2060\ufeff]+", "", text) or text


def tidy(name: str) -> str:
    """As a class is called: composed, without spaces at its ends."""
    return unicodedata.normalize("NFC", name).strip() or name


def by_name(mapping: Mapping[str, str | None]) -> dict[str, str | None]:
    """For folders whose names another system writes in another Unicode form."""
    return {unicodedata.normalize("NFC", name): to for name, to in mapping.items()} | dict(mapping)


# --- what systems put there

_SYSTEM = frozenset(
    (
        *("__macosx", "lost+found", "lost.dir", "recycler", "recycled", "recycle.bin", "$extend", "msocache"),
        *("system volume information", "network trash folder", "temporary items"),
    )
)
_MARKED = re.compile(
    r"[#@$~._]+\.?(recycle|recycled|recycler|recycle.?bin|bin|trash|trashes|trashbox|trash-\d+|deleted|snapshot|"
    r"snapshots|recently.?snapshot|sharebin|eadir|tmp|thumb|thumbs|appstore|archive|system|quarantine)\b.*"
)
_FOUND = re.compile(
    r"found\.\d{3}|\$?recycle\W?bin|files_(trashbin|versions)|thevolumesettingsfolder|"
    r"papierkorb|corbeille|papelera( de reciclaje)?|cestino|lixeira|prullenbak|корзина|回收站|ごみ箱"
)

CHECKPOINTS = frozenset({"checkpoints", ".ipynb_checkpoints"})


def is_of_system(name: str) -> bool:
    """A folder that a NAS, a drive or a system keeps: of deleted files, snapshots, thumbnails."""
    lower = name.lower()
    return (
        lower in _SYSTEM
        or lower.replace("_", " ") in _SYSTEM
        or bool(_MARKED.fullmatch(lower))
        or bool(_FOUND.fullmatch(lower))
    )

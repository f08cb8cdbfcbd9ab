"""Damage is counted word by word."""

from __future__ import annotations

import numpy as np
import pytest

from embtune.catalog.choices import Noise
from embtune.data.noise import NoiseSettings, damaged

TEXT = "one two three four five six seven eight nine ten"
OTHERS = ["alpha beta gamma", "delta"]


def damage(text: str, kind: Noise, ratio: float = 0.6, seed: int = 0) -> str:
    return damaged(text, NoiseSettings(kind, ratio), np.random.default_rng(seed), OTHERS, "[MASK]")


def test_deletion_keeps_order_and_about_two_words_in_five() -> None:
    kept = [damage(TEXT, Noise.DELETE, seed=seed).split() for seed in range(400)]
    assert all(words == [word for word in TEXT.split() if word in words] for words in kept)
    assert np.mean([len(words) for words in kept]) == pytest.approx(4, abs=0.25)
    assert min(len(words) for words in kept) >= 1


def test_deleting_everything_leaves_one_word() -> None:
    left = {damage(TEXT, Noise.DELETE, 1.0, seed) for seed in range(100)}
    assert left == set(TEXT.split())


def test_masks_stand_where_words_stood() -> None:
    masked = damage(TEXT, Noise.MASK).split()
    assert len(masked) == 10
    assert all(found in (word, "[MASK]") for found, word in zip(masked, TEXT.split(), strict=True))
    assert 0 < masked.count("[MASK]") < 10


def test_swapping_changes_places_and_nothing_else() -> None:
    swapped = damage(TEXT, Noise.SWAP).split()
    assert sorted(swapped) == sorted(TEXT.split())
    assert swapped != TEXT.split()


def test_replaced_words_come_from_other_texts() -> None:
    replaced = damage(TEXT, Noise.REPLACE).split()
    assert len(replaced) == 10
    foreign = [found for found, word in zip(replaced, TEXT.split(), strict=True) if found != word]
    assert foreign
    assert set(foreign) <= {"alpha", "beta", "gamma", "delta"}


def test_added_words_leave_the_text_readable_between_them() -> None:
    added = damage(TEXT, Noise.ADD).split()
    assert [word for word in added if word in TEXT.split()] == TEXT.split()
    assert len(added) > 10


@pytest.mark.parametrize("kind", list(Noise))
@pytest.mark.parametrize("text", ["", "word", "  "])
def test_a_text_of_one_word_stays(kind: Noise, text: str) -> None:
    assert damage(text, kind) == text


@pytest.mark.parametrize("kind", list(Noise))
def test_a_ratio_of_zero_changes_nothing(kind: Noise) -> None:
    assert damage(TEXT, kind, 0.0) == TEXT


def test_scripts_without_blanks_are_damaged_by_the_character() -> None:
    text = "\u6211\u559c\u6b22\u5403\u82f9\u679c"
    lengths = {len(damage(text, Noise.DELETE, seed=seed)) for seed in range(50)}
    assert lengths >= {1, 2, 3, 4}
    assert all(" " not in damage(text, Noise.DELETE, seed=seed) for seed in range(50))


def test_equal_seeds_damage_alike_and_others_do_not() -> None:
    assert damage(TEXT, Noise.DELETE, seed=1) == damage(TEXT, Noise.DELETE, seed=1)
    assert len({damage(TEXT, Noise.DELETE, seed=seed) for seed in range(20)}) > 10

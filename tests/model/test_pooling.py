"""Oracle: the Pooling module of sentence-transformers, and slow loops over single texts."""

from __future__ import annotations

from itertools import combinations

import pytest
import torch
from sentence_transformers.sentence_transformer.modules import Pooling as Reference

from embtune.model.pooling import Pooling
from embtune.model.words import PoolingMode

THEIR_NAMES = {PoolingMode.MEAN_SQRT_LEN: "mean_sqrt_len_tokens"}
PAIRS = [*((mode,) for mode in PoolingMode), *combinations(PoolingMode, 2), tuple(PoolingMode)]


def _tokens() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    lengths = torch.tensor([5, 2, 7, 3])
    return torch.randn(4, 7, 6), (torch.arange(7) < lengths[:, None]).long()


def _reference(modes: tuple[PoolingMode, ...], include_prompt: bool = True) -> Reference:
    reference: Reference = Reference(6, [THEIR_NAMES.get(mode, mode.value) for mode in modes], include_prompt)
    return reference


@pytest.mark.parametrize("modes", PAIRS, ids=str)
def test_every_mode_and_concatenation_equals_sentence_transformers(modes: tuple[PoolingMode, ...]) -> None:
    tokens, mask = _tokens()
    expected = _reference(modes)({"token_embeddings": tokens, "attention_mask": mask})["sentence_embedding"]
    torch.testing.assert_close(Pooling(modes)(tokens, mask, None), expected)


@pytest.mark.parametrize("mode", PoolingMode)
def test_leaving_out_the_prompt_equals_sentence_transformers(mode: PoolingMode) -> None:
    tokens, mask = _tokens()
    features = {"token_embeddings": tokens, "attention_mask": mask, "prompt_length": 1}
    expected = _reference((mode,), include_prompt=False)(features)["sentence_embedding"]
    pooled = Pooling([mode], include_prompt=False)(tokens, mask, torch.tensor([1, 1, 1, 1]))
    torch.testing.assert_close(pooled, expected)


@pytest.mark.parametrize("mode", PoolingMode)
def test_each_text_may_have_a_prompt_of_its_own_length(mode: PoolingMode) -> None:
    tokens, mask = _tokens()
    pooling = Pooling([mode], include_prompt=False)
    together = pooling(tokens, mask, torch.tensor([2, 0, 3, 1]))
    for row, prompt in enumerate([2, 0, 3, 1]):
        alone = pooling(tokens[row : row + 1], mask[row : row + 1], torch.tensor([prompt]))
        torch.testing.assert_close(together[row : row + 1], alone)


@pytest.mark.parametrize("mode", PoolingMode)
def test_padding_does_not_change_the_vector(mode: PoolingMode) -> None:
    tokens, mask = _tokens()
    alone = Pooling([mode])(tokens[:1, :5], None, None)
    torch.testing.assert_close(Pooling([mode])(tokens, mask, None)[:1], alone)


@pytest.mark.parametrize("mode", PoolingMode)
def test_a_text_that_is_all_prompt_gives_zeros(mode: PoolingMode) -> None:
    tokens, mask = _tokens()
    pooled = Pooling([mode], include_prompt=False)(tokens, mask, torch.tensor([0, 2, 0, 0]))
    assert torch.equal(pooled[1], torch.zeros(6))
    assert pooled.isfinite().all()


def test_bfloat16_is_summed_in_float32() -> None:
    tokens = torch.full((1, 1000, 1), 1.0, dtype=torch.bfloat16)
    pooled = Pooling([PoolingMode.MEAN_SQRT_LEN])(tokens, None, None)
    assert pooled.dtype == torch.float32
    torch.testing.assert_close(pooled, torch.tensor([[1000**0.5]]))


def _packed(tokens: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The same texts one behind the other, and where each begins."""
    return tokens[mask.bool()], torch.cat([torch.zeros(1, dtype=torch.int64), mask.sum(1).cumsum(0)]).int()


@pytest.mark.parametrize("modes", PAIRS, ids=str)
@pytest.mark.parametrize("prompts", [None, [2, 0, 7, 1]], ids=["whole", "without-prompts"])
def test_packed_texts_pool_as_padded_ones_do(modes: tuple[PoolingMode, ...], prompts: list[int] | None) -> None:
    tokens, mask = _tokens()
    tokens.requires_grad_()
    lengths = None if prompts is None else torch.tensor(prompts)
    pooling = Pooling(modes, include_prompt=False)
    padded = pooling(tokens, mask, lengths)
    packed = pooling.packed(*_packed(tokens, mask), lengths)
    torch.testing.assert_close(packed, padded)
    weights = torch.randn_like(padded)
    expected, found = (torch.autograd.grad((out * weights).sum(), tokens)[0] for out in (padded, packed))
    torch.testing.assert_close(found, expected)


def test_ties_for_the_largest_value_share_its_gradient_in_packed_texts_too() -> None:
    tokens = torch.ones(3, 1, requires_grad=True)
    pooled = Pooling([PoolingMode.MAX]).packed(tokens, torch.tensor([0, 2, 3]), None)
    (gradient,) = torch.autograd.grad(pooled.sum(), tokens)
    assert gradient.flatten().tolist() == [0.5, 0.5, 1.0]

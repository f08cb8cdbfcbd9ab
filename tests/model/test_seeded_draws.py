"""Oracles: attention and dropout written out in float64 with the masks that were drawn; counts of what is dropped."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
import torch
from small_models import ARCHITECTURES, TEXTS, save_plain
from torch import Tensor
from torch.nn import functional

from embtune.model import dense_attention
from embtune.model.dense_attention import DenseRules, dense_attend, dense_gradients
from embtune.model.draws import Draws, thinned
from embtune.model.load import load_model
from embtune.model.seeded_draws import SeededDraws

CPU = torch.device("cpu")
ROWS, HEADS, QUERIES, KEYS, WIDTH = 3, 4, 5, 7, 8


def _qkv(dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(1)
    shapes = ((QUERIES, WIDTH), (KEYS, WIDTH), (KEYS, WIDTH))
    q, k, v = (torch.randn(ROWS, HEADS, *shape, dtype=dtype).requires_grad_() for shape in shapes)
    return q, k, v


def _mask() -> Tensor:
    lengths = torch.tensor([7, 2, 5])
    return (torch.arange(KEYS) < lengths[:, None])[:, None, None]


def test_what_is_kept_is_a_function_of_the_seed_and_of_the_calls_before() -> None:
    first, again, other = Draws(1, CPU), Draws(1, CPU), Draws(2, CPU)
    one, two = first.kept((64, 65), 0.5), first.kept((64, 65), 0.5)
    assert torch.equal(one, again.kept((64, 65), 0.5))
    assert torch.equal(two, again.kept((64, 65), 0.5))
    assert not torch.equal(one, two)
    assert not torch.equal(one, other.kept((64, 65), 0.5))


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_the_share_that_is_dropped_is_the_rate_and_the_mean_stays(rate: float) -> None:
    count = 1_000_000
    kept = Draws(3, CPU).kept((count,), rate)
    deviation = (rate * (1 - rate) / count) ** 0.5
    assert abs((~kept).double().mean().item() - rate) < 5 * deviation + 1 / 65536
    assert thinned(torch.ones(count), kept, rate).double().mean().item() == pytest.approx(
        1, abs=6 * deviation / (1 - rate)
    )


def test_dropout_near_one_keeps_something_finite() -> None:
    kept = Draws(3, CPU).kept((10,), 1 - 1e-9)
    assert thinned(torch.ones(10), kept, 1 - 1e-9).isfinite().all()


@pytest.mark.parametrize("cached", [1, 40, 1 << 18], ids=["a head at a time", "two heads", "all"])
@pytest.mark.parametrize("masked", [False, True])
def test_attention_with_dropout_is_the_formula_under_its_masks(
    monkeypatch: pytest.MonkeyPatch, cached: int, masked: bool
) -> None:
    monkeypatch.setattr(dense_attention, "_CACHED_SCORES", cached)
    q, k, v = _qkv()
    rules = DenseRules(_mask() if masked else None, 0.3, 0.4, seed=9)
    ours = dense_attend(q.detach(), k.detach(), v.detach(), rules)
    # with a value for each key that names it, attention shows its probabilities, and so what was dropped
    names = torch.eye(KEYS, dtype=torch.float64).expand(ROWS, HEADS, KEYS, KEYS)
    kept = dense_attend(q.detach(), k.detach(), names, rules) > 0
    scores = 0.3 * q @ k.mT
    scores = scores.masked_fill(~_mask(), float("-inf")) if masked else scores
    keep_rate = 1 - round(0.4 * 65536) / 65536
    expected = (scores.softmax(-1) * kept / keep_rate) @ v
    torch.testing.assert_close(ours, expected, rtol=1e-6, atol=1e-6)
    grad = torch.randn_like(expected)
    found = dense_gradients(grad, q.detach(), k.detach(), v.detach(), ours, rules)
    for mine, oracle in zip(found, torch.autograd.grad(expected, (q, k, v), grad), strict=True):
        torch.testing.assert_close(mine, oracle, rtol=1e-5, atol=1e-6)


def test_a_query_that_sees_nothing_gives_numbers() -> None:
    q, k, v = (each.detach() for each in _qkv(torch.float32))
    assert dense_attend(q, k, v, DenseRules(torch.zeros(1, 1, 1, KEYS, dtype=torch.bool), 1.0, 0.1, 0)).isfinite().all()


def test_functions_of_torch_draw_from_the_seed_and_leave_the_global_generator_alone() -> None:
    def drawn(seed: int) -> list[Tensor]:
        x = torch.ones(2, 2, 6, 4)
        with SeededDraws(seed):
            return [
                functional.dropout(x, 0.5),
                functional.scaled_dot_product_attention(
                    x * torch.arange(4), x, x * torch.arange(6)[:, None], dropout_p=0.5
                ),
                torch.nn.Dropout(0.5)(x),
                torch.rand(3),
                torch.empty(9).bernoulli_(0.5),
            ]

    torch.manual_seed(0)
    before = torch.get_rng_state()
    one, again, other = drawn(5), drawn(5), drawn(6)
    assert all(torch.equal(a, b) for a, b in zip(one, again, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    assert torch.equal(torch.get_rng_state(), before)


def test_causal_and_grouped_attention_see_what_they_do_without_dropout() -> None:
    q, k, v = torch.randn(1, 4, 6, 8), torch.randn(1, 2, 6, 8), torch.randn(1, 2, 6, 8)
    with SeededDraws(1):
        ours = functional.scaled_dot_product_attention(q, k, v, dropout_p=1e-9, is_causal=True, enable_gqa=True)
    torch.testing.assert_close(ours, functional.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_passes_of_several_threads_draw_what_they_draw_alone(tmp_path: Path, name: str) -> None:
    save_plain(name, tmp_path)
    model = load_model(str(tmp_path)).train()
    features = model.collate(model.tokenizer.encode(TEXTS, 40))
    weights = list(model.parameters())

    def passed(seed: int) -> tuple[Tensor, ...]:
        with SeededDraws(seed):
            vectors = model(features, every_layer=True)
        return vectors, *torch.autograd.grad(vectors.square().sum(), weights, materialize_grads=True)

    alone = [passed(seed) for seed in range(6)]
    with ThreadPoolExecutor(3, initializer=partial(torch.set_num_threads, 1)) as pool:
        together = list(pool.map(passed, range(6)))
    assert not torch.equal(alone[0][0], alone[1][0])
    for one, other in zip(alone, together, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))

"""Oracle: each text by itself, its scores written out in float64."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from embtune.model.attention_kernel import Kernel, Rules
from embtune.model.gpu_attention import EFFICIENT_IS_AS_KNOWN, FLASH_IS_AS_KNOWN, Efficient, Flash
from embtune.model.grouped_attention import Grouped
from embtune.model.packed_attention import attend, packed_attention
from embtune.model.padded_attention import Padded
from embtune.model.segment_attention import kernel_for, segment_attention

LENGTHS = (5, 1, 40, 17)
BOUNDS = torch.tensor([0, 5, 6, 46, 63], dtype=torch.int32)
TOKENS = sum(LENGTHS)
# (left, right): everything, causal, a window, a causal window
REACHES = [(-1, -1), (-1, 0), (3, 3), (3, 0)]


Triple = tuple[Tensor, Tensor, Tensor]


def _qkv(heads: int, groups: int, width: int, **options: Any) -> Triple:  # noqa: ANN401 - dtype and device
    torch.manual_seed(heads + groups + width)

    def drawn(count: int) -> Tensor:
        return torch.randn(TOKENS, count, width, dtype=torch.float64).to(**options).requires_grad_()

    return drawn(heads), drawn(groups), drawn(groups)


def _heads_first(qkv: Triple) -> Triple:
    q, k, v = (each.transpose(0, 1)[None] for each in qkv)
    return q, k, v


def _rules(width: int, reach: tuple[int, int] = (-1, -1), dropout: float = 0.0) -> Rules:
    return Rules(64, dropout, width**-0.5, *reach)


def _slow(q: Tensor, k: Tensor, v: Tensor, rules: Rules) -> Tensor:
    outs = []
    for start, end in zip(BOUNDS.tolist(), BOUNDS.tolist()[1:], strict=False):
        for head in range(q.shape[1]):
            group = head * k.shape[1] // q.shape[1]
            scores = q[start:end, head] @ k[start:end, group].T * rules.scale
            ahead = torch.arange(end - start)[None] - torch.arange(end - start)[:, None]
            unseen = torch.zeros_like(scores, dtype=torch.bool)
            unseen |= (ahead < -rules.left) if rules.left >= 0 else unseen
            unseen |= (ahead > rules.right) if rules.right >= 0 else unseen
            outs.append(scores.masked_fill(unseen, float("-inf")).softmax(-1) @ v[start:end, group])
    parts = [torch.stack(outs[i : i + q.shape[1]], dim=1) for i in range(0, len(outs), q.shape[1])]
    return torch.cat(parts)


def _gradients(out: Tensor, qkv: Triple) -> tuple[Tensor, ...]:
    torch.manual_seed(0)
    return torch.autograd.grad((out * torch.randn(out.shape, dtype=torch.float64).to(out)).sum(), qkv)


@pytest.mark.parametrize("reach", REACHES, ids=str)
@pytest.mark.parametrize(("heads", "groups", "width"), [(2, 2, 16), (4, 2, 12)], ids=["mha", "gqa-odd-width"])
def test_each_text_attends_to_itself_alone(reach: tuple[int, int], heads: int, groups: int, width: int) -> None:
    qkv, rules = _qkv(heads, groups, width), _rules(width, reach)
    expected, found = _slow(*qkv, rules), attend(*qkv, BOUNDS, rules)
    torch.testing.assert_close(found, expected)
    for ours, theirs in zip(_gradients(found, qkv), _gradients(expected, qkv), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_the_gradient_under_dropout_is_that_of_the_draws_of_the_forward_pass() -> None:
    qkv = _qkv(2, 1, 8)

    def drawn_alike(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        torch.manual_seed(5)
        return attend(q, k, v, BOUNDS, _rules(8, dropout=0.3))

    assert torch.autograd.gradcheck(drawn_alike, qkv, fast_mode=True)


def test_dropout_keeps_the_mean_of_the_output() -> None:
    q, k, v = _qkv(2, 2, 8)
    torch.manual_seed(0)
    mean = torch.stack([attend(q, k, v, BOUNDS, _rules(8, dropout=0.25)).detach() for _ in range(400)]).mean(0)
    assert (mean - _slow(q, k, v, _rules(8))).abs().mean() < 0.03


def test_drawing_dropout_moves_the_default_generator_as_one_draw() -> None:
    q, k, v = _qkv(1, 1, 8)
    torch.manual_seed(1)
    attend(q, k, v, BOUNDS, _rules(8, dropout=0.5))
    after = torch.rand(())
    torch.manual_seed(1)
    torch.randint(1 << 62, ())
    assert torch.equal(after, torch.rand(()))


@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_the_operator_keeps_torchs_contract(dropout: float) -> None:
    qkv = _qkv(2, 1, 8, dtype=torch.float32)
    tests = ("test_schema", "test_autograd_registration", "test_faketensor")
    torch.library.opcheck(
        segment_attention, (*qkv, BOUNDS, torch.tensor(3), 64, dropout, 0.3, -1, -1), test_utils=tests
    )


@pytest.mark.parametrize(
    ("options", "sees"),
    [({}, (-1, -1)), ({"is_causal": True}, (-1, 0)), ({"sliding_window": 4}, (3, 3)),
     ({"sliding_window": 4, "is_causal": True}, (3, 0))],
)  # fmt: skip
def test_transformers_words_become_rules(options: dict[str, Any], sees: tuple[int, int]) -> None:
    qkv = _qkv(4, 2, 8)
    found, _ = packed_attention(
        nn.Module(), *_heads_first(qkv), None, scaling=0.5, cu_seq_lens_q=BOUNDS, max_length_q=64, **options
    )
    torch.testing.assert_close(found[0], _slow(*qkv, Rules(64, 0.0, 0.5, *sees)))


def test_a_causal_module_is_causal() -> None:
    module = nn.Module()
    module.is_causal = True  # type: ignore[assignment] # as transformers' attention layers say it
    qkv = _qkv(2, 2, 8)
    found, _ = packed_attention(module, *_heads_first(qkv), None, cu_seq_lens_q=BOUNDS, max_length_q=64)
    torch.testing.assert_close(found[0], _slow(*qkv, _rules(8, (-1, 0))))


def test_a_mask_is_refused_and_so_are_missing_bounds() -> None:
    q, k, v = _heads_first(_qkv(1, 1, 8))
    with pytest.raises(RuntimeError, match="no mask"):
        packed_attention(nn.Module(), q, k, v, torch.zeros(1), cu_seq_lens_q=BOUNDS, max_length_q=64)
    with pytest.raises(RuntimeError, match="bounds"):
        packed_attention(nn.Module(), q, k, v, None)


def test_this_torch_has_the_private_operators_that_are_known() -> None:
    assert FLASH_IS_AS_KNOWN
    assert EFFICIENT_IS_AS_KNOWN


def test_a_cpu_takes_texts_of_one_length_together() -> None:
    assert isinstance(kernel_for(_qkv(1, 1, 8)[0], _rules(8)), Grouped)


@pytest.mark.parametrize("reach", REACHES, ids=str)
def test_padded_rows_give_the_same(reach: tuple[int, int]) -> None:
    """Of a device that has neither of the GPU's kernels; here without autograd, as all kernels are."""
    q, k, v = (each.detach() for each in _qkv(4, 2, 8))
    rules, seed, grad = _rules(8, reach), torch.tensor(0), torch.randn(TOKENS, 4, 8, dtype=torch.float64)
    grouped, padded = (kernel.forward(q, k, v, BOUNDS, rules, seed) for kernel in (Grouped(), Padded()))
    torch.testing.assert_close(padded.out, grouped.out)
    pairs = zip(
        Grouped().backward(grad, (q, k, v), BOUNDS, grouped, rules),
        Padded().backward(grad, (q, k, v), BOUNDS, padded, rules),
        strict=True,
    )
    for ours, theirs in pairs:
        torch.testing.assert_close(ours, theirs)


def test_texts_of_one_length_are_one_block_whose_dropout_differs() -> None:
    ones = torch.ones(12, 1, 4)
    rules, bounds = _rules(4, dropout=0.5), torch.tensor([0, 3, 6, 9, 12], dtype=torch.int32)
    out = Grouped().forward(ones, ones, ones, bounds, rules, torch.tensor(1)).out.view(4, 3, 4)
    assert len({tuple(text.flatten().tolist()) for text in out}) > 1


@pytest.mark.parametrize("kernel", [Flash(), Efficient()], ids=lambda kernel: type(kernel).__name__)
def test_gpu_kernels_are_called_as_torch_declares_them(kernel: Kernel) -> None:
    dtype = torch.bfloat16 if isinstance(kernel, Flash) else torch.float32
    q, k, v = (each.detach() for each in _qkv(4, 2, 32, device="meta", dtype=dtype))
    bounds, rules = BOUNDS.to("meta"), _rules(32)
    made = kernel.forward(q, k, v, bounds, rules, torch.tensor(0))
    assert made.out.shape == q.shape
    if isinstance(kernel, Flash):  # the other's backward pass has no right declaration of shapes in torch 2.13
        grads = kernel.backward(torch.empty_like(made.out), (q, k, v), bounds, made, rules)
        assert [grad.shape for grad in grads] == [q.shape, k.shape, v.shape]


@pytest.mark.gpu
@pytest.mark.parametrize("reach", REACHES, ids=str)
@pytest.mark.parametrize(("dtype", "close"), [(torch.float32, 1e-4), (torch.bfloat16, 3e-2)], ids=["fp32", "bf16"])
@pytest.mark.parametrize(("heads", "groups", "width"), [(12, 12, 32), (12, 12, 64), (16, 8, 128), (4, 2, 12)])
def test_gpu_attention_equals_the_slow_one(
    reach: tuple[int, int], dtype: torch.dtype, close: float, heads: int, groups: int, width: int
) -> None:
    qkv = _qkv(heads, groups, width, device="cuda", dtype=dtype)
    q, k, v = (each.detach().double().cpu().requires_grad_() for each in qkv)
    exact = (q, k, v)
    expected, found = _slow(*exact, _rules(width, reach)), attend(*qkv, BOUNDS.cuda(), _rules(width, reach))
    pairs = zip((found, *_gradients(found, qkv)), (expected, *_gradients(expected, exact)), strict=True)
    for ours, theirs in pairs:
        torch.testing.assert_close(ours.detach().double().cpu(), theirs.detach(), rtol=close, atol=close * 3)


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
def test_gpu_dropout_is_drawn_from_the_seed_alone(dtype: torch.dtype) -> None:
    qkv = _qkv(4, 4, 32, device="cuda", dtype=dtype)

    def passed(seed: int) -> Tensor:
        torch.manual_seed(seed)
        return attend(*qkv, BOUNDS.cuda(), _rules(32, dropout=0.2))

    assert torch.equal(passed(1), passed(1))
    assert not torch.equal(passed(1), passed(2))


@pytest.mark.gpu
def test_half_precision_takes_flash_and_float32_the_efficient_kernel() -> None:
    q = _qkv(2, 2, 32, device="cuda", dtype=torch.bfloat16)[0]
    assert isinstance(kernel_for(q, _rules(32, (3, 3), dropout=0.1)), Flash)
    assert isinstance(kernel_for(q.float(), _rules(32)), Efficient)
    assert isinstance(kernel_for(q.float(), _rules(32, (3, 3))), Padded)

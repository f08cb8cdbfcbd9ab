"""Whether a model computes packed texts as it computes padded ones: found out on random texts, never believed.

Some architectures do not hand on where texts begin, or compute positions of their own, and are wrong without an error.

Legend: N tokens of all texts, D width.
"""

from __future__ import annotations

import numpy as np
import torch
from transformers import PreTrainedModel

from embtune.model.embedder import TextEmbedder
from embtune.model.encoder import TransformerEncoder
from embtune.model.features import FlatTexts, packed, padded
from embtune.model.limits import first_position, positions_of
from embtune.model.packed_attention import register_packed_attention
from embtune.model.packed_states import WayToPack, way_to_pack

_LENGTHS = (100, 1, 30, 200, 7)  # longer and shorter than the usual window of local attention
# Of a token's difference, over its length. Rounding adds up over layers; a wrong kernel or a leak is off by about 1.
_TOLERANCE, _HALF_TOLERANCE = 1e-4, 0.25


def pack_if_alike(model: TextEmbedder) -> None:
    """Let a model, on its device and in evaluation mode, pack texts if that gives the same: it is faster on all.

    A model that cannot goes on with padded texts, and says so in its notes.
    """
    for each in (model, model.queries):
        if each is None or not isinstance(each.encoder, TransformerEncoder):
            continue
        if not pack(each.encoder):
            architecture = each.encoder.architecture
            model.notes += (f"texts are padded, not packed: {architecture} would give other vectors for packed ones",)


def pack(encoder: TransformerEncoder) -> bool:
    """Let an encoder in evaluation mode pack texts from now on, if that gives the same. Whether it does."""
    model = encoder.model
    usual = model.config._attn_implementation
    way = way_to_pack(model)
    register_packed_attention()
    alike = _packs_alike(model, way)
    model.set_attn_implementation(way.attention if alike and way.attention else usual)
    encoder.packed_states = way.states if alike else None
    return alike


def _packs_alike(model: PreTrainedModel, way: WayToPack) -> bool:
    """Whether both give the same states, in float32 and, on a GPU that computes in it, in bfloat16."""
    try:
        if not _difference(model, way, torch.float32) <= _TOLERANCE:
            return False
        on_gpu = model.device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        return not on_gpu or _difference(model, way, torch.bfloat16) <= _HALF_TOLERANCE
    except Exception:  # of any kind: it takes no positions, or has a mask or a bias that packed attention would lose
        return False


def _difference(model: PreTrainedModel, way: WayToPack, dtype: torch.dtype) -> float:
    """The largest difference of a token's final state between padded and packed texts, over the state's length."""
    texts = _random_texts(model)
    rows = padded(texts, 0).to(model.device)
    pack = packed(texts, 0, first_position(model)).to(model.device)
    assert rows.attention_mask is not None, "the texts are of different lengths"
    with torch.no_grad(), torch.autocast(model.device.type, dtype=dtype, enabled=dtype != torch.float32):
        model.set_attn_implementation("eager")
        states_BTD = model(input_ids=rows.input_ids, attention_mask=rows.attention_mask).last_hidden_state
        model.set_attn_implementation(way.attention or "eager")
        found_ND = way.states(model, pack, False)[0].float()
    expected_ND = states_BTD[rows.attention_mask.bool()].float()
    return float(((found_ND - expected_ND).norm(dim=-1) / expected_ND.norm(dim=-1)).max())


def _random_texts(model: PreTrainedModel) -> FlatTexts:
    """Texts of random tokens, none of which stands for padding; the same for the same model."""
    positions = positions_of(model) or max(_LENGTHS)
    lengths = np.minimum(_LENGTHS, positions)
    draws = np.random.default_rng(0)
    ids = draws.integers(0, int(model.config.vocab_size) - 1, lengths.sum())
    padding = getattr(model.config, "pad_token_id", None)
    return FlatTexts(np.where(ids == padding, ids + 1, ids), lengths.astype(np.int64))

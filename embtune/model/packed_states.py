"""Hidden states of packed texts, by the two kinds of transformers models that can give them.

Legend: N tokens of all texts, D width.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor
from transformers import MPNetModel, PreTrainedModel

from embtune.model.features import Features
from embtune.model.mpnet import mpnet_states
from embtune.model.packed_attention import NAME

# (model, packed features, whether after every layer) -> (N, D) hidden states: of the last layer, or of all, as
# `TransformerEncoder` gives them
PackedStates = Callable[[PreTrainedModel, Features, bool], list[Tensor]]


def states_by_interface(model: PreTrainedModel, features: Features, every_layer: bool) -> list[Tensor]:
    """Of a model that hands the bounds of the texts on to its attention, which has to be `packed_attention`."""
    assert features.position_ids is not None, "packed features have positions"
    output = model(
        input_ids=features.input_ids[None],
        attention_mask=None,
        position_ids=features.position_ids[None],
        cu_seq_lens_q=features.offsets,
        cu_seq_lens_k=features.offsets,
        max_length_q=features.longest,
        max_length_k=features.longest,
        output_hidden_states=every_layer,
        return_dict=True,
    )
    states = [*output.hidden_states[:-1], output.last_hidden_state] if every_layer else [output.last_hidden_state]
    return [state[0] for state in states]


@dataclass(frozen=True)
class WayToPack:
    """What might give a model's states of packed texts; nothing is promised before it was held against padding.

    attention: the implementation that the model has to be set to; None leaves its own.
    """

    states: PackedStates
    attention: str | None


def way_to_pack(model: PreTrainedModel) -> WayToPack:
    """The one way there is for this model."""
    return WayToPack(mpnet_states, None) if isinstance(model, MPNetModel) else WayToPack(states_by_interface, NAME)

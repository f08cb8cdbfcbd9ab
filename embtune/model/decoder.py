"""Decoders that rebuild a text from its embedding, for denoising autoencoders. They are trained, never saved.

`build_decoder` takes the transformers class with cross-attention that belongs to the encoder's architecture, sharing
the encoder's weights or starting from a copy of them; where there is none (and for static models) a small decoder that
shares the encoder's token vectors.

Legend: B texts, S decoder positions, N positions with a token to predict, H width, V vocabulary.
"""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, AutoModelForCausalLM, PreTrainedModel

from embtune.errors import Location, ModelError
from embtune.model.dropout import override_in_config, override_in_modules
from embtune.model.embedder import TextEmbedder
from embtune.model.encoder import TransformerEncoder
from embtune.model.limits import positions_of
from embtune.model.quiet import quiet_transformers
from embtune.model.small_decoder import SmallDecoder
from embtune.model.source import find_folder
from embtune.model.tokenizer import TextTokenizer
from embtune.model.transformer import read_tokenizer

NO_LABEL = -100  # what torch's cross entropy skips
LONGEST_TARGET = 512  # tokens, where the model itself cuts nothing: the decoder's attention is quadratic


class PretrainedDecoder(nn.Module):
    """A transformers language model that looks at the embedding through cross-attention.

    Args:
        model: with cross-attention; its first child that holds the layers is `base_model`, the others are its head.
        pad_id: fills rows up.
    """

    def __init__(self, model: PreTrainedModel, pad_id: int) -> None:
        super().__init__()
        self.model = model
        self.head = nn.Sequential(*(child for child in model.children() if child is not model.base_model))
        self._pad_id = pad_id

    @property
    def width(self) -> int:
        """H, of the embeddings it reads."""
        return int(self.model.config.hidden_size)

    @property
    def positions(self) -> int | None:
        """The longest text it can write, in tokens; None where nothing limits it."""
        return positions_of(self.model)

    def split(self, tokens_BT: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs and labels (B, T - 1), at least one position: each token is predicted from those before it."""
        if tokens_BT.shape[1] < 2:
            tokens_BT = nn.functional.pad(tokens_BT, (0, 1), value=NO_LABEL)
        return tokens_BT[:, :-1], tokens_BT[:, 1:]

    def states(self, sentences_BH: Tensor, inputs_BS: Tensor) -> Tensor:
        """(B, S, H). Negative ids are padding; nothing before it sees it."""
        output = self.model.base_model(
            input_ids=inputs_BS.masked_fill(inputs_BS < 0, self._pad_id),
            encoder_hidden_states=sentences_BH[:, None],
            use_cache=False,
            return_dict=True,
        )
        states: Tensor = output.last_hidden_state
        return states

    def logits(self, states_NH: Tensor) -> Tensor:
        """(N, V)."""
        found: Tensor = self.head(states_NH)
        return found


Decoder = PretrainedDecoder | SmallDecoder


def build_decoder(model: TextEmbedder, tie: bool) -> Decoder:
    """A decoder of the model's own architecture and vocabulary. Fresh weights come from torch's global generator.

    Args:
        tie: share the encoder's weights, so that both are trained together; else start from a copy of them.
    """
    dropout = None if model.has_dropout else 0.0
    encoder = model.encoder
    if isinstance(encoder, TransformerEncoder):
        found = _of_architecture(encoder.model, dropout)
        if found is not None:
            _take_weights(encoder.model, found, tie)
            return PretrainedDecoder(found, model.tokenizer.pad_id)
    table = encoder.token_vectors if tie else nn.Parameter(encoder.token_vectors.detach().clone())
    return SmallDecoder(table, dropout=0.1 if dropout is None else dropout)


def read_decoder(name_or_path: str, dropout: float | None) -> tuple[PretrainedDecoder, TextTokenizer]:
    """A decoder with weights and a tokenizer of its own.

    Args:
        name_or_path: a hub id, a folder or `package:NAME/FOLDER` with a transformers checkpoint.
        dropout: overrides every dropout rate; None leaves them.

    Raises:
        ModelError: there is none, or its architecture has no cross-attention.
    """
    folder = find_folder(name_or_path, None, with_code=False)
    tokenizer = read_tokenizer(folder, lower=False, trust_remote_code=False)
    try:
        with quiet_transformers():
            found: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
                str(folder), is_decoder=True, add_cross_attention=True, dtype=torch.float32, use_safetensors=True,
                local_files_only=True, trust_remote_code=False,
            )  # fmt: skip
    except Exception as error:
        raise _no_decoder(folder, f"cannot be read as a decoder: {str(error).strip().partition(chr(10))[0]}") from error
    if not _has_cross_attention(found):
        raise _no_decoder(folder, f"{type(found).__name__} has no cross-attention to read an embedding with")
    if dropout is not None:
        override_in_modules(found, dropout)
    return PretrainedDecoder(found, tokenizer.pad_id), tokenizer


def _no_decoder(folder: Path, message: str) -> ModelError:
    hint = (
        "Decoders have cross-attention: BERT, RoBERTa, XLM-R, ELECTRA and GPT-2 do. Or leave decoder_name_or_path out."
    )
    return ModelError.of("no-decoder", message, hint, Location(str(folder)))


def _of_architecture(backbone: PreTrainedModel, dropout: float | None) -> PreTrainedModel | None:
    """The language model of the backbone's architecture, untrained; None where it has no cross-attention."""
    config = deepcopy(backbone.config)
    config.is_decoder, config.add_cross_attention, config.use_cache = True, True, False
    config._attn_implementation = None  # the usual one: that of a backbone whose texts are packed takes no mask
    if dropout is not None:
        override_in_config(config, dropout)
    found = MODEL_FOR_CAUSAL_LM_MAPPING.get(type(config), None)
    if not isinstance(found, type):
        return None
    with quiet_transformers():
        model: PreTrainedModel = found(config)
    return model if _has_cross_attention(model) and _has_plain_head(model) else None


def _has_cross_attention(model: nn.Module) -> bool:
    names = (name.lower().replace("_", "") for name, _ in model.named_modules())
    return any("crossatt" in name for name in names)


def _has_plain_head(model: PreTrainedModel) -> bool:
    """Whether the model is its base and then its other children in order, as `PretrainedDecoder` has it."""
    decoder = PretrainedDecoder(model, 0).eval()
    tokens = torch.ones((1, 2), dtype=torch.int64)
    sentence = torch.ones((1, decoder.width))
    with torch.no_grad():
        mine = decoder.logits(decoder.states(sentence, tokens))
        wanted = model(input_ids=tokens, encoder_hidden_states=sentence[:, None], use_cache=False).logits
    return mine.shape == wanted.shape and bool(torch.allclose(mine, wanted, atol=1e-5))


def _take_weights(backbone: PreTrainedModel, decoder: PreTrainedModel, tie: bool) -> None:
    """Give the decoder's base the encoder's parameters, shared or copied; the head and cross-attention are its own.

    Low-rank updates put a `base_layer` around a weight: the decoder takes the weight without its update.
    """
    theirs = {
        name.replace(".base_layer", ""): parameter
        for name, parameter in backbone.named_parameters()
        if "lora_" not in name
    }
    base = decoder.base_model
    for name, parameter in list(base.named_parameters()):
        source = theirs.get(name)
        if source is not None and source.shape == parameter.shape:
            owner, _, leaf = name.rpartition(".")
            value = source if tie else nn.Parameter(source.detach().clone())
            setattr(base.get_submodule(owner), leaf, value)
    decoder.tie_weights()  # the head's own tie to the token vectors, which were just exchanged

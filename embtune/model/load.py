"""From a name in a config to a model ready to train."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from torch import Tensor
from transformers import PreTrainedModel

from embtune.errors import Location, ModelError
from embtune.model.adapter import base_folder, is_adapter, is_adapter_alone, merge_adapter
from embtune.model.embedder import EmbedderSettings, TextEmbedder
from embtune.model.encoder import Encoder, TransformerEncoder
from embtune.model.layer_weights import read_layer
from embtune.model.layers import Dense, DenseChoice, Normalize, new_dense
from embtune.model.layout import ModelLayout, StaticLayout, read_layout
from embtune.model.layout_parts import DenseLayout, PoolingLayout, TransformerLayout
from embtune.model.limits import static_limit, transformer_limit
from embtune.model.lora import updated_module
from embtune.model.pooling import Pooling
from embtune.model.queries import add_queries
from embtune.model.scratch import scratch_backbone, scratch_static
from embtune.model.scratch_spec import SCRATCH, ScratchKind, parse_scratch
from embtune.model.source import find_folder
from embtune.model.static import read_static
from embtune.model.tokenizer import TextTokenizer
from embtune.model.transformer import read_backbone, read_tokenizer
from embtune.model.words import PoolingMode

AUTO = "auto"


@dataclass(frozen=True)
class Overrides:
    """What the config wants otherwise than the model's folder; None keeps what the folder says."""

    pooling: PoolingMode | None
    normalize: bool | None
    dense: DenseChoice | None
    prompts: Mapping[str, str]
    max_seq_length: int | None
    dropout: float | None
    trust_remote_code: bool
    seed: int


def load_model(
    name_or_path: str,
    *,
    revision: str | None = None,
    pooling: str | None = None,
    normalize: bool | Literal["auto"] | None = None,
    dense: DenseChoice | None = None,
    prompts: Mapping[str, str] | None = None,
    max_seq_length: int | None = None,
    dropout: float | None = None,
    trust_remote_code: bool = False,
    scratch_texts: Callable[[], Iterable[str]] | None = None,
    seed: int = 0,
) -> TextEmbedder:
    """Find, read and put together a model: float32, on the CPU, in evaluation mode, every parameter trainable.

    Args:
        name_or_path: a hub id, a folder, `package:NAME/FOLDER` or `scratch:...`. A PEFT adapter is merged.
        revision: branch, tag or commit on the hub.
        pooling: a `PoolingMode`; None or "auto" keeps the folder's. A model of its own for queries keeps its pooling,
            scaling and width in any case.
        normalize: whether embeddings end with unit length; None or "auto" keeps the folder's.
        dense: adds a fresh linear map, before the final scaling to unit length if there is one.
        prompts: added to the folder's, and going before them.
        max_seq_length: longest text in tokens; goes before the folder's, and is capped by the model's positions.
        dropout: overrides every dropout rate of the backbone; a static model has none.
        trust_remote_code: run the Python code that comes with a transformers model.
        scratch_texts: gives the texts a `scratch:` model's tokenizer is trained on; called for such a model only.
        seed: from which fresh weights are drawn.

    Returns:
        The model. Its `notes` say what was decided or changed on the way.

    Raises:
        ModelError: there is no such model, or it is broken or of a kind that is not supported.
        ConfigError: it has a model of its own for queries, of another width.
    """
    overrides = Overrides(
        pooling=None if pooling in (None, AUTO) else PoolingMode(pooling),
        normalize=normalize if isinstance(normalize, bool) else None,
        dense=dense,
        prompts=prompts or {},
        max_seq_length=max_seq_length,
        dropout=dropout,
        trust_remote_code=trust_remote_code,
        seed=seed,
    )
    if name_or_path.startswith(SCRATCH):
        return _from_scratch(name_or_path, scratch_texts, overrides)
    folder = find_folder(name_or_path, revision, trust_remote_code)
    if is_adapter_alone(folder):
        return _from_layout(read_layout(base_folder(folder, trust_remote_code)), overrides, folder)
    return _from_layout(read_layout(folder), overrides, None)


def _from_scratch(name: str, scratch_texts: Callable[[], Iterable[str]] | None, overrides: Overrides) -> TextEmbedder:
    spec = parse_scratch(name)
    if scratch_texts is None:
        message = f"{name} is made from training texts, and there are none here"
        raise ModelError.of("no-texts", message, "Name a model that was trained before.")
    encoder: Encoder
    notes: list[str] = []
    if spec.kind is ScratchKind.STATIC:
        encoder, tokenizer = scratch_static(spec, scratch_texts(), overrides.seed)
        limit = static_limit(overrides.max_seq_length, None)
    else:
        backbone, tokenizer = scratch_backbone(spec, scratch_texts(), overrides.seed, overrides.dropout)
        encoder = TransformerEncoder(backbone, Pooling([overrides.pooling or PoolingMode.MEAN]))
        limit, notes = transformer_limit(overrides.max_seq_length, None, tokenizer, backbone)
    settings = EmbedderSettings(limit, dict(overrides.prompts))
    return _assembled(encoder, [], tokenizer, settings, notes, overrides)


def _from_layout(layout: ModelLayout, overrides: Overrides, adapter: Path | None) -> TextEmbedder:
    """Put a model together.

    Args:
        layout: of the model's folder, or of its base model's.
        adapter: the folder of updates to the base model.
    """
    if isinstance(layout.encoder, StaticLayout):
        encoder, tokenizer, limit, notes = _static(layout.encoder, overrides)
    else:
        encoder, tokenizer, limit, notes = _transformer(layout, layout.encoder, overrides)
    if adapter is not None:
        merge_adapter(updated_module(encoder), adapter)
    width = encoder.width
    layers = []
    for part in layout.layers:
        layers.append(read_layer(part, width))
        width = part.out_features if isinstance(part, DenseLayout) else width
    said = layout.settings
    prompts = said.prompts | dict(overrides.prompts)
    settings = EmbedderSettings(limit, prompts, said.default_prompt_name, said.similarity, said.truncate_dim)
    model = _assembled(encoder, layers, tokenizer, settings, notes, overrides)
    if layout.queries is not None:
        as_it_is = replace(overrides, pooling=None, normalize=None, dense=None)
        queries = _from_layout(layout.queries, as_it_is, None)
        if queries.embedding_dim != model.embedding_dim:
            message = f"its queries have {queries.embedding_dim} dims, and its documents {model.embedding_dim}"
            hint = f"Bring documents to the same width, model.dense: {{out_features: {queries.embedding_dim}}}."
            raise ModelError.of("different-widths", message, hint, Location(str(layout.root)))
        add_queries(model, queries)
    return model


_Read = tuple[Encoder, TextTokenizer, int | None, list[str]]


def _static(layout: StaticLayout, overrides: Overrides) -> _Read:
    encoder, tokenizer, limit = read_static(layout.folder)
    return encoder, tokenizer, static_limit(overrides.max_seq_length, limit), []


def _transformer(layout: ModelLayout, part: TransformerLayout, overrides: Overrides) -> _Read:
    backbone, carried = _backbone(part.folder, overrides)
    tokenizer = read_tokenizer(part.folder, part.lower_case, overrides.trust_remote_code)
    _check_vocabulary(part, tokenizer, int(backbone.config.vocab_size))
    pooling, notes = _pooling(layout, overrides, list(backbone.config.architectures or ()))
    hidden = int(backbone.config.hidden_size)
    if pooling.width not in (None, hidden):
        message = f"its pooling expects token vectors of width {pooling.width}, but the model gives {hidden}"
        raise ModelError.of("broken-model", message, None, Location(str(layout.root)))
    encoder = TransformerEncoder(backbone, Pooling(pooling.modes, pooling.include_prompt), carried)
    limit, changed = transformer_limit(overrides.max_seq_length, part.max_seq_length, tokenizer, backbone)
    return encoder, tokenizer, limit, notes + changed


def _backbone(folder: Path, overrides: Overrides) -> tuple[PreTrainedModel, dict[str, Tensor]]:
    """The transformers model of a module's folder, which may hold an adapter instead of the weights."""
    if not is_adapter(folder):
        return read_backbone(folder, overrides.dropout, overrides.trust_remote_code)
    base = read_layout(base_folder(folder, overrides.trust_remote_code)).encoder
    backbone, carried = read_backbone(base.folder, overrides.dropout, overrides.trust_remote_code)
    merge_adapter(backbone, folder)
    return backbone, carried


def _pooling(layout: ModelLayout, overrides: Overrides, architectures: list[str]) -> tuple[PoolingLayout, list[str]]:
    """The override, else what the folder says, else what suits the architecture."""
    if overrides.pooling is not None:
        found = layout.pooling or PoolingLayout(())
        return replace(found, modes=(overrides.pooling,)), []
    if layout.pooling is not None:
        return layout.pooling, []
    causal = any(name.endswith(("ForCausalLM", "LMHeadModel")) for name in architectures)
    mode = PoolingMode.LASTTOKEN if causal else PoolingMode.MEAN
    reason = "a text generator's last token has seen the whole text" if causal else "the usual choice"
    return PoolingLayout((mode,)), [f"model.pooling auto -> {mode} (the folder does not say; {reason})"]


def _check_vocabulary(part: TransformerLayout, tokenizer: TextTokenizer, rows: int) -> None:
    if tokenizer.vocabulary_size > rows:
        message = f"its tokenizer has {tokenizer.vocabulary_size} ids, but the model has vectors for {rows}"
        raise ModelError.of("broken-model", message, None, Location(str(part.folder)))


def _assembled(
    encoder: Encoder,
    layers: list[Dense | Normalize],
    tokenizer: TextTokenizer,
    settings: EmbedderSettings,
    notes: list[str],
    overrides: Overrides,
) -> TextEmbedder:
    """The whole model, with the layers that the config adds or removes."""
    ends_normalised = bool(layers) and isinstance(layers[-1], Normalize)
    before = layers[:-1] if ends_normalised else layers
    model = TextEmbedder(encoder, before, tokenizer, settings, notes)
    added: list[Dense | Normalize] = []
    if overrides.dense is not None:
        added.append(new_dense(model.embedding_dim, overrides.dense, overrides.seed))
    if ends_normalised if overrides.normalize is None else overrides.normalize:
        added.append(Normalize())
    model.layers.extend(added)
    return model.requires_grad_(True).eval()

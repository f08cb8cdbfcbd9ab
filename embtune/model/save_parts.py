"""The classic spelling of single modules' configs, the one that old and new releases read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from transformers import PreTrainedTokenizerBase

from embtune.model.encoder import TransformerEncoder
from embtune.model.layers import Dense
from embtune.model.layout_parts import POOLING_FLAGS
from embtune.model.words import PoolingMode

# What the tokenizer was last asked to do, where it was read from, and words only transformers 5 knows.
PASSING: Final = (
    "backend", "is_local", "local_files_only", "max_length", "pad_to_multiple_of", "stride", "truncation_strategy",
)  # fmt: skip


def pooling_config(encoder: TransformerEncoder) -> dict[str, object]:
    """`1_Pooling/config.json`.

    Flags say which modes there are but not their order; modes in another order than the flags' are spelt as release 6
    does, the only one that can keep it.
    """
    pooling = encoder.pooling
    config: dict[str, object] = {
        "word_embedding_dimension": int(encoder.model.config.hidden_size),
        "include_prompt": pooling.include_prompt,
    }
    if list(pooling.modes) != [mode for mode in PoolingMode if mode in pooling.modes]:
        names = {PoolingMode.MEAN_SQRT_LEN: "mean_sqrt_len_tokens"}
        return config | {"pooling_mode": [names.get(mode, mode.value) for mode in pooling.modes]}
    return config | {flag: mode in pooling.modes for mode, flag in POOLING_FLAGS.items()}


def dense_config(dense: Dense) -> dict[str, object]:
    """`N_Dense/config.json`. `use_residual` is left out where it is false: old releases do not know it."""
    activation = type(dense.activate)
    config = {
        "in_features": dense.in_features,
        "out_features": dense.out_features,
        "bias": dense.linear.bias is not None,
        "activation_function": f"{activation.__module__}.{activation.__qualname__}",
    }
    return config | ({"use_residual": True} if dense.adds_input else {})


def tidy_model_config(config: Mapping[str, object]) -> dict[str, object]:
    """`config.json` that transformers 4 reads alike: its rotary base is a key of its own there."""
    tidy = dict(config)
    rotary = config.get("rope_parameters")
    if isinstance(rotary, dict) and "rope_theta" in rotary:
        tidy.setdefault("rope_theta", rotary["rope_theta"])
    return tidy


def tidy_tokenizer_config(config: Mapping[str, object], tokenizer: PreTrainedTokenizerBase) -> dict[str, object]:
    """`tokenizer_config.json` for the generic class that takes `tokenizer.json` as it is, in transformers 4 and 5."""
    tidy = {key: value for key, value in config.items() if key not in PASSING}
    extra = tidy.pop("extra_special_tokens", None)  # a list here; transformers 4 takes a list under the older name only
    if extra:
        tidy["additional_special_tokens"] = extra
    return tidy | _written_out(tokenizer)


def _written_out(tokenizer: PreTrainedTokenizerBase) -> dict[str, object]:
    """What the generic class of transformers 4 would otherwise set to a default of its own."""
    written: dict[str, object] = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_input_names": list(tokenizer.model_input_names),  # by default token types too, which some models refuse
    }
    cutter = json.loads(tokenizer.backend_tokenizer.to_str())["pre_tokenizer"] or {}
    if "add_prefix_space" in cutter:  # by default false, whatever tokenizer.json says
        written["add_prefix_space"] = cutter["add_prefix_space"]
    return written

"""Keys that settings files of models have, and values that they should not."""

from __future__ import annotations

from hypothesis import strategies as st

SIZES = st.sampled_from(
    [
        0,
        -1,
        1,
        2,
        3,
        7,
        2**16,
        10**6,
        2**31,
        2**40,
        10**12,
        2**63,
        2**64,
        10**30,
        1.5,
        1e308,
        float("nan"),
        float("inf"),
        -0.5,
    ]
)
WORDS = st.sampled_from([
    "", "gelu", "relu", "mean", "cls", "os.system", "torch.nn.Module", "torch.load", "builtins.eval", "__import__",
    "../../etc/passwd", "/etc/passwd", "/dev/zero", "..", ".",
    "C:\\x", "\0", "a" * 5000, "\ud800", "bert", "llama", "no-such", "BertModel", "evil.Model", "evil/kernel",
    "flash_attention_2", "kernels-community/x", "float16", "bfloat16", "float8_e4m3fn",
    "sentence_transformers.models.Router", "sentence_transformers.models.Transformer",
    "sentence_transformers.models.Pooling", "sentence_transformers.models.Dense",
    "sentence_transformers.models.StaticEmbedding", "sentence_transformers.models.WordEmbeddings", "model",
    "model/base", "https://example.invalid/x", "{{7*7}}", "query", "document",
])  # fmt: skip
SCALARS = st.one_of(st.none(), st.booleans(), SIZES, SIZES, WORDS, WORDS, st.integers(), st.text(max_size=5))
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3), max_leaves=6
) | st.sampled_from(["x"]).map(lambda text: [[[[text]]]] * 3)
KEYS = st.sampled_from([
    "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "vocab_size",
    "max_position_embeddings", "type_vocab_size", "pad_token_id", "hidden_act",
    "num_labels", "id2label", "label2id", "layer_norm_eps", "hidden_dropout_prob", "attention_probs_dropout_prob",
    "initializer_range", "position_embedding_type", "model_type",
    "architectures", "auto_map", "quantization_config", "torch_dtype", "dtype", "attn_implementation",
    "_attn_implementation", "rope_scaling", "rope_theta", "rope_parameters", "layer_types",
    "head_dim", "num_key_value_heads", "sliding_window", "tie_word_embeddings", "is_decoder", "add_cross_attention",
    "use_cache", "output_hidden_states", "return_dict", "torchscript",
    "chunk_size_feed_forward", "pruned_heads", "is_encoder_decoder", "sub_configs", "text_config", "tokenizer_class",
    "transformers_version", "max_seq_length", "do_lower_case",
    "model_max_length", "added_tokens_decoder", "extra_special_tokens", "chat_template", "truncation_side",
    "padding_side", "pooling_mode", "word_embedding_dimension", "embedding_dimension",
    "pooling_mode_cls_token", "include_prompt", "in_features", "out_features", "bias", "activation_function",
    "use_residual", "prompts", "default_prompt_name", "similarity_fn_name",
    "truncate_dim", "type", "path", "name", "idx", "types", "structure", "parameters", "base_model_name_or_path",
    "peft_type", "r", "lora_alpha", "target_modules", "layers_to_transform",
    "alpha_pattern", "rank_pattern", "megatron_config", "modules_to_save", "exclude_modules", "task_type",
    "init_lora_weights", "use_dora", "layer_replication", "truncation", "padding",
    "normalizer", "pre_tokenizer", "post_processor", "decoder", "model", "vocab", "unk_token", "added_tokens",
    "embedding_size", "d_model", "d_kv", "num_buckets", "relative_attention",
])  # fmt: skip

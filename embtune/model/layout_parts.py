"""The folders of single modules, described. Both spellings of each: release 6 of Sentence Transformers, and before."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from embtune.catalog.choices import Similarity
from embtune.model.json_object import JsonObject
from embtune.model.words import Activation, PoolingMode

POOLING_FLAGS = {
    PoolingMode.CLS: "pooling_mode_cls_token",
    PoolingMode.MAX: "pooling_mode_max_tokens",
    PoolingMode.MEAN: "pooling_mode_mean_tokens",
    PoolingMode.MEAN_SQRT_LEN: "pooling_mode_mean_sqrt_len_tokens",
    PoolingMode.WEIGHTEDMEAN: "pooling_mode_weightedmean_tokens",
    PoolingMode.LASTTOKEN: "pooling_mode_lasttoken",
}
POOLING_NAMES = {"mean_sqrt_len_tokens": PoolingMode.MEAN_SQRT_LEN} | {mode.value: mode for mode in PoolingMode}
ACTIVATION_CLASSES = {
    "Identity": Activation.IDENTITY,
    "Tanh": Activation.TANH,
    "ReLU": Activation.RELU,
    "GELU": Activation.GELU,
    "Sigmoid": Activation.SIGMOID,
    "SiLU": Activation.SILU,
    "Mish": Activation.MISH,
    "ELU": Activation.ELU,
    "SELU": Activation.SELU,
    "LeakyReLU": Activation.LEAKY_RELU,
    "Softplus": Activation.SOFTPLUS,
}
TRANSFORMER_SETTINGS = tuple(
    f"sentence_{kind}_config.json"
    for kind in ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
)


@dataclass(frozen=True)
class TransformerLayout:
    """A transformers model with its tokenizer. `max_seq_length` is None where only the tokenizer says."""

    folder: Path
    max_seq_length: int | None
    lower_case: bool


@dataclass(frozen=True)
class PoolingLayout:
    """How token embeddings become one vector. `width` is that of the token embeddings, None where not said."""

    modes: tuple[PoolingMode, ...]
    include_prompt: bool = True
    width: int | None = None


@dataclass(frozen=True)
class DenseLayout:
    """A linear map; its weights are in `folder`."""

    folder: Path
    in_features: int
    out_features: int
    activation: Activation
    bias: bool
    residual: bool


@dataclass(frozen=True)
class NormalizeLayout:
    """The scaling to unit length."""


LayerLayout = DenseLayout | NormalizeLayout


@dataclass(frozen=True)
class SettingsLayout:
    """`config_sentence_transformers.json`."""

    prompts: dict[str, str]
    default_prompt_name: str | None
    similarity: Similarity
    truncate_dim: int | None


def read_settings(root: Path) -> SettingsLayout:
    """The settings of the whole model; defaults where the folder has none.

    Raises:
        ModelError: a value is of the wrong kind, or the model is no text embedder.
    """
    found = JsonObject.read_if_there(root / "config_sentence_transformers.json")
    kind = found.text("model_type", "SentenceTransformer")
    if kind != "SentenceTransformer":
        raise found.error("model_type", f"a {kind} is no text embedder", "embtune trains SentenceTransformer models.")
    prompts, default = found.texts("prompts"), found.text("default_prompt_name")
    if default is not None and default not in prompts:
        raise found.error("default_prompt_name", f"{default!r} is not among the prompts")
    word = found.text("similarity_fn_name", Similarity.COSINE)
    if word not in set(Similarity):
        raise found.error("similarity_fn_name", f"{word!r} is not one of {', '.join(Similarity)}")
    return SettingsLayout(prompts, default, Similarity(word), found.size("truncate_dim"))


def read_transformer(folder: Path) -> TransformerLayout:
    """The settings beside a transformers model.

    Raises:
        ModelError: the model does something else than to give token embeddings.
    """
    path = next((folder / name for name in TRANSFORMER_SETTINGS if (folder / name).is_file()), None)
    found = JsonObject.read_if_there(path or folder / TRANSFORMER_SETTINGS[0])
    for key, wanted in (("transformer_task", "feature-extraction"), ("module_output_name", "token_embeddings")):
        if (word := found.text(key, wanted)) != wanted:
            raise found.error(key, f"{word!r} is not supported", f"Text embedders have {wanted!r}.")
    return TransformerLayout(folder, found.size("max_seq_length"), found.flag("do_lower_case"))


def read_pooling(folder: Path) -> PoolingLayout:
    """A pooling folder.

    Raises:
        ModelError: a mode that does not exist.
    """
    found = JsonObject.read(folder / "config.json")
    names = found.words("pooling_mode")
    unknown = [name for name in names if name not in POOLING_NAMES]
    if unknown:
        raise found.error("pooling_mode", f"no mode {unknown[0]!r}", f"Modes are {', '.join(POOLING_NAMES)}.")
    modes = tuple(POOLING_NAMES[name] for name in names)
    modes = modes or tuple(mode for mode, flag in POOLING_FLAGS.items() if found.flag(flag))
    width = found.size("embedding_dimension") or found.size("word_embedding_dimension")
    return PoolingLayout(modes or (PoolingMode.MEAN,), found.flag("include_prompt", True), width)


def read_dense(folder: Path) -> DenseLayout:
    """A linear map's folder.

    Raises:
        ModelError: it maps something else than the pooled vector, or its activation is not a known one.
    """
    found = JsonObject.read(folder / "config.json")
    _needs_pooled_input(found)
    in_features, out_features = found.size("in_features"), found.size("out_features")
    if in_features is None or out_features is None:
        raise found.error("in_features" if in_features is None else "out_features", "missing")
    residual = found.flag("use_residual")
    return DenseLayout(folder, in_features, out_features, _activation(found), found.flag("bias", True), residual)


def read_normalize(folder: Path) -> NormalizeLayout:
    """A normalising module's folder, empty or missing in older layouts.

    Raises:
        ModelError: it scales something else than the pooled vector.
    """
    _needs_pooled_input(JsonObject.read_if_there(folder / "config.json"))
    return NormalizeLayout()


def _needs_pooled_input(found: JsonObject) -> None:
    for key in ("module_input_name", "module_output_name"):
        if (word := found.text(key, "sentence_embedding")) != "sentence_embedding":
            raise found.error(key, f"{word!r} is not supported", "Only layers after pooling are.")


def _activation(found: JsonObject) -> Activation:
    """A class of torch.nn by its dotted path; nothing is imported for it."""
    path = found.text("activation_function", "torch.nn.modules.activation.Tanh") or ""
    package, _, name = path.rpartition(".")
    if not (package == "torch.nn" or package.startswith("torch.nn.modules.")) or name not in ACTIVATION_CLASSES:
        known = ", ".join(f"torch.nn.{known}" for known in ACTIVATION_CLASSES)
        raise found.error("activation_function", f"{path!r} is not a known activation", f"Known are {known}.")
    return ACTIVATION_CLASSES[name]

"""Write a model in the classic Sentence Transformers layout, which releases 3.4 to 6 read alike.

modules.json  config_sentence_transformers.json  README.md
transformer:  config.json  model.safetensors  tokenizer*.json  sentence_bert_config.json  1_Pooling/config.json
static:       0_StaticEmbedding/model.safetensors  0_StaticEmbedding/tokenizer.json
then:         N_Dense/config.json  N_Dense/model.safetensors  N_Normalize/

A model with another one for queries is written as a Router, which releases 5 and 6 read and older ones do not:
router_config.json, and all of the above in folders document_N_<Module> and query_N_<Module>.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import torch
import transformers
from torch import nn

from embtune.files import directory_beside
from embtune.model.embedder import TextEmbedder
from embtune.model.encoder import StaticEncoder, TransformerEncoder
from embtune.model.layers import Dense
from embtune.model.layout import MODULES
from embtune.model.lora import merged_tensors
from embtune.model.quiet import quiet_transformers
from embtune.model.router_layout import DOCUMENT, QUERY, ROUTER_CONFIG
from embtune.model.save_files import change_json, write_json, write_tensors
from embtune.model.save_parts import dense_config, pooling_config, tidy_model_config, tidy_tokenizer_config
from embtune.model.static import TABLE

LAYOUT_VERSION = "3.4.1"  # the oldest release that reads it; a newer number makes older releases warn
ROUTER_VERSION = "5.0.0"


def save_model(
    model: TextEmbedder, folder: Path, readme: str | None = None, more: Callable[[Path], None] | None = None
) -> None:
    """Write the model as `folder`, which is whole or, on an error, what it was before.

    Args:
        model: on any device; it is not changed. Low-rank updates are added to the weights that are written.
        folder: replaced if it exists.
        readme: text of the model card.
        more: writes further files, which are no part of the layout, into the folder it is given.

    Raises:
        RunError: the disk is full, or not to be written to.
    """
    with directory_beside(folder) as beside:
        if more is not None:
            more(beside)
        if readme is not None:
            (beside / "README.md").write_text(readme, encoding="utf-8")
        modules = _save_modules(model, beside) if model.queries is None else _save_router(model, model.queries, beside)
        write_json(beside / MODULES, [_module_entry(number, *module) for number, module in enumerate(modules)])
        write_json(beside / "config_sentence_transformers.json", _settings(model))


_Module = tuple[str, str]  # class name, folder


def _save_router(documents: TextEmbedder, queries: TextEmbedder, root: Path) -> list[_Module]:
    """Both models, each as a route: texts of no stated task are documents."""
    routes = {
        route: _save_modules(model, root, f"{route}_") for route, model in ((QUERY, queries), (DOCUMENT, documents))
    }
    types = {folder: _full_name(name) for modules in routes.values() for name, folder in modules}
    structure = {route: [folder for _, folder in modules] for route, modules in routes.items()}
    parameters = {"default_route": DOCUMENT, "allow_empty_key": True}
    write_json(root / ROUTER_CONFIG, {"types": types, "structure": structure, "parameters": parameters})
    return [("Router", "")]


def _save_modules(model: TextEmbedder, root: Path, prefix: str = "") -> list[_Module]:
    """Every module of one model. A transformer lies in `root` itself, unless folders get a prefix."""
    modules = _save_encoder(model, root, prefix)
    for layer in model.layers:
        modules.append(_save_layer(layer, f"{prefix}{len(modules)}", root))
    return modules


def _save_encoder(model: TextEmbedder, root: Path, prefix: str) -> list[_Module]:
    if isinstance(model.encoder, StaticEncoder):
        folder = f"{prefix}0_StaticEmbedding"
        _save_static(model, model.encoder, root / folder)
        return [("StaticEmbedding", folder)]
    assert isinstance(model.encoder, TransformerEncoder)
    folder, pooling = f"{prefix}0_Transformer" if prefix else "", f"{prefix}1_Pooling"
    _save_transformer(model, model.encoder, root / folder)
    write_json(root / pooling / "config.json", pooling_config(model.encoder))
    return [("Transformer", folder), ("Pooling", pooling)]


def _save_transformer(model: TextEmbedder, encoder: TransformerEncoder, root: Path) -> None:
    pretrained = model.tokenizer.pretrained
    assert pretrained is not None, "a transformer's tokenizer is a transformers tokenizer"
    with quiet_transformers():
        encoder.model.save_pretrained(root, state_dict=merged_tensors(encoder.model) | encoder.carried)
        pretrained.save_pretrained(root)
    change_json(root / "config.json", tidy_model_config)
    limits = {} if model.max_seq_length is None else {"model_max_length": model.max_seq_length}
    change_json(root / "tokenizer_config.json", lambda config: tidy_tokenizer_config(config, pretrained) | limits)
    # The tokenizer lowers by itself where it has to, so the flag that asks for it a second time stays false.
    write_json(root / "sentence_bert_config.json", {"max_seq_length": model.max_seq_length, "do_lower_case": False})


def _save_static(model: TextEmbedder, encoder: StaticEncoder, folder: Path) -> None:
    folder.mkdir()
    write_tensors({TABLE: merged_tensors(encoder)[TABLE]}, folder)
    described = json.loads(model.tokenizer.backend.to_str())
    if model.max_seq_length is not None:  # this file is the only place for it that Sentence Transformers looks at
        described["truncation"] = {
            "direction": "Right", "max_length": model.max_seq_length, "strategy": "LongestFirst", "stride": 0,
        }  # fmt: skip
    write_json(folder / "tokenizer.json", described)


def _save_layer(layer: nn.Module, number: str, root: Path) -> _Module:
    name = type(layer).__name__
    folder = root / f"{number}_{name}"
    folder.mkdir()
    if isinstance(layer, Dense):
        write_json(folder / "config.json", dense_config(layer))
        write_tensors(layer.state_dict(), folder)
    return name, folder.name


def _module_entry(number: int, name: str, path: str) -> dict[str, object]:
    return {"idx": number, "name": str(number), "path": path, "type": _full_name(name)}


def _full_name(name: str) -> str:
    """Of a module's class, as every release knows it."""
    return f"sentence_transformers.models.{name}"


def _settings(model: TextEmbedder) -> dict[str, object]:
    settings = model.settings
    versions = {"transformers": transformers.__version__, "pytorch": str(torch.__version__)}
    written: dict[str, object] = {
        "__version__": {"sentence_transformers": LAYOUT_VERSION if model.queries is None else ROUTER_VERSION}
        | versions,
        "prompts": settings.prompts,
        "default_prompt_name": settings.default_prompt_name,
        "similarity_fn_name": settings.similarity.value,
    }
    return written if settings.truncate_dim is None else written | {"truncate_dim": settings.truncate_dim}

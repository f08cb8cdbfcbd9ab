"""Small sound model folders of every kind, from which broken and hostile ones are made."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "model"))

from small_models import TEXTS, save_plain

from embtune.config.sections.model import LoraConfig
from embtune.model.adapter import save_adapter
from embtune.model.embedder import TextEmbedder
from embtune.model.load import load_model
from embtune.model.lora import add_lora
from embtune.model.queries import add_queries
from embtune.model.save import save_model

ARCHITECTURES = ("bert", "modernbert", "qwen3", "t5", "deberta")
_TRANSFORMER = "transformer?layers=1&width=16&heads=2&vocab=80"
_STATIC = "static?width=16&vocab=80"


class _Dense:
    out_features = 16
    activation = "tanh"


def make_templates(root: Path) -> None:
    """Write all of them into `root`, each in a folder of its name."""
    made: dict[str, Callable[[Path], None]] = {
        "whole": lambda folder: save_model(_scratch(_TRANSFORMER, whole=True), folder),
        "static": lambda folder: save_model(_scratch(_STATIC), folder),
        "router": lambda folder: save_model(_pair(), folder),
        "adapter": _save_adapter,
    }
    for name, save in made.items():
        save(root / name)
    for name in ARCHITECTURES:
        save_plain(name, root / name)


def _scratch(kind: str, whole: bool = False) -> TextEmbedder:
    return load_model(
        f"scratch:{kind}",
        scratch_texts=lambda: TEXTS,
        dense=_Dense() if whole else None,
        normalize=whole or None,
        prompts={"query": "ask: "},
    )


def _pair() -> TextEmbedder:
    model = _scratch(_TRANSFORMER)
    add_queries(model, _scratch(_STATIC))
    return model


def _save_adapter(folder: Path) -> None:
    """An adapter with its base model inside, by a path from where the command runs."""
    base = folder / "base"
    base.mkdir(parents=True)
    save_model(_scratch(_TRANSFORMER), base / "model")
    model = load_model(str(base / "model"))
    add_lora(model, LoraConfig(r=2), "base", None, seed=0)
    save_adapter(model, base / "adapter")
    for path in (base / "adapter").iterdir():
        path.rename(folder / path.name)
    config = folder / "adapter_config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"base_model_name_or_path": "model/base/model"}))

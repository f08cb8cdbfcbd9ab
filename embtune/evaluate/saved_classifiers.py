"""Trained heads beside the model, in a folder that Sentence Transformers does not look into.

<model>/embtune/pair_classifiers.json          classes, widths and what the heads see
                pair_classifiers.safetensors   "<number>.<width>.weight" and ".bias"
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from embtune.errors import Location, ModelError
from embtune.evaluate.class_pairs import PairClassifier
from embtune.losses.pair_head import PairFeatures, PairHead

FOLDER = "embtune"
_DESCRIPTION, _WEIGHTS = "pair_classifiers.json", "pair_classifiers.safetensors"


def save_classifiers(classifiers: Sequence[PairClassifier], model: Path) -> None:
    """Write them into a model's folder; nothing where there are none."""
    if not classifiers:
        return
    folder = model / FOLDER
    folder.mkdir(exist_ok=True)
    described = [_described(each) for each in classifiers]
    text = json.dumps({"classifiers": described}, indent=2, ensure_ascii=False) + "\n"
    (folder / _DESCRIPTION).write_text(text, encoding="utf-8")
    tensors = {
        f"{number}.{width}.{name}": tensor.detach().float().cpu().contiguous()
        for number, classifier in enumerate(classifiers)
        for width, head in classifier.heads.items()
        for name, tensor in (("weight", head.weight), ("bias", head.bias))
    }
    save_file(tensors, folder / _WEIGHTS, metadata={"format": "pt"})


def load_classifiers(model: Path) -> tuple[PairClassifier, ...]:
    """Those beside a model, in the order they were saved; none where there are none.

    Raises:
        ModelError: the files are not what `save_classifiers` wrote.
    """
    path = model / FOLDER / _DESCRIPTION
    if not path.is_file():
        return ()
    try:
        described = json.loads(path.read_text(encoding="utf-8"))["classifiers"]
        tensors = load_file(path.with_name(_WEIGHTS))
        return tuple(_read(number, each, tensors) for number, each in enumerate(described))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        message = f"the trained heads cannot be read: {type(error).__name__}: {error}"
        raise ModelError.of("broken-model", message, "save the model anew", Location(str(path))) from error


def _described(classifier: PairClassifier) -> dict[str, object]:
    first = next(iter(classifier.heads.values()))
    return {
        "classes": list(classifier.classes),
        "widths": sorted(classifier.heads, reverse=True),
        "outputs": len(first.bias),
        "features": asdict(first.features),
        "unit_vectors": first.unit_vectors,
    }


def _read(number: int, described: Mapping[str, object], tensors: Mapping[str, Tensor]) -> PairClassifier:
    classes, widths, features = described["classes"], described["widths"], described["features"]
    if not (isinstance(classes, list) and isinstance(widths, list) and isinstance(features, dict)):
        raise TypeError("classes and widths are lists, features is an object")
    sees, outputs = PairFeatures(**features), int(str(described["outputs"]))
    heads: dict[int, PairHead] = {}
    for width in map(int, widths):
        with torch.random.fork_rng(devices=()):  # what is drawn is overwritten
            heads[width] = PairHead(width, outputs, sees, unit_vectors=described["unit_vectors"] is True)
        heads[width].load_state_dict({name: tensors[f"{number}.{width}.{name}"] for name in ("weight", "bias")})
    return PairClassifier(tuple(map(str, classes)), heads)

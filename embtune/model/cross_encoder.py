"""Models that read two texts at once and give one score: more exact than vectors, and once a pair instead of a text.

Paper: Nogueira, Cho 2019, "Passage Re-ranking with BERT", arXiv:1901.04085.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Encoding
from torch import Tensor, nn
from transformers import PreTrainedModel

from embtune.errors import Location, ModelError
from embtune.model.encode import TOKENISED_AT_ONCE, length_batches
from embtune.model.fingerprint import config_values, module_fingerprint
from embtune.model.json_object import JsonObject, check_files, read_json
from embtune.model.layout import MODULES
from embtune.model.limits import transformer_limit
from embtune.model.source import find_folder
from embtune.model.tokenizer import TextTokenizer
from embtune.model.transformer import read_scorer, read_tokenizer

Pair = tuple[str, str]
_CLASSIFIER = "ForSequenceClassification"  # how transformers ends the names of such classes
_SEGMENTS = "token_type_ids"


@dataclass(frozen=True, eq=False)
class CrossEncoder:
    """A model and its tokenizer, which cuts pairs at the model's length: of the longer text first, token by token.

    max_length: tokens of a pair, special ones included; None cuts nothing.
    """

    model: PreTrainedModel
    tokenizer: TextTokenizer
    max_length: int | None

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.model.device

    def to(self, device: torch.device | str) -> None:
        """Move the weights there."""
        module: nn.Module = self.model
        module.to(device)

    def fingerprint(self) -> str:
        """32 hexadecimal digits of everything that decides a score. Reads every weight once."""
        said = [config_values(self.model.config), self.tokenizer.fingerprint(), self.max_length]
        return module_fingerprint(self.model, said)

    def tokenise(self, pairs: Sequence[Pair]) -> list[Encoding]:
        """The tokens of each pair, and to which of its texts they belong."""
        found: list[Encoding] = []
        for start in range(0, len(pairs), TOKENISED_AT_ONCE):
            found += self.tokenizer.backend.encode_batch_fast(list(pairs[start : start + TOKENISED_AT_ONCE]))
        return found

    def score(self, batch: Sequence[Encoding]) -> Tensor:
        """(len(batch),) scores of tokenised pairs, which are padded to the longest of them."""
        inputs = {
            "input_ids": _padded([each.ids for each in batch], self.tokenizer.pad_id),
            "attention_mask": _padded([[1] * len(each.ids) for each in batch], 0),
        }
        if self._marks_segments:
            inputs[_SEGMENTS] = _padded([each.type_ids for each in batch], 0)
        scored = self.model(**{name: tensor.to(self.device) for name, tensor in inputs.items()})
        scores: Tensor = scored.logits[:, 0]
        return scores

    @property
    def pads(self) -> bool:
        """Whether pairs of several lengths go together: a text generator must know its padding to look before it."""
        return getattr(self.model.config, "pad_token_id", None) is not None

    @property
    def _marks_segments(self) -> bool:
        known = self.tokenizer.pretrained
        return known is not None and _SEGMENTS in known.model_input_names


def is_cross_encoder(name_or_path: str, revision: str | None = None) -> bool:
    """Whether a model that is named scores pairs, by what its folder says, and gives no vectors.

    Raises:
        ModelError: there is no such model, or a file of it is broken.
    """
    folder = find_folder(name_or_path, revision, with_code=False)
    check_files(folder)
    classes = JsonObject.read_if_there(folder / "config.json").words("architectures")
    modules = read_json(folder / MODULES) if (folder / MODULES).is_file() else []
    pools = isinstance(modules, list) and len(modules) > 1  # a sentence embedder that was made of a classifier
    return any(name.endswith(_CLASSIFIER) for name in classes) and not pools


def load_cross_encoder(name_or_path: str, revision: str | None = None) -> CrossEncoder:
    """Find and read a cross-encoder: a sequence classifier of transformers with one output. Float32, on the CPU.

    Args:
        name_or_path: a hub id, a folder or `package:NAME/FOLDER`. Weights are safetensors, and no code in it is run.
        revision: branch, tag or commit on the hub.

    Raises:
        ModelError: there is no such model, it is broken, or it is of another kind.
    """
    folder = find_folder(name_or_path, revision, with_code=False)
    check_files(folder)
    model = read_scorer(folder)
    tokenizer = read_tokenizer(folder, lower=False, trust_remote_code=False)
    limit, _ = transformer_limit(None, None, tokenizer, model)
    _check_fits(folder, tokenizer, model, limit)
    if limit is not None:
        side = "right" if tokenizer.pretrained is None else tokenizer.pretrained.truncation_side
        tokenizer.backend.enable_truncation(limit, strategy="longest_first", direction=side)
    return CrossEncoder(model, tokenizer, limit)


def _check_fits(folder: Path, tokenizer: TextTokenizer, model: PreTrainedModel, limit: int | None) -> None:
    rows = int(model.config.vocab_size)
    if tokenizer.vocabulary_size > rows:
        message = f"its tokenizer has {tokenizer.vocabulary_size} ids, but the model has vectors for {rows}"
        raise ModelError.of("broken-model", message, None, Location(str(folder)))
    special = tokenizer.backend.num_special_tokens_to_add(True)
    if limit is not None and limit < special + 2:
        message = f"its length of {limit} tokens leaves no room for two texts beside {special} special tokens"
        raise ModelError.of("length-too-small", message, None, Location(str(folder)))


def score_pairs(
    model: CrossEncoder,
    pairs: Sequence[Pair],
    *,
    token_budget: int = 4096,
    device: torch.device | str | None = None,
    autocast: Callable[[], AbstractContextManager[object]] = nullcontext,
    progress: Callable[[int], None] | None = None,
) -> np.ndarray:
    """Score pairs of texts. The order and the batches change a score by rounding only.

    Args:
        model: in evaluation mode, as it was loaded.
        pairs: any number, the query first.
        token_budget: token slots computed at once; a longer pair goes alone.
        device: where to compute; the model is moved there. None leaves it where it is.
        autocast: makes the context each batch is computed in.
        progress: called with the number of pairs just scored.

    Returns:
        (N,) float32, as the model's last layer gives them: no sigmoid, whatever the model's folder wants after it.
    """
    if device is not None:
        model.to(device)
    tokens = model.tokenise(pairs)
    scores = np.empty(len(pairs), dtype=np.float32)
    for rows in length_batches([len(each.ids) for each in tokens], token_budget if model.pads else 1):
        with torch.inference_mode(), autocast():
            scores[rows] = model.score([tokens[row] for row in rows]).float().cpu().numpy()
        if progress:
            progress(len(rows))
    return scores


def _padded(rows: Sequence[Sequence[int]], fill: int) -> Tensor:
    """(len(rows), longest) int64, filled up on the right."""
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[fill] * (longest - len(row))] for row in rows], dtype=torch.int64)

"""How the denoising autoencoder, which needs a real model, is held against plain loops and Sentence Transformers.

A small BERT without dropout embeds three damaged texts; the gradient is that of all of the decoder's parameters, those
it shares with the encoder among them.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from parity_cases import Outcome
from small_models import TEXTS, save_plain
from torch import Tensor, nn

from embtune.catalog.entries.denoising_auto_encoder import DenoisingAutoEncoderParameters
from embtune.losses.denoising_auto_encoder import DenoisingAutoEncoder
from embtune.losses.objective import NO_TOKEN, Batch, BuildContext, View
from embtune.model.embedder import TextEmbedder
from embtune.model.load import load_model
from embtune.pipeline.decoders import Decoders

DAMAGED = ["a man playing stage", "dogs run field third", "treatment blood"]
ORIGINAL = TEXTS[:3]
TARGET = View("text", "decoder")


def target_ids(model: TextEmbedder, texts: list[str], max_length: int | None = 20) -> Tensor:
    """(B, T) int64 token ids, padded with `NO_TOKEN`."""
    rows = model.tokenizer.encode(texts, max_length)
    length = max(map(len, rows))
    padded = [np.pad(row, (0, length - len(row)), constant_values=NO_TOKEN) for row in rows]
    return torch.from_numpy(np.stack(padded)).long()


def denoising_batch(table_BD: Tensor, tokens_BT: Tensor, whole: Batch | None = None) -> Batch:
    """A step of damaged texts that are embedded as `table_BD`."""
    return Batch({View("text"): table_BD[None]}, size=len(table_BD), targets={TARGET: tokens_BT}, whole=whole)


def denoising_objective(model: TextEmbedder, width: int | None = None) -> DenoisingAutoEncoder:
    """The loss around a model, its decoder always drawn alike."""
    torch.manual_seed(0)
    context = BuildContext(width or model.embedding_dim, model.depth, decoder=Decoders(model).build)
    return DenoisingAutoEncoder.build(DenoisingAutoEncoderParameters(), context)


@dataclass(frozen=True)
class DenoisingCase:
    """The one case there is."""

    label = "DenoisingAutoEncoderLoss, tied, through a small BERT"
    loss = "DenoisingAutoEncoderLoss"
    known_to_sentence_transformers = True

    @cached_property
    def _folder(self) -> TemporaryDirectory[str]:
        folder = TemporaryDirectory()
        save_plain("bert", Path(folder.name))
        return folder

    def model(self) -> TextEmbedder:
        """A fresh copy of the model."""
        return load_model(self._folder.name, dropout=0.0).eval()

    def embtune(self) -> Outcome:
        """What embtune computes in float32."""
        model = self.model()
        loss = denoising_objective(model)
        embedded = model(model.collate(model.tokenizer.encode(DAMAGED, model.max_seq_length)))[-1]
        batch = denoising_batch(embedded, target_ids(model, ORIGINAL, model.max_seq_length))
        return _outcome(loss.terms(batch)["denoising"], loss.get_submodule("decoder.model"))

    def reference(self) -> Outcome:
        """Token by token, in float64."""
        model = self.model().double()
        loss = denoising_objective(model).double()
        embedded = model(model.collate(model.tokenizer.encode(DAMAGED, model.max_seq_length)))[-1]
        costs = []
        for sentence, row in zip(embedded, target_ids(model, ORIGINAL, model.max_seq_length), strict=True):
            ids = row[row != NO_TOKEN]
            for place in range(1, len(ids)):
                states = loss.decoder.states(sentence[None], ids[None, :place])
                logits = loss.decoder.logits(states)[0, -1]
                costs.append(logits.exp().sum().log() - logits[ids[place]])
        return _outcome(torch.stack(costs).mean(), loss.get_submodule("decoder.model"))

    def sentence_transformers(self) -> Outcome:
        """What Sentence Transformers computes in float32, with embtune's decoder."""
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.sentence_transformer.losses import DenoisingAutoEncoderLoss

        decoder = denoising_objective(self.model()).get_submodule("decoder.model")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = SentenceTransformer(self._folder.name, device="cpu").eval()
            loss = DenoisingAutoEncoderLoss(model, tie_encoder_decoder=True).eval()
        loss.decoder.load_state_dict(decoder.state_dict())
        return _outcome(loss([model.preprocess(DAMAGED), model.preprocess(ORIGINAL)], None), loss.decoder)


def _outcome(value: Tensor, decoder: nn.Module) -> Outcome:
    """The value and all gradients of the decoder, end to end; those that have none are zero."""
    named = sorted(decoder.named_parameters())
    gradients = torch.autograd.grad(value, [parameter for _, parameter in named], materialize_grads=True)
    return Outcome(value.detach(), torch.cat([gradient.flatten() for gradient in gradients]))

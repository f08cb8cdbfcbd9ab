"""A decoder beside the model. Legend: B rows, T tokens, S decoder positions, N tokens to predict, D, H widths."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from embtune.catalog.entries.denoising_auto_encoder import DenoisingAutoEncoderParameters
from embtune.catalog.formats import DAMAGED, TEXT
from embtune.catalog.spec import Coupling
from embtune.losses.decoder import Decoder
from embtune.losses.objective import NO_TOKEN, Batch, BuildContext, Objective, Request, View
from embtune.losses.views import request_columns

_TOKENS_AT_ONCE = 1024  # logits are (tokens, vocabulary): a few of them at a time, computed again on the way back


class DenoisingAutoEncoder(Objective):
    """The embedding of a damaged text holds what a decoder needs to write the original (TSDAE).

        loss = mean over tokens t of -log p( x_t | x_<t, embedding(damaged x) )

    With plain texts the damage is made here, anew in every step. The decoder sees the embedding alone, through
    cross-attention; a linear map comes before it where the embedding has another width.

    Shapes: one view (B, D); targets (B, T) token ids of the originals as the decoder's tokenizer gives them.
    Parameters: `DenoisingAutoEncoderParameters`; 60 % of the words deleted.
    Paper: Wang, Reimers, Gurevych 2021, arXiv:2104.06979.
    Differs from Sentence Transformers: the decoder is in training mode and under autocast, any width and architecture
    goes, and the decoder is clipped, checkpointed and resumed.
    """

    decoder: Decoder

    def __init__(self, decoder: Decoder, reader: str, embedding_dim: int) -> None:
        """`reader`: whose tokens the decoder reads."""
        super().__init__()
        self._reader = reader
        self.decoder = decoder
        fits = embedding_dim == decoder.width
        self.projection = nn.Identity() if fits else nn.Linear(embedding_dim, decoder.width)

    @classmethod
    def build(cls, parameters: DenoisingAutoEncoderParameters, context: BuildContext) -> DenoisingAutoEncoder:
        """The loss with its decoder, which objectives for other widths share."""
        decoder, reader = context.decoder(parameters.decoder_name_or_path, parameters.tie_encoder_decoder)
        return cls(decoder, reader, context.embedding_dim)

    @property
    def coupling(self) -> Coupling:
        """A mean over rows, each weighted by its tokens."""
        return Coupling.ROWS

    def request(self, roles: Sequence[str]) -> Request:
        """The damaged text embedded, the original as tokens."""
        views = request_columns((TEXT, DAMAGED), roles).views
        return Request(views[:1], targets=(View(views[-1].role, self._reader),))

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """`denoising`: this batch's share of the mean over all tokens of the step."""
        (target,) = batch.targets
        inputs_BS, labels_BS = self.decoder.split(batch.targets[target])
        with batch.autocast():
            states_BSH = self.decoder.states(self._sentences(batch), inputs_BS)
            losses = self._token_losses(states_BSH[labels_BS != NO_TOKEN], labels_BS[labels_BS != NO_TOKEN])
        _, all_labels = self.decoder.split((batch.whole or batch).targets[target])
        return {"denoising": losses / (all_labels != NO_TOKEN).sum().clamp_min(1)}

    def _sentences(self, batch: Batch) -> Tensor:
        (table_LBD,) = (table for view, table in batch.embeddings.items() if view.role in ("damaged", "text"))
        sentences_BH: Tensor = self.projection(table_LBD[-1])
        return sentences_BH

    def _token_losses(self, states_NH: Tensor, labels_N: Tensor) -> Tensor:
        """The sum over tokens, float32."""
        total = states_NH.float().sum() * 0  # carries the graph where there is no token at all
        for start in range(0, len(states_NH), _TOKENS_AT_ONCE):
            part = (states_NH[start : start + _TOKENS_AT_ONCE], labels_N[start : start + _TOKENS_AT_ONCE])
            total = total + checkpoint(self._cross_entropy, *part, use_reentrant=False, preserve_rng_state=False)
        return total

    def _cross_entropy(self, states_NH: Tensor, labels_N: Tensor) -> Tensor:
        return F.cross_entropy(self.decoder.logits(states_NH).float(), labels_N, reduction="sum")

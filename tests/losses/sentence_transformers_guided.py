"""The guided losses of Sentence Transformers on given vectors: text "7" is row 7 of the model and of the guide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules.input_module import InputModule
from sentence_transformers.sentence_transformer import losses
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast


class TextRows(InputModule):
    """Embeds the text "7" as row 7; with a transformers tokenizer, without which these losses refuse a model."""

    def __init__(self, table: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.rows = nn.Parameter(table.clone())
        backend = Tokenizer(WordLevel({str(row): row for row in range(len(table))}, unk_token="0"))
        self.tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend)  # type: ignore[no-untyped-call]

    @property
    def max_seq_length(self) -> int:
        """Equal for model and guide, which then share their token ids."""
        return 1

    def preprocess(self, inputs: Sequence[object], prompt: str | None = None, **kwargs: object) -> dict[str, Tensor]:
        ids = torch.tensor([[int(str(text))] for text in inputs])
        return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}

    def forward(self, features: dict[str, Tensor], **kwargs: object) -> dict[str, Tensor]:
        return {**features, "sentence_embedding": self.rows[features["input_ids"][:, 0]]}

    def save(self, output_path: str, *args: object, **kwargs: object) -> None:
        raise AssertionError("nobody saves it")


def guided_value_and_gradient(
    name: str,
    parameters: Mapping[str, object],
    table_VBD: Tensor,
    guide_VBG: Tensor,
    matryoshka: Mapping[str, Sequence[float]] | None = None,
) -> tuple[Tensor, Tensor]:
    """Loss `name` of V columns of B vectors, and its gradient (V, B, D), in float32."""
    views, rows, _ = table_VBD.shape
    module = TextRows(table_VBD.flatten(0, 1))
    model = SentenceTransformer(modules=[module], device="cpu")
    guide = SentenceTransformer(modules=[TextRows(guide_VBG.flatten(0, 1))], device="cpu")
    loss = getattr(losses, name)(model, **{**parameters, "guide": guide})
    if matryoshka is not None:
        dims = [int(dim) for dim in matryoshka["dims"]]
        loss = losses.MatryoshkaLoss(model, loss, dims, matryoshka.get("weights"))
    texts = [[str(view * rows + row) for row in range(rows)] for view in range(views)]
    value = loss([model.preprocess(column) for column in texts], None)
    value.backward()
    assert module.rows.grad is not None
    return value.detach(), module.rows.grad.view_as(table_VBD)

"""A teacher's embeddings as targets. Legend: B rows, D width of the model, T width of the teacher."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from embtune.catalog.choices import TeacherDistance
from embtune.catalog.entries.embed_distill import EmbedDistillParameters
from embtune.catalog.formats import PAIR, TEXTS
from embtune.catalog.roles import in_role_order
from embtune.catalog.spec import Coupling
from embtune.errors import ConfigError
from embtune.losses.objective import Batch, BuildContext, Objective, Request, guide_tower
from embtune.losses.similarity import COSINE_FLOOR, norms, row_cosines
from embtune.losses.views import frozen_columns, request_columns, text_roles


class EmbedDistill(Objective):
    """Embed each text near its target: a teacher's embedding of it, or of the first text of its row.

        loss = mean_i mean_k d( W e_ik + bias, t_ik )        without projection W = I
        d = 1 - cos (cosine), mean of the squared differences (mse), length of the difference (l2)

    Shapes: any number N of texts (B, D); labels (B, T), one target for all of them, or (B, N, T), one each. With
    `teacher` there are no labels, and the target of every text is that model's embedding of the first one.
    Under Matryoshka, targets are cut to the width of the embeddings, or each width has a projection to whole targets.
    Parameters: `EmbedDistillParameters`; mse is `MSELoss`.
    Paper: Kim et al. 2023, arXiv:2301.12005; of translations: Reimers and Gurevych 2020, arXiv:2004.09813.
    Differs from Sentence Transformers: the projection is trained, saved and resumed like the rest.
    """

    def __init__(self, settings: EmbedDistillParameters, projection: nn.Linear | None) -> None:
        super().__init__()
        self.settings = settings
        self.projection = projection
        self._tower = guide_tower(settings.teacher) if settings.teacher else None

    @classmethod
    def build(cls, parameters: EmbedDistillParameters, context: BuildContext) -> EmbedDistill:
        """The loss, with a projection drawn from torch's global generator where one is asked for.

        Raises:
            ConfigError: the teacher's embeddings are not as wide as those they are held against.
        """
        _check_widths(parameters, context)
        width = parameters.projection_dim
        return cls(parameters, None if width is None else nn.Linear(context.embedding_dim, width))

    @property
    def coupling(self) -> Coupling:
        """A mean over rows."""
        return Coupling.ROWS

    def request(self, roles: Sequence[str]) -> Request:
        """Every text of a row, and the first one by the teacher where that is a model."""
        request = request_columns((TEXTS, PAIR), roles)
        return frozen_columns(request, self._tower, in_role_order(roles)[:1]) if self._tower else request

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """`embed_distill`: the mean over rows and texts."""
        roles = text_roles(batch)
        total_B = sum(self._distances(batch.embedding(role), self._target(batch, roles, role)) for role in roles)
        assert isinstance(total_B, Tensor), "a row has a text"
        return {"embed_distill": batch.mean(total_B / len(roles))}

    def _target(self, batch: Batch, roles: Sequence[str], role: str) -> Tensor:
        """(B, T) what the texts of a role should be embedded as."""
        if self._tower:
            return batch.frozen_embedding(roles[0], self._tower)
        labels = batch.known_labels()
        return labels if labels.ndim == 2 else labels[:, roles.index(role)]

    def _distances(self, embedding_BD: Tensor, target_BT: Tensor) -> Tensor:
        """(B,) distances of one column."""
        found_BT = embedding_BD if self.projection is None else self.projection(embedding_BD)
        wanted_BT = target_BT[:, : found_BT.shape[1]].to(found_BT.dtype)  # the whole target, save under Matryoshka
        match self.settings.distance_metric:
            case TeacherDistance.COSINE:
                return 1 - row_cosines(found_BT, wanted_BT, COSINE_FLOOR)
            case TeacherDistance.MSE:
                return (found_BT - wanted_BT).square().mean(dim=1)
            case TeacherDistance.L2:
                return norms(found_BT - wanted_BT)


def _check_widths(parameters: EmbedDistillParameters, context: BuildContext) -> None:
    taught = parameters.teacher is not None
    found = context.frozen_width(guide_tower(parameters.teacher)) if parameters.teacher else context.label_width
    wanted = parameters.projection_dim or context.full_dim or context.embedding_dim
    if found is None or found == wanted:
        return
    who = f"the embeddings of {parameters.teacher}" if taught else "the teacher embeddings of the data"
    own = "projection_dim is" if parameters.projection_dim else "the model's are"
    hint = f"projection_dim: {found} trains a linear map from the model's embeddings to the teacher's"
    raise ConfigError.of("teacher-width", f"{who} are {found} wide, {own} {wanted}", hint)

"""Which rows are made of plain texts, for losses that want damaged copies or pairs of a text with itself."""

from __future__ import annotations

from embtune.catalog import effective_parameters, effective_spec
from embtune.catalog.choices import Noise
from embtune.catalog.formats import TEXT, fits
from embtune.catalog.noisy import NoiseParameters
from embtune.catalog.spec import RowMaking
from embtune.config import LoadedConfig
from embtune.config.sections.losses import LossConfig
from embtune.data.noise import NoiseSettings
from embtune.errors import ConfigError
from embtune.model.embedder import TextEmbedder
from embtune.pipeline.datasets import TrainSet
from embtune.train.making import NoisyTexts, RowMaker, SameOrDifferent
from embtune.train.tokenise import RoleText


def row_maker(loaded: LoadedConfig, data: TrainSet, model: TextEmbedder, written: RoleText) -> RowMaker | None:
    """What makes the rows of a training set; None where its rows are trained on as they are.

    Args:
        written: how the model reads the set's texts.

    Raises:
        ConfigError: the losses on the set want different rows of it, or the noise needs a token that is not there.
    """
    makings = [effective_spec(loss.spec).made_of_texts for loss in data.losses]
    wanted = {making for making in makings if making is not None}
    if not wanted or not fits(TEXT, data.examples.roles, data.examples.label_kind):
        return None
    if len(set(makings)) > 1 or _noises(data) > 1:
        names = ", ".join(loss.spec.name for loss in data.losses)
        message = f"{names} want different rows of the same texts"
        hint = "Name the data twice under data.train, each time with a loss of its own."
        raise ConfigError(loaded.problem(("loss",), "different-rows", message, hint))
    if wanted == {RowMaking.SAME_OR_DIFFERENT}:
        return SameOrDifferent()
    return _noisy(loaded, data, model, written)


def _noises(data: TrainSet) -> int:
    return len({_noise(loss) for loss in data.losses} - {None})


def _noise(loss: LossConfig) -> NoiseSettings | None:
    parameters = effective_parameters(loss.spec, loss.parameters)
    return NoiseSettings(parameters.noise, parameters.noise_ratio) if isinstance(parameters, NoiseParameters) else None


def _noisy(loaded: LoadedConfig, data: TrainSet, model: TextEmbedder, written: RoleText) -> NoisyTexts:
    settings = next(noise for noise in map(_noise, data.losses) if noise is not None)
    if settings.kind is Noise.MASK and model.tokenizer.mask_token is None:
        message, hint = "the model's tokenizer has no mask token to put in place of a word", "Take noise: delete."
        raise ConfigError(loaded.problem(("loss",), "no-mask-token", message, hint))
    length = written.max_length or model.max_seq_length
    (role,) = data.examples.roles
    return NoisyTexts(
        data.examples.texts,
        data.examples.text_ids[role],
        settings,
        lambda texts: model.tokenizer.encode([written.prompt + text for text in texts], length),
        model.tokenizer.mask_token or "",
    )

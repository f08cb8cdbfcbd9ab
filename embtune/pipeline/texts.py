"""How the texts of each role are written before they are tokenised: their prompt and their length."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from embtune.catalog.roles import canonical_role, is_negative
from embtune.config import LoadedConfig
from embtune.config.sections.data import DatasetConfig, EvalDatasetConfig
from embtune.errors import ConfigError, Problem
from embtune.losses.objective import QUERY_TOWER
from embtune.model.embedder import TextEmbedder
from embtune.pipeline.towers import QUERY_ROLE
from embtune.train.tokenise import RoleText


@dataclass(frozen=True)
class RoleTexts:
    """For each role of one dataset, by any of its names. two_models: whether queries have a model of their own."""

    prompts: Mapping[str, str]
    lengths: Mapping[str, int]
    two_models: bool = False

    def of(self, role: str | None) -> RoleText:
        """What is said of the role; else, for a negative, of negatives or of positives: all of them are documents."""
        names = [canonical_role(role or "text") or "text"]
        tower = QUERY_TOWER if self.two_models and names[0] == QUERY_ROLE else None
        if is_negative(names[0]):
            names += ["negative", "negatives", "positive"]
        prompt = next((self.prompts[name] for name in names if name in self.prompts), "")
        return RoleText(prompt, next((self.lengths[name] for name in names if name in self.lengths), None), tower)


def role_texts(loaded: LoadedConfig, model: TextEmbedder, dataset: DatasetConfig) -> RoleTexts:
    """Prompts by the dataset's `prompts`, lengths by `model.max_seq_length`.

    An evaluation set that names no prompts is written like the first training set that does, so that a model is
    measured as it is trained.

    Raises:
        ConfigError: a prompt that the model does not have, or a length beyond its positions.
    """
    named = dataset.prompts
    if not named and isinstance(dataset, EvalDatasetConfig):
        named = next((each.prompts for each in loaded.config.data.train if each.prompts), {})
    lengths = loaded.config.model.max_seq_length
    by_role = {_canonical(role): length for role, length in lengths.items()} if isinstance(lengths, dict) else {}
    _check_lengths(loaded, model, by_role)
    prompts = {_canonical(role): _prompt(loaded, model, dataset, role, name) for role, name in named.items()}
    return RoleTexts(prompts, by_role, model.queries is not None)


def _check_lengths(loaded: LoadedConfig, model: TextEmbedder, by_role: Mapping[str, int]) -> None:
    for role, length in by_role.items():
        embedder = model.queries if role == QUERY_ROLE and model.queries else model
        positions = embedder.encoder.positions
        if positions is not None and length > positions:
            message = f"{length} tokens for role {role!r}, but the model has no more than {positions} positions"
            key = ("model", "max_seq_length")
            raise ConfigError(loaded.problem(key, "too-long", message, f"Write {positions} or less."))


def _canonical(role: str) -> str:
    """The config was checked to name roles only."""
    return canonical_role(role) or role


def _prompt(loaded: LoadedConfig, model: TextEmbedder, dataset: DatasetConfig, role: str, name: str) -> str:
    if name in model.prompts:
        return model.prompts[name]
    there = ", ".join(model.prompts) or "none"
    raise ConfigError(
        Problem(
            "unknown-prompt",
            f"dataset {dataset.name!r}: role {role!r} asks for the prompt {name!r}, which the model does not have",
            loaded.problem(("model", "prompts"), "", "").location,
            f"Add it under model.prompts. The model's prompts: {there}.",
        )
    )

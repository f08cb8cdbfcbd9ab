"""How many tokens the texts of a dataset are, for the model of a config: by its tokenizer, on a fair sample of rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from embtune.catalog.roles import canonical_role, is_negative
from embtune.config import LoadedConfig
from embtune.config.sections.data import DatasetConfig
from embtune.data.found import found_at
from embtune.data.role_lengths import PERCENTILES, RoleLengths
from embtune.data.row_sample import SampledRow
from embtune.errors import ModelError
from embtune.model.scratch_spec import SCRATCH
from embtune.pipeline.data_report import DataReport, Report, Warned

if TYPE_CHECKING:
    from embtune.model.texts_only import TextReading

_WORTH_SAYING = 0.05  # of the texts; as training warns
_LONGEST = 1 << 16  # characters of a text that are tokenised; no model takes more


def with_lengths(loaded: LoadedConfig, configs: Sequence[DatasetConfig], reports: Sequence[Report]) -> list[Report]:
    """The reports of a config's datasets with the lengths of their texts, or why these cannot be told."""
    reading = text_reading(loaded)
    return [_measured(loaded, config, each, reading) for config, each in zip(configs, reports, strict=True)]


def _measured(loaded: LoadedConfig, config: DatasetConfig, report: Report, reading: TextReading | str) -> Report:
    if not isinstance(report, DataReport):
        return report
    if isinstance(reading, str):
        return replace(report, no_lengths=reading)
    lengths = role_lengths(loaded, config, report.layout.roles, report.found.sample, reading)
    return replace(report, lengths=lengths, warnings=(*report.warnings, *_cut(report.name, lengths)))


def _cut(name: str, lengths: Sequence[RoleLengths]) -> Iterator[Warned]:
    for each in lengths:
        if each.share > _WORTH_SAYING:
            yield (
                "truncated-texts",
                f"{each.share:.0%} of the texts of {name} ({each.role}) are cut at {each.limit} tokens ({each.cut}); "
                "raise model.max_seq_length if what is cut off matters",
            )


def text_reading(loaded: LoadedConfig) -> TextReading | str:
    """How the config's model reads texts; or why that cannot be told without training or the network."""
    model = loaded.config.model
    if model.name_or_path.startswith(SCRATCH):
        return "the model learns its tokens from the data, when it is trained"
    from embtune.model.texts_only import read_text_reading  # transformers comes in here, which takes seconds

    length = model.max_seq_length if isinstance(model.max_seq_length, int) else None
    try:
        return read_text_reading(
            model.name_or_path,
            revision=model.revision,
            max_seq_length=length,
            trust_remote_code=model.trust_remote_code,
        )
    except ModelError as error:
        return error.problems[0].message


def role_lengths(
    loaded: LoadedConfig,
    dataset: DatasetConfig,
    roles: Sequence[str],
    sample: Sequence[SampledRow],
    reading: TextReading,
) -> tuple[RoleLengths, ...]:
    """The lengths for each role; texts of a list of negatives count under the role of the list's first.

    Args:
        roles: of the sample's texts in their order; the last is that of all further ones.
    """
    prompts = {canonical_role(role) or role: name for role, name in dataset.prompts.items()}
    known = dict(reading.prompts) | dict(loaded.config.model.prompts)
    lengths = loaded.config.model.max_seq_length
    by_role = (
        {canonical_role(role) or role: length for role, length in lengths.items()} if isinstance(lengths, dict) else {}
    )
    found = []
    for place, role in enumerate(roles):
        prompt = known.get(str(_said_of(role, prompts)), "")
        limit = _limit(_said_of(role, by_role), reading.limit)
        found.append(_lengths(role, place, sample, reading, prompt, limit))
    return tuple(found)


def _said_of(role: str, by_role: Mapping[str, object]) -> object:
    """What is said of the role; else, for a negative, of negatives or of positives, as in training."""
    names = [role, "negative", "negatives", "positive"] if is_negative(role) else [role]
    return next((by_role[name] for name in names if name in by_role), None)


def _limit(asked: object, otherwise: int | None) -> int | None:
    if not isinstance(asked, int):
        return otherwise
    return asked if otherwise is None else min(asked, otherwise)


def _lengths(
    role: str, place: int, sample: Sequence[SampledRow], reading: TextReading, prompt: str, limit: int | None
) -> RoleLengths:
    rows = [row for row in sample if place < len(row.texts) and row.texts[place] is not None]
    texts = [prompt + (row.texts[place] or "")[:_LONGEST] for row in rows]
    _, counts, _ = reading.tokenizer.encode_flat(texts, None)
    is_cut = counts > limit if limit is not None else np.zeros(len(rows), dtype=bool)
    cut = found_at(int(is_cut.sum()), (row.place for row, too_long in zip(rows, is_cut, strict=True) if too_long))
    percentiles = np.percentile(counts, PERCENTILES, method="lower") if len(counts) else np.zeros(len(PERCENTILES))
    return RoleLengths(role, tuple(int(each) for each in percentiles), limit, cut, len(rows))

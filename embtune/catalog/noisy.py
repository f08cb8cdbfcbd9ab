"""Parameters of losses that damage their texts."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from embtune.catalog.choices import Noise
from embtune.catalog.spec import Parameters


class NoiseParameters(Parameters):
    """How texts are damaged, where the data has no damaged texts of its own."""

    noise: Noise = Field(
        default=Noise.DELETE, description="What is done to words: deleted, masked, swapped, replaced, or others added."
    )
    noise_ratio: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.6, description="Share of words it is done to; anew in every step."
    )

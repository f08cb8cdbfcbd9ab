"""The loss table as data: formats, parameters, coupling, needs, papers and where the code is. Torch-free."""

from embtune.catalog.fitting import losses_fitting, spec_fits, why_not
from embtune.catalog.formats import fits
from embtune.catalog.nearest import nearest
from embtune.catalog.registry import (
    Catalogue,
    UnknownLoss,
    all_specs,
    built_in,
    effective_parameters,
    effective_spec,
    find_spec,
    installed,
    loss_names,
    losses,
)
from embtune.catalog.roles import canonical_role
from embtune.catalog.spec import Coupling, Format, LabelKind, LossSpec, Need, Paper, Parameters

__all__ = [
    "Catalogue",
    "Coupling",
    "Format",
    "LabelKind",
    "LossSpec",
    "Need",
    "Paper",
    "Parameters",
    "UnknownLoss",
    "all_specs",
    "built_in",
    "canonical_role",
    "effective_parameters",
    "effective_spec",
    "find_spec",
    "fits",
    "installed",
    "loss_names",
    "losses",
    "losses_fitting",
    "nearest",
    "spec_fits",
    "why_not",
]

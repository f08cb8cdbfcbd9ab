"""The layers after pooling, with their weights."""

from __future__ import annotations

from torch import Tensor

from embtune.errors import Location, ModelError
from embtune.model.layers import Dense, Normalize
from embtune.model.layout_parts import DenseLayout, LayerLayout
from embtune.model.weights import read_tensors


def read_layer(layout: LayerLayout, width: int) -> Dense | Normalize:
    """One layer, float32.

    Args:
        layout: what its folder says.
        width: of the embeddings that come in.

    Raises:
        ModelError: its weights are missing or of other shapes than its config says, or it expects another width.
    """
    if not isinstance(layout, DenseLayout):
        return Normalize()
    if layout.in_features != width:
        raise _wrong(layout, f"in_features is {layout.in_features}, but the embeddings it gets have width {width}")
    tensors = read_tensors(layout.folder)
    _check_shapes(layout, tensors)  # before anything as large as the config says is made
    dense = Dense(layout.in_features, layout.out_features, layout.activation, layout.bias, layout.residual)
    dense.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    return dense


def _check_shapes(layout: DenseLayout, tensors: dict[str, Tensor]) -> None:
    expected: dict[str, tuple[int, ...]] = {"linear.weight": (layout.out_features, layout.in_features)}
    if layout.bias:
        expected["linear.bias"] = (layout.out_features,)
    if layout.residual and layout.in_features != layout.out_features:
        expected["residual.weight"] = (layout.out_features, layout.in_features)
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    if found != expected:
        raise _wrong(layout, f"config.json describes the tensors {expected}, but the weights hold {found}")


def _wrong(layout: DenseLayout, message: str) -> ModelError:
    return ModelError.of("broken-model", message, None, Location(str(layout.folder)))

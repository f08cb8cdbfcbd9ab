"""The enumerated words of a model. They are strings, so that a file or a message shows the bare word."""

from __future__ import annotations

from enum import StrEnum


class PoolingMode(StrEnum):
    """How token embeddings become one vector. In the order in which the classic layout concatenates several."""

    CLS = "cls"
    MAX = "max"
    MEAN = "mean"
    MEAN_SQRT_LEN = "mean_sqrt_len"
    WEIGHTEDMEAN = "weightedmean"
    LASTTOKEN = "lasttoken"


class Activation(StrEnum):
    """What follows a linear map."""

    IDENTITY = "identity"
    TANH = "tanh"
    RELU = "relu"
    GELU = "gelu"
    SIGMOID = "sigmoid"
    SILU = "silu"
    MISH = "mish"
    ELU = "elu"
    SELU = "selu"
    LEAKY_RELU = "leaky_relu"
    SOFTPLUS = "softplus"

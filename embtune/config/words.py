"""The enumerated words of the config. They are strings too, so that a log line or a YAML file shows the bare word."""

from __future__ import annotations

from enum import StrEnum


class Pooling(StrEnum):
    """How token embeddings become one vector; AUTO takes what the model's folder says, else mean."""

    AUTO = "auto"
    MEAN = "mean"
    CLS = "cls"
    MAX = "max"
    LASTTOKEN = "lasttoken"
    WEIGHTEDMEAN = "weightedmean"
    MEAN_SQRT_LEN = "mean_sqrt_len"


class Activation(StrEnum):
    """What follows the linear map of `model.dense`."""

    IDENTITY = "identity"
    TANH = "tanh"
    RELU = "relu"
    GELU = "gelu"


class OnBadRow(StrEnum):
    """What to do with a row that cannot be used."""

    ERROR = "error"
    SKIP = "skip"


class Parallel(StrEnum):
    """What each of several processes has of the model; AUTO is all of it, unless that does not fit its memory."""

    AUTO = "auto"
    REPLICATE = "replicate"
    SHARD = "shard"


class OnNonFinite(StrEnum):
    """What to do when a loss or a gradient is not finite."""

    STOP = "stop"
    SKIP = "skip"


class GradientCache(StrEnum):
    """Whether embeddings are recomputed in the backward pass; AUTO recomputes what does not fit the memory."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class BatchSampler(StrEnum):
    """How rows are put into batches; AUTO takes what the loss needs."""

    AUTO = "auto"
    RANDOM = "random"
    NO_DUPLICATES = "no_duplicates"
    GROUP_BY_LABEL = "group_by_label"
    SEQUENTIAL = "sequential"


class MixtureStrategy(StrEnum):
    """In which order the batches of several training sets come."""

    PROPORTIONAL = "proportional"
    ROUND_ROBIN = "round_robin"
    CONCATENATE = "concatenate"


class Optimizer(StrEnum):
    """The optimisers there are."""

    ADAMW = "adamw"


class SchedulerType(StrEnum):
    """The course of the learning rate after warm-up."""

    LINEAR = "linear"
    COSINE = "cosine"
    CONSTANT = "constant"


class Precision(StrEnum):
    """What the model computes in; AUTO is bf16 where the device is fast at it, else fp32.

    BF16_WEIGHTS computes with weights in bf16 too, and trains masters of them in fp32.
    """

    AUTO = "auto"
    FP32 = "fp32"
    BF16 = "bf16"
    FP16 = "fp16"
    BF16_WEIGHTS = "bf16_weights"


class EvaluatorName(StrEnum):
    """The evaluators that can be asked for by name."""

    SIMILARITY = "similarity"
    RETRIEVAL = "retrieval"
    TRIPLET = "triplet"
    BINARY = "binary"
    TRANSLATION = "translation"
    NEAREST_CENTROID = "nearest_centroid"
    CLASS_PAIRS = "class_pairs"


class Resume(StrEnum):
    """AUTO continues the run in `output_dir` where one was stopped, else starts; NEVER always wants a fresh folder."""

    AUTO = "auto"
    NEVER = "never"

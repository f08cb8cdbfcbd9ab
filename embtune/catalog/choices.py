"""The words a parameter can take, as enumerations: words in YAML, members inside."""

from __future__ import annotations

from enum import Enum, StrEnum


class Similarity(StrEnum):
    """How near two embeddings are; larger is nearer. Distances enter with a minus sign."""

    COSINE = "cosine"
    DOT = "dot"
    EUCLIDEAN = "euclidean"
    MANHATTAN = "manhattan"


class Distance(Enum):
    """How far apart two embeddings are; 0 for equal ones. Cosine distance is 1 - cosine."""

    COSINE = "cosine"
    EUCLIDEAN = "euclidean"
    MANHATTAN = "manhattan"


class TeacherDistance(Enum):
    """How far an embedding is from its teacher's."""

    COSINE = "cosine"  # 1 - cosine
    MSE = "mse"  # mean of the squared differences
    L2 = "l2"  # length of the difference


class Direction(Enum):
    """Which texts a row's query or document is told apart from."""

    QUERY_TO_DOC = "query_to_doc"  # the query against all documents
    QUERY_TO_QUERY = "query_to_query"  # the query against the other queries
    DOC_TO_QUERY = "doc_to_query"  # the positive against all queries
    DOC_TO_DOC = "doc_to_doc"  # the positive against the documents of other rows


class PartitionMode(Enum):
    """Whether the chosen directions share one softmax or have one each, averaged."""

    JOINT = "joint"
    PER_DIRECTION = "per_direction"


class HardnessMode(Enum):
    """Which negatives weigh more the nearer they are to the query."""

    IN_BATCH_NEGATIVES = "in_batch_negatives"  # documents of other rows
    HARD_NEGATIVES = "hard_negatives"  # the row's own negatives
    ALL_NEGATIVES = "all_negatives"


class MarginStrategy(Enum):
    """How a margin lowers the similarity above which a guide takes a text for a false negative."""

    ABSOLUTE = "absolute"  # by the margin itself
    RELATIVE = "relative"  # by that share of it


class Regression(Enum):
    """How far a predicted score is from the wanted one, for a row."""

    MSE = "mse"
    L1 = "l1"
    SMOOTH_L1 = "smooth_l1"  # squared below a difference of 1, linear above


class CosineTransform(Enum):
    """What is done to a cosine (-1 to 1) before it is compared with a score."""

    IDENTITY = "identity"
    RELU = "relu"  # below 0 becomes 0
    SIGMOID = "sigmoid"
    UNIT_INTERVAL = "unit_interval"  # (1 + cos) / 2, so that 0 to 1 is covered


class Noise(Enum):
    """How a text is damaged before a decoder rebuilds it. All act on words."""

    DELETE = "delete"
    MASK = "mask"  # the tokenizer's mask token stands for the word
    SWAP = "swap"  # the words change places
    REPLACE = "replace"  # by a word of another text
    ADD = "add"  # a word of another text follows


class LayerWeighting(Enum):
    """What the inner layers count beside one another, by their number: 0 is the embedding layer."""

    UNIFORM = "uniform"  # 1 each
    LOG = "log"  # 1 / (1 + log(1 + layer))
    LINEAR = "linear"  # 1 / (1 + layer)


class Aggregation(Enum):
    """How the columns of a row come to one number."""

    MEAN = "mean"
    SUM = "sum"


class MinedFormat(StrEnum):
    """What a row of mined negatives holds: one of them, the list of all, or one text and whether it is a positive."""

    TRIPLETS = "triplets"
    N_TUPLES = "n-tuples"
    LABELLED_PAIRS = "labelled-pairs"


class Sampling(StrEnum):
    """Which of the texts that can be negatives are taken: the nearest ones, or any, drawn at random."""

    TOP = "top"
    RANDOM = "random"

"""The config: schema, loading with positions, errors that say what to write instead. Torch-free."""

from embtune.config.schema import RunConfig
from embtune.config.sections.data import DataConfig, DatasetConfig, EvalDatasetConfig, TrainDatasetConfig
from embtune.config.sections.losses import LossConfig

__all__ = ["DataConfig", "DatasetConfig", "EvalDatasetConfig", "LossConfig", "RunConfig", "TrainDatasetConfig"]

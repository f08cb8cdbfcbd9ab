"""The config: schema, loading with positions, errors that say what to write instead. Torch-free."""

from embtune.config.json_schema import json_schema
from embtune.config.loaded import LoadedConfig
from embtune.config.loading import load_config
from embtune.config.schema import RunConfig
from embtune.config.sections.data import DataConfig, DatasetConfig, EvalDatasetConfig, TrainDatasetConfig
from embtune.config.sections.losses import LossConfig
from embtune.config.sections.model import ModelConfig
from embtune.config.sections.run import CheckpointConfig, EvalConfig, HubConfig, LoggingConfig
from embtune.config.sections.train import TrainConfig

__all__ = [
    "CheckpointConfig",
    "DataConfig",
    "DatasetConfig",
    "EvalConfig",
    "EvalDatasetConfig",
    "HubConfig",
    "LoadedConfig",
    "LoggingConfig",
    "LossConfig",
    "ModelConfig",
    "RunConfig",
    "TrainConfig",
    "TrainDatasetConfig",
    "json_schema",
    "load_config",
]

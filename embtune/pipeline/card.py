"""The model card of a run."""

from __future__ import annotations

from collections.abc import Sequence

from embtune.pipeline.facts import data_records, describe_lora
from embtune.pipeline.job import Job
from embtune.report.gains import Gain
from embtune.report.model_card import CardFacts, Trained, model_card
from embtune.report.record import installed_versions

_ARGUMENTS = (
    "num_train_epochs", "max_steps", "batch_size", "learning_rate", "head_learning_rate", "lr_scheduler_type",
    "warmup_ratio", "warmup_steps", "weight_decay", "max_grad_norm",
)  # fmt: skip


def card_of(job: Job, scores: Sequence[Gain]) -> str:
    """README.md of the trained model."""
    config, model, settings = job.loaded.config, job.model, job.inputs.settings
    train = config.train.model_dump(mode="json")
    arguments = {f"train.{key}": train[key] for key in _ARGUMENTS if train[key] is not None}
    if config.model.lora is not None:
        arguments["model.lora"] = describe_lora(config.model.lora)
    arguments |= {"train.batch_sampler": settings.sampler_words, "train.precision": str(settings.precision)}
    name = config.model.name_or_path
    return model_card(
        CardFacts(
            name=config.output_dir.rstrip("/").rsplit("/", 1)[-1],
            base_model=name,
            base_is_on_hub=":" not in name and not name.startswith((".", "/", "~")) and name.count("/") == 1,
            embedding_dim=model.embedding_dim,
            max_seq_length=model.max_seq_length,
            similarity=str(model.similarity),
            data=data_records(job),
            losses=[Trained(loss.spec, loss.parameters, loss.weight) for loss in config.loss],
            modifiers=[Trained(modifier.spec, modifier.parameters) for modifier in config.modifiers],
            arguments={**arguments, "seed": config.seed},
            scores=scores,
            versions=installed_versions(),
            dims=[dim or model.embedding_dim for dim in job.evaluation.dims],
            prompts=model.prompts,
        )
    )

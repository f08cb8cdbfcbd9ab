"""Behaviour 3: ten different mistakes are told in one run, each located, each with what to do about it."""

# ruff: noqa: E501

from __future__ import annotations

from pathlib import Path

from command import run_embtune

CONFIG = """\
version: 1
output_dir: runs/first
sead: 42
model:
  name_or_path: sentence-transformers/all-MiniLM-L6-v2
  pooling: avarage
  learning_rate: 2e-5
data:
  train:
    - name: nq
      path: data/nq.jsonl
      columns: {question: anchor, positive: answer}
loss:
  name: MultipleNegativeRankingLoss
modifiers:
  - name: MatryoshkaLoss
    dims: [256, 0]
train:
  batch_size: "64"
  batch_size: 128
  gradient_accumulation_steps: 4
  bf16: true
"""
EXPECTED = """\
config.yaml:3:1: error[unknown-key]: sead: unknown key 'sead'
    3 | sead: 42
      | ^^^^
  help: did you mean 'seed'?
config.yaml:6:12: error[bad-value]: model.pooling: expected one of auto, mean, cls, max, lasttoken, weightedmean, mean_sqrt_len; found the text 'avarage'
    6 |   pooling: avarage
      |            ^^^^^^^
config.yaml:7:3: error[misplaced-key]: model.learning_rate: 'learning_rate' is no key of 'model:'
    7 |   learning_rate: 2e-5
      |   ^^^^^^^^^^^^^
  help: it belongs under 'train:'
config.yaml:12:17: error[unknown-role]: data.train.0.columns: 'question' is no role
   12 |       columns: {question: anchor, positive: answer}
      |                 ^^^^^^^^
  help: role first, then column: write 'anchor: question'
config.yaml:14:9: error[unknown-loss]: loss.name: no loss is named 'MultipleNegativeRankingLoss'
   14 |   name: MultipleNegativeRankingLoss
      |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^
  help: Did you mean 'MultipleNegativesRankingLoss'? 'embtune list-losses' shows all
config.yaml:17:17: error[bad-value]: modifiers.0.dims.1: must be at least 1, found 0
   17 |     dims: [256, 0]
      |                 ^
config.yaml:19:15: error[wrong-type]: train.batch_size: expected a whole number, found the text '64'
   19 |   batch_size: "64"
      |               ^^^^
  help: write 'batch_size: 64'
config.yaml:20:3: error[duplicate-key]: the key 'batch_size' is here twice
   20 |   batch_size: 128
      |   ^^^^^^^^^^
  help: it is first on line 19; keep one
config.yaml:21:3: error[renamed-key]: train.gradient_accumulation_steps: there is no key 'gradient_accumulation_steps'
   21 |   gradient_accumulation_steps: 4
      |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^
  help: there is nothing to accumulate: train.batch_size is the whole optimiser step, whatever the memory; multiply it by this number
config.yaml:22:3: error[renamed-key]: train.bf16: 'bf16' is called 'train.precision' here
   22 |   bf16: true
      |   ^^^^
  help: write 'precision: bf16'
"""


def test_ten_mistakes_are_ten_located_errors(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG, encoding="utf-8")
    result = run_embtune("validate", "config.yaml", cwd=tmp_path)
    assert result.stderr == EXPECTED
    assert result.stderr.count("error[") == 10
    assert (result.returncode, result.stdout) == (2, "")

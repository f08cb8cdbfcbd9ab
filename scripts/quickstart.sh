#!/usr/bin/env bash
# Fine-tunes MiniLM on a sample of medical questions and answers: installs what that needs, then trains.
# Usage: scripts/quickstart.sh [options of `embtune train`]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash scripts/setup_env.sh quickstart
exec .venv/bin/embtune train configs/quickstart.yaml "$@"

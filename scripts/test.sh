#!/usr/bin/env bash
# Format, lint, types and tests, as CI runs them. Usage: scripts/test.sh [options of pytest]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash scripts/check.sh
# No test may reach for a model or a data set on the hub.
export HF_HUB_OFFLINE=1
exec .venv/bin/python -m pytest --no-header -n auto "$@"

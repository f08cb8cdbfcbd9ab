#!/usr/bin/env bash
# Makes .venv with embtune and one set of extras, at the versions of constraints.txt.
# Usage: scripts/setup_env.sh EXTRA      (an extra of pyproject.toml: quickstart, test)
# A second call does nothing until pyproject.toml or constraints.txt change. Everything it says goes to stderr.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
extra=${1:?usage: scripts/setup_env.sh EXTRA}

find_python() {
    local candidate
    for candidate in python3 python3.11 python3.12 python3.13 python3.14 python; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "embtune needs Python 3.11 or newer, and none was found on the PATH." >&2
    return 1
}

if ! [ -x .venv/bin/python ]; then
    python=$(find_python)
    echo "Making .venv with $("$python" --version)." >&2
    "$python" -m venv .venv
fi

# The stamp holds what was installed from. It names the folder too: a copied .venv still points at the old one.
stamp=.venv/.installed-$extra
wanted=$({ pwd; cat pyproject.toml constraints.txt; } | .venv/bin/python -c \
    'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())')
if [ "$(cat "$stamp" 2>/dev/null || true)" = "$wanted" ]; then
    exit 0
fi

echo "Installing embtune[$extra] into .venv: some minutes the first time." >&2
install=(.venv/bin/python -m pip install -qq --disable-pip-version-check --constraint constraints.txt)
# torch by itself first: by far the largest download is then done, and cached, should a later one fail.
"${install[@]}" torch >&2
"${install[@]}" --editable ".[$extra]" >&2
echo "$wanted" >"$stamp"

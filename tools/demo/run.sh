#!/usr/bin/env bash
# Runs the demo with its pinned clients; build/release/beringia must be there (./beringia.sh demo sees to it).
set -euo pipefail
cd "$(dirname "$0")/../.."
stamp=$(sha256sum tools/demo/requirements.txt | cut -c1-16)
venv=build/demo-venv
if [ ! -f "$venv/$stamp" ]; then
  printf '\n== installing the stock clients of the demo (once)\n'
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install -q --disable-pip-version-check -r tools/demo/requirements.txt
  touch "$venv/$stamp"
fi
exec "$venv/bin/python" tools/demo/demo.py "$@"

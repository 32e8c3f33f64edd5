#!/bin/sh
# Installs the wheel that lies beside this file, with the versions of constraints.txt. Both recipes run it.
set -eu
cd "$(dirname "$0")"
wheel=$(ls ./mriparaspinal-*.whl)
python -m pip install --no-cache-dir --disable-pip-version-check --root-user-action=ignore \
  --constraint constraints.txt "$wheel[contours,dicom]"
mriparaspinal --version

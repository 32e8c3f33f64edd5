#!/bin/sh
# Installs the wheel that lies beside this file, with the versions of constraints.txt and what reads and writes all
# formats: in an image nobody can install them later. Both recipes run it.
set -eu
cd "$(dirname "$0")"
wheel=$(ls ./mriparaspinal-*.whl)
python -m pip install --no-cache-dir --disable-pip-version-check --root-user-action=ignore \
  --constraint constraints.txt "$wheel[brain,contours,dicom,dicom-seg,spss]"
mriparaspinal --version

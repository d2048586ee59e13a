#!/bin/sh
# Runs slither over the contracts, or over the folder named as first argument. crytic-compile calls
# whatever `forge` is on the PATH, so ours goes first; it also cleans the build folder, so slither
# gets one of its own.
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
sources=${1:-src}
export PATH="$root/tools:$PATH"
export FOUNDRY_SRC="$sources"
export FOUNDRY_OUT="build/slither/$sources/out"
export FOUNDRY_CACHE_PATH="build/slither/$sources/cache"
exec build/slither-env/bin/slither . --config-file slither.config.json

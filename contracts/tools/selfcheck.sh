#!/bin/sh
# Proves that the checks can fail: planted failures of every kind must be red, each by name, and
# for the reason planted. A check that is green here is broken, and so this script fails.
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"

refuse() {
    echo "selfcheck: $1" >&2
    exit 1
}

# must_fail TITLE COMMAND...: keeps the output in $output for the caller to look into.
must_fail() {
    title=$1
    shift
    if output=$("$@" 2>&1); then
        printf '%s\n' "$output" >&2
        refuse "$title passed with a planted failure"
    fi
}

# must_say TEXT: the failure seen is the one that was planted, not a missing tool.
must_say() {
    case $output in
        *"$1"*) ;;
        *)
            printf '%s\n' "$output" >&2
            refuse "expected '$1' in the output above"
            ;;
    esac
}

must_fail "forge test" env FOUNDRY_SRC=planted FOUNDRY_TEST=planted \
    FOUNDRY_OUT=build/planted/out FOUNDRY_CACHE_PATH=build/planted/cache tools/forge test
must_say "test_planted_failure()"
must_say "testFuzz_planted_failure(uint256)"
must_say "invariant_planted_failure()"
must_say "0 tests passed, 3 failed"

must_fail "slither" tools/slither.sh planted
must_say "reentrancy-eth"

# A copy of the shipped artefact with another first byte of code.
copy=build/planted/repository
artefact=src/sheaf/ledger/artifacts/Token.json
mkdir -p "$copy/$(dirname "$artefact")"
sed 's/"bytecode": "0x60/"bytecode": "0x61/' "../$artefact" >"$copy/$artefact"
must_fail "the artefact check" node tools/compile.mjs --check --repository "$copy" Token
must_say "Token.json: differs"

echo "selfcheck: planted failures are seen by forge, slither and the artefact check"

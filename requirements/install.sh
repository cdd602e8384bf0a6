#!/bin/sh
# Install packages into the environment of a Python, by uv: seconds instead of minutes.
#
#   install.sh PYTHON ARGUMENT...    the arguments that `pip install` and `uv pip install` share
#
# uv comes from its own hash lock. Without it, or where it fails, pip does the same work.
#
# Python compiles a module when a process first imports it; most are never imported. Where processes
# cannot write beside the packages, as in an image, UV_COMPILE_BYTECODE=1 compiles all of them here.
set -eu
cd "$(dirname "$0")/.."
python=$1
shift

# A setting of pip, from its files or its environment variables. uv does not read those.
pip_setting() {
    "$python" -m pip config get ":env:.$1" 2>/dev/null \
        || "$python" -m pip config get "global.$1" 2>/dev/null || true
}

with_uv() {
    "$python" -m pip install -qq --disable-pip-version-check --no-deps --require-hashes \
        --requirement requirements/uv.lock || return 1
    default=$(pip_setting index-url)
    more=$(pip_setting extra-index-url)
    [ -z "$default" ] || export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$default}"
    [ -z "$more" ] || export UV_INDEX="${UV_INDEX:-$(echo "$more" | tr '\n' ' ')}"
    # The hashes say which file is right, whichever index has it.
    export UV_INDEX_STRATEGY="${UV_INDEX_STRATEGY:-unsafe-best-match}"
    "$python" -m uv pip install --quiet --python "$python" "$@"
}

with_uv "$@" || {
    echo "install.sh: uv could not install the packages; pip does it, which takes minutes" >&2
    "$python" -m pip install -qq --disable-pip-version-check "$@"
}

#!/bin/sh
# Sets pressmark up from a checkout and shows that it works:
#   sh tools/setup.sh install    C libraries (apt-get), .venv, pip install .
#   sh tools/setup.sh demo       the same, then the demo on the sample articles
#   sh tools/setup.sh test       the same with the test tools, then the tests; further words go to pytest
# It may run again at any time. PYTHON names another Python (3.11 or newer), VENV another folder than .venv.
set -eu
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}
VENV=${VENV:-.venv}
PACKAGES="gcc libc6-dev make pkg-config python3-dev python3-venv libxxhash-dev libstemmer-dev libutf8proc-dev libzstd-dev"

say() { echo "==> $*" >&2; }

die() {
    echo "setup: $*" >&2
    exit 2
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        command -v sudo >/dev/null || die "run as root, or install sudo: needed is apt-get install $PACKAGES"
        sudo "$@"
    fi
}

# Debian and Ubuntu only; elsewhere the build itself names what it lacks.
system_packages() {
    command -v apt-get >/dev/null && command -v dpkg-query >/dev/null || return 0
    lacking=""
    for package in $PACKAGES; do
        case $(dpkg-query -W -f='${Status}' "$package" 2>/dev/null) in
            "install ok installed") ;;
            *) lacking="$lacking $package" ;;
        esac
    done
    [ -n "$lacking" ] || return 0
    say "apt-get install$lacking"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $lacking >/dev/null
}

environment() {
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || die "$PYTHON is older than 3.11"
    if ! "$VENV/bin/python" -m pip --version >/dev/null 2>&1; then
        say "$PYTHON -m venv $VENV"
        "$PYTHON" -m venv --clear "$VENV"
    fi
}

install() {
    say "pip install $*"
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
}

task=${1:-}
case $task in
    install | demo) [ $# -eq 1 ] || die "$task takes no further words" ;;
    test) shift ;;
    *) die "usage: sh tools/setup.sh install|demo|test" ;;
esac
system_packages
environment
case $task in
    install) install . ;;
    demo) install . && "$VENV/bin/pressmark" demo ;;
    test) install -r tests/requirements.txt . && "$VENV/bin/python" -m pytest "$@" ;;
esac

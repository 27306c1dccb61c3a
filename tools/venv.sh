#!/bin/bash
# Make (or bring up to date) the virtual environment: tools/venv.sh FOLDER REQUIREMENTS
# Everything in it is pinned and checked by hash. Nothing happens when the requirements have not changed.
set -euo pipefail
venv=$1 requirements=$2
here=$(cd "$(dirname "$0")/.." && pwd)

say() { printf 'meldpost: %s\n' "$*" >&2; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then sudo -n "$@"
    else return 1
    fi
}

find_python() {
    local name
    for name in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
        if command -v "$name" >/dev/null && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return 0
        fi
    done
    return 1
}

python=$(find_python) || { say "no Python 3.11 or newer was found. Install it (Debian 12 and newer, Ubuntu 24.04: apt-get install python3 python3-venv) or name one: make PYTHON=/path/to/python3.12"; exit 1; }
stamp=$venv/.requirements
wanted=$({ "$python" -VV; cat "$here/$requirements"; } | sha256sum | cut -d' ' -f1)
if [ -x "$venv/bin/python" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then exit 0; fi

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    # Debian and Ubuntu ship these two apart from Python itself.
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    say "Python lacks venv; installing $package"
    if ! { command -v apt-get >/dev/null && as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >/dev/null; }; then
        say "could not install $package. Run as root: apt-get install $package - then start again."
        exit 1
    fi
fi

if [ ! -x "$venv/bin/python" ] || [ "$(cat "$venv/.python" 2>/dev/null)" != "$("$python" -VV)" ]; then
    say "making the virtual environment in $venv"
    "$python" -m venv --clear "$venv"
    "$python" -VV > "$venv/.python"
fi
say "installing the pinned packages of $requirements (the first time takes a minute or two)"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --require-hashes --only-binary :all: -r "$here/$requirements"
# The project itself is put on the path as it lies here: no build, no network, edits count at once.
site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
printf '%s\n' "$here" > "$site/meldpost-source.pth"
printf '#!%s\nfrom meldpost.cli import main\n\nif __name__ == "__main__":\n    main()\n' "$(cd "$venv" && pwd)/bin/python" > "$venv/bin/meldpost"
chmod +x "$venv/bin/meldpost"
printf '%s\n' "$wanted" > "$stamp"

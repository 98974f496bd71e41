# Sourced: the Pythons that are supported, and where they are.
# shellcheck shell=bash
# shellcheck disable=SC2034  # for who sources this
supported=(3.10 3.11 3.12)

# The interpreter of a version, from the PATH or from pyenv; nothing where there is none.
interpreter() {
    local candidate
    for candidate in "python$1" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python; do
        if "$candidate" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$1')" 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
}

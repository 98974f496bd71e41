# To be sourced: the supported Python versions, and how to find their interpreters.
# shellcheck shell=bash
# shellcheck disable=SC2034  # used by scripts that source this
supported=(3.10 3.11 3.12)

# Print the interpreter of a version, from the PATH or from pyenv; nothing if there is none.
interpreter() {
    local candidate
    for candidate in "python$1" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python; do
        if "$candidate" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$1')" 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
}

#!/bin/sh
# Make sure that a Chromium starts for the browser tests; say which one, or fail and say what to install.
#
#   .ci/chromium.sh PYTHON   PYTHON is the interpreter that Playwright is installed for
#
# One that is there already is used: the one that TURKCTL_TEST_CHROMIUM names, a chromium, chromium-browser or
# google-chrome on the search path, or Playwright's own. Otherwise it is downloaded by Playwright or, where that fails,
# installed by apt-get, if this is root on a system that has it.
set -eu

python=${1:?"the path of the Python that has Playwright"}
cd "$(dirname "$0")/.."

starts() { # print which Chromium starts; fail if none does
    "$python" tests/support/browser.py
}

if starts 2>/dev/null; then
    exit
fi
if [ -z "${TURKCTL_TEST_CHROMIUM:-}" ]; then
    echo "chromium.sh: no Chromium starts here, so one is installed" >&2
    if "$python" -m playwright install chromium >&2 && starts 2>/dev/null; then
        exit
    fi
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
        # Without a font, text has no width, and no page would be too wide.
        apt-get update --quiet >&2 || true
        DEBIAN_FRONTEND=noninteractive apt-get install --quiet --yes --no-install-recommends \
            chromium fonts-liberation >&2 || true
    fi
fi
if ! starts; then
    echo "chromium.sh: install Chromium or Google Chrome (on Debian: apt-get install chromium fonts-liberation)" >&2
    exit 1
fi

#!/bin/sh
# The study's regular work, for cron: store changes of turkctl.toml, read what is new on the market, run what is due,
# approve submitted work, and add a report to day.log. Run it as often as you like; nothing is done twice.
#
#   */15 9-20 * * *  /srv/colour-words/day.sh
#
# Exit code: that of the first step that failed, or 0. If turkctl is not on cron's short PATH, set its path:
# TURKCTL=/srv/venv/bin/turkctl.
set -u

cd "$(dirname "$0")" || exit 2
turkctl=${TURKCTL:-turkctl}
log=${DAY_LOG:-day.log}
failed=0

step() {
    printf -- '-- %s\n' "$*" >>"$log"
    "$turkctl" "$@" >>"$log" 2>&1
    code=$?
    if [ "$code" -ne 0 ]; then
        printf -- '-- turkctl %s: exit code %s\n' "$*" "$code" >>"$log"
        printf 'turkctl %s: exit code %s, see %s\n' "$*" "$code" "$PWD/$log" >&2 # cron mails this to you
        [ "$failed" -ne 0 ] || failed=$code
    fi
    return "$code"
}

printf '== %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" >>"$log"

# If there is a mistake in turkctl.toml, stop here: do not post with the old settings.
step experiments configure || exit "$failed"
# If the market cannot be reached (exit code 4), every other step would fail in the same way.
step sync || [ "$failed" -ne 4 ] || exit 4
# If another scheduler is running (exit code 0), it does the rounds.
if "$turkctl" scheduler status >/dev/null 2>&1; then
    printf -- '-- a scheduler runs already\n' >>"$log"
else
    step scheduler run --once
fi
step workers approve --all --feedback "Thank you"

step campaigns list
step hits list --active
step participants list --mode local --group-by status
step balance
exit "$failed"

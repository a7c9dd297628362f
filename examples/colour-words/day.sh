#!/bin/sh
# One look at the study, for cron: takes over what changed in turkctl.toml, reads what is new on the market, runs what
# is due, approves what came in, and adds a report to day.log. Run it as often as you like; it does nothing twice.
#
#   */15 9-20 * * *  /srv/colour-words/day.sh
#
# Exit code: that of the first step that failed, and 0 when none did. TURKCTL names the program, where it is not on
# cron's short PATH: TURKCTL=/srv/venv/bin/turkctl.
set -u

cd "$(dirname "$0")" || exit 2
turkctl=${TURKCTL:-turkctl}
log=${DAY_LOG:-day.log}
failed=0

step() {
    printf -- '-- %s\n' "$*" >>"$log"
    "$turkctl" "$@" --quiet >>"$log" 2>&1
    code=$?
    if [ "$code" -ne 0 ]; then
        printf -- '-- turkctl %s: exit code %s\n' "$*" "$code" >>"$log"
        printf 'turkctl %s: exit code %s, see %s\n' "$*" "$code" "$PWD/$log" >&2 # cron mails what it reads here
        [ "$failed" -ne 0 ] || failed=$code
    fi
    return "$code"
}

printf '== %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" >>"$log"

# A mistake in turkctl.toml stops the day here: nothing is posted by half of a description.
step experiments configure || exit "$failed"
# Where the market cannot be reached, every other step would only say so again.
step sync || [ "$failed" -ne 4 ] || exit 4
# Exit code 3: another scheduler runs already, and does the rounds.
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

#!/bin/bash
# In which order of its columns does a table pack best?
here=$(dirname "${BASH_SOURCE[0]}")
. "$here/hmserve.bash"
. "$here/pack.sh"

hmserve_start table.json Bytes || exit
while hmserve_ask; do
    for trial in "${HMSERVE_TRIALS[@]}"; do
        hmserve_values "$trial"
        hmserve_tell "$trial" "$(pack "${HMSERVE_VALUES[order]}" "${HMSERVE_VALUES[sort]}" \
            "${HMSERVE_VALUES[layout]}" "${HMSERVE_VALUES[level]}")"
    done
done
if hmserve_best; then
    hmserve_values "${HMSERVE_TRIALS[0]}"
    for name in "${HMSERVE_NAMES[@]}"; do
        echo "$name = ${HMSERVE_VALUES[$name]}"
    done
fi
hmserve_close

#!/bin/bash
# The driver for ../conformance: SCENARIO DIALECT OUTPUTS.
. "$(dirname "${BASH_SOURCE[0]}")/hmserve.bash"

scenario=$1 dialect=$2 outputs=$3
options=()
[[ $dialect == classic ]] || options=(--ask-tell)

# black_box TRIAL EPOCHS: set the array `answer`, empty if the evaluation failed
black_box() {
    local -A v
    hmserve_values "$1"
    local name
    for name in "${HMSERVE_NAMES[@]}"; do v[$name]=${HMSERVE_VALUES[$name]}; done
    answer=()
    [[ ${v[c]-} != fails ]] || return
    local all
    all=$(awk -v x="${v[x]}" -v n="${v[n]-}" -v m="${v[m]-}" -v p="${v[p]-}" -v e="$2" 'BEGIN {
        value = x * x + n + m + (e ? 1 / e : 0)
        gsub(/[() ]/, "", p)
        for (size = split(p, order, ","); size > 0; size--)
            value += size * order[size]
        printf "Value=%.17g Cost=%.17g", value, 1 - x
    }')
    all+=" epochs=$2 Valid=$([[ ${v[c]-} == infeasible ]]; echo $?)"
    for name in ${outputs//,/ }; do
        [[ " $all " =~ \ $name=([^ ]*)\  ]] && answer+=("${BASH_REMATCH[1]}")
    done
}

tell() {
    hmserve_values "$1"
    local epochs='' c='' name
    for name in "${HMSERVE_NAMES[@]}"; do
        case $name in
        epochs) epochs=${HMSERVE_VALUES[epochs]} ;;
        c) c=${HMSERVE_VALUES[c]} ;;
        esac
    done
    if [[ $dialect == ask-tell && $c == lost ]]; then
        hmserve_drop "$1"
        return
    elif [[ $dialect == ask-tell && $outputs == *,epochs && $epochs -gt 1 ]]; then
        black_box "$1" 1
        hmserve_report "$1" 1 "${answer[0]}"
        case $? in
        1) epochs=1 ;;
        2) exit 1 ;;
        esac
    fi
    black_box "$1" "$epochs"
    hmserve_tell "$1" "${answer[@]}"
    case $? in
    1) echo "refused $HMSERVE_REFUSED" ;;
    2) exit 1 ;;
    esac
    if [[ $c == stops ]]; then
        hmserve_stop && hmserve_status || exit 1
        echo "status $HMSERVE_STATUS"
    fi
}

hmserve_start "$scenario" "$outputs" "${options[@]}" || exit 1
held=''
while hmserve_ask 2; do
    trials=("${HMSERVE_TRIALS[@]}")
    for trial in "${trials[@]}"; do
        [[ -z $held ]] || tell "$held"
        held=$trial
    done
    if [[ -n $held && (${#trials[@]} -eq 0 || $dialect == classic) ]]; then
        tell "$held"
        held=''
    fi
done
[[ -z $HMSERVE_ERROR ]] || exit 1
hmserve_best
for trial in "${HMSERVE_TRIALS[@]}"; do
    hmserve_values "$trial"
    for name in "${HMSERVE_NAMES[@]}"; do
        echo "best $name=${HMSERVE_VALUES[$name]}"
    done
done
hmserve_close || exit 1
echo end

# A client of hmserve in one file, to be sourced: bash 4.1 or later, and mktemp.
#
#     . ./hmserve.bash
#     hmserve_start app.json Seconds,Valid || exit
#     while hmserve_ask; do
#         for trial in "${HMSERVE_TRIALS[@]}"; do
#             hmserve_values "$trial"
#             hmserve_tell "$trial" "$(measure "${HMSERVE_VALUES[tile]}")" 1
#         done
#     done
#     hmserve_best && hmserve_values "${HMSERVE_TRIALS[0]}"
#     hmserve_close
#
# Each function returns 0, or 1 for what is said below, or 2 for an error, which it has written to
# standard error and to HMSERVE_ERROR. After an error all return 2.

# hmserve_start SCENARIO OUTPUTS [--ask-tell] [ARGUMENT ...]: start $HMSERVE or `hmserve`. OUTPUTS are the
# columns you answer, with commas: objectives, measured constraints, feasibility; and the fidelity if you tell
# how far an evaluation went.
hmserve_start() {
    local program=${HMSERVE:-hmserve} scenario=$1 messages written
    HMSERVE_OUTPUTS=$2 HMSERVE_ASK_TELL='' HMSERVE_ERROR='' HMSERVE_TRIALS=()
    _hmserve_header='' _hmserve_open=0 _hmserve_begun='' _hmserve_best='' _hmserve_ended=''
    shift 2
    if [[ ${1-} == --ask-tell ]]; then
        HMSERVE_ASK_TELL=1
        shift
        set -- "$@" --protocol ask-tell
    fi
    [[ -z ${_hmserve_errors-} ]] || exec {_hmserve_errors}<&-
    messages=$(mktemp) || return 2
    exec {_hmserve_errors}<"$messages" {written}>"$messages"
    rm -f "$messages"    # open at both ends: nothing is left behind, whatever ends us
    # bash forgets the descriptors of a coprocess when it ends: it has to wait until we have them.
    coproc HMSERVE_PROCESS { read -r; exec "$program" --config "$scenario" "$@" 2>&"$written"; }
    _hmserve_pid=$!
    exec {_hmserve_from}<&"${HMSERVE_PROCESS[0]}" {_hmserve_to}>&"${HMSERVE_PROCESS[1]}" {written}>&-
    eval "exec ${HMSERVE_PROCESS[0]}<&- ${HMSERVE_PROCESS[1]}>&-"
    echo >&"$_hmserve_to"
}

# hmserve_ask [COUNT]: set HMSERVE_TRIALS to all trials of the next request (classic, when all of the last one
# are told), or to at most COUNT of them (ask-tell; none until one that is out is told). 1: the run is over.
hmserve_ask() {
    local line
    [[ -z $HMSERVE_ERROR ]] || return 2
    HMSERVE_TRIALS=() _hmserve_begun=''
    [[ -z $_hmserve_ended ]] || return 1
    if [[ $HMSERVE_ASK_TELL ]]; then
        _hmserve_write "Ask ${1:-1}"$'\n' || return
    elif ((_hmserve_open > 0)); then
        _hmserve_fail "$_hmserve_open trials of the last request have no result yet"
        return
    fi
    while _hmserve_read line; do
        if [[ $line =~ ^Request\ ([0-9]+)$ ]]; then
            _hmserve_open=${BASH_REMATCH[1]}
            _hmserve_pass_on
            _hmserve_rows "$_hmserve_open"
            return
        elif [[ $line == "End of HyperMapper" ]]; then
            _hmserve_ended=1
            [[ $HMSERVE_ASK_TELL ]] || hmserve_close || return
            return 1
        elif [[ $HMSERVE_ASK_TELL && $line =~ ^Wait\ [0-9]+$ ]]; then
            return 0
        elif [[ $HMSERVE_ASK_TELL ]] || ! _hmserve_aside "$line"; then
            [[ $HMSERVE_ERROR ]] || _hmserve_garbage "a request" "$line"
            return 2
        fi
    done
    return 2
}

# hmserve_values TRIAL: set the associative array HMSERVE_VALUES; what is inactive is empty. HMSERVE_NAMES
# has the names in their order.
hmserve_values() {
    local cells k
    _hmserve_cut "$1"
    IFS=, read -ra HMSERVE_NAMES <<<"$_hmserve_header"
    unset HMSERVE_VALUES
    declare -gA HMSERVE_VALUES
    for k in "${!HMSERVE_NAMES[@]}"; do
        HMSERVE_VALUES[${HMSERVE_NAMES[k]}]=${cells[k]}
    done
}

# hmserve_tell TRIAL [VALUE ...]: a value for each output, or none if the evaluation failed. 1: hmserve does
# not take it (ask-tell), HMSERVE_REFUSED has the reason.
hmserve_tell() {
    local IFS=, cells names k header='' row='' message=''
    _hmserve_cut "$1"
    read -ra names <<<"$_hmserve_header"
    for k in "${!names[@]}"; do
        [[ ,$HMSERVE_OUTPUTS, != *",${names[k]},"* ]] || continue
        header+=${names[k]},
        row+=${cells[k]},
    done
    shift
    (($# > 0)) || set -- "${HMSERVE_OUTPUTS//[^,]/}"    # as many empty fields
    [[ $HMSERVE_ASK_TELL ]] && message=$'Tell 1\n'
    [[ $_hmserve_begun ]] || message+=$header$HMSERVE_OUTPUTS$'\n'
    message+="$row$*"$'\n'
    if [[ $HMSERVE_ASK_TELL ]]; then
        _hmserve_confirm "$message"
    else
        _hmserve_begun=1
        _hmserve_open=$((_hmserve_open - 1))
        _hmserve_write "$message"
    fi
}

# hmserve_drop TRIAL: give back a trial that was never evaluated (ask-tell). 1: refused, as above.
hmserve_drop() { _hmserve_confirm "Drop 1"$'\n'"trial"$'\n'"${1%%,*}"$'\n'; }

# hmserve_report TRIAL FIDELITY OBJECTIVE: say how a trial stands (ask-tell). 1: end the evaluation, and tell it with
# the fidelity it has reached.
hmserve_report() {
    local answer
    _hmserve_say "Report ${1%%,*},$2,$3" || return
    case $answer in
    Continue) return 0 ;;
    Stop) return 1 ;;
    *) _hmserve_garbage "Continue or Stop" "$answer" ;;
    esac
}

# hmserve_status: set HMSERVE_STATUS to how the run stands, as JSON (ask-tell).
hmserve_status() {
    local answer
    _hmserve_say Status || return
    HMSERVE_STATUS=${answer#Status }
}

# hmserve_stop: have no more trials handed out (ask-tell).
hmserve_stop() { _hmserve_confirm Stop$'\n'; }

# hmserve_best: set HMSERVE_TRIALS to the best ones, with their outputs; 1: there is none. Classic: at the
# end, and if the scenario has "print_best": true.
hmserve_best() {
    local line
    [[ -z $HMSERVE_ERROR ]] || return 2
    HMSERVE_TRIALS=()
    if [[ $HMSERVE_ASK_TELL ]]; then
        _hmserve_write Best$'\n' && _hmserve_read line || return 2
        if [[ ! $line =~ ^Best\ ([0-9]+)$ ]]; then
            _hmserve_garbage Best "$line"
            return 2
        fi
        _hmserve_rows "${BASH_REMATCH[1]}" || return
    elif [[ $_hmserve_best ]]; then
        HMSERVE_TRIALS=("$_hmserve_best")
    fi
    ((${#HMSERVE_TRIALS[@]} > 0))
}

# hmserve_close: end the conversation; 2 if the exit status of hmserve is not 0.
hmserve_close() {
    [[ -z $HMSERVE_ERROR ]] || return 2
    [[ -n $_hmserve_pid ]] || return 0
    if _hmserve_leave; then _hmserve_pass_on; else _hmserve_death; fi
}

_hmserve_rows() {
    local count=$1 row cells names
    _hmserve_read _hmserve_header || return
    IFS=, read -ra names <<<"$_hmserve_header"
    HMSERVE_TRIALS=()
    while ((count-- > 0)); do
        _hmserve_read row || return
        _hmserve_cut "$row"
        if ((${#cells[@]} != ${#names[@]})); then
            _hmserve_garbage "${#names[@]} values" "$row"
            return 2
        fi
        HMSERVE_TRIALS+=("$row")
    done
}

# Sets `cells` of the caller; the commas of a permutation part no values.
_hmserve_cut() {
    local rest=$1,
    cells=()
    while [[ $rest =~ ^(\([0-9,\ ]*\)|[^,]*), ]]; do
        cells+=("${BASH_REMATCH[1]}")
        rest=${rest:${#BASH_REMATCH[0]}}
    done
}

# Reads a block before the end; 1 if LINE begins none.
_hmserve_aside() {
    case $1 in
    "Best point found:") _hmserve_rows 1 && _hmserve_best=${HMSERVE_TRIALS[0]} && HMSERVE_TRIALS=() ;;
    "Minimum of the posterior mean:") _hmserve_rows 1 ;;
    "" | "Multiple objectives, there is no single best point.") return 0 ;;
    *) return 1 ;;
    esac
}

# Says a line and sets `answer` of the caller.
_hmserve_say() {
    _hmserve_write "$1"$'\n' && _hmserve_read answer || return 2
    [[ $answer != Error\ * ]] || _hmserve_fail "refused the message: ${answer#Error 0 }"
}

_hmserve_confirm() {
    local answer line
    _hmserve_say "${1%$'\n'}" || return
    if [[ ! $answer =~ ^Ok\ [0-9]+\ ([0-9]+)$ ]]; then
        _hmserve_garbage Ok "$answer"
        return
    elif ((BASH_REMATCH[1] > 0)); then
        _hmserve_read line || return
        HMSERVE_REFUSED=${line#Error * }
        return 1
    fi
}

# A hmserve that is gone shows as an error, not as our own death by SIGPIPE.
_hmserve_write() {
    local trap done=0
    [[ -z $HMSERVE_ERROR ]] || return 2
    trap=$(trap -p PIPE)
    trap '' PIPE
    { printf %s "$1" >&"$_hmserve_to"; } 2>/dev/null || done=$?
    eval "${trap:-trap - PIPE}"
    ((done == 0)) || _hmserve_death
}

_hmserve_read() {
    [[ -z $HMSERVE_ERROR ]] || return 2
    IFS= read -r "$1" <&"$_hmserve_from" || _hmserve_death || return
    printf -v "$1" %s "${!1%$'\r'}"
}

# Sets _hmserve_said to what hmserve wrote on standard error since the last time.
_hmserve_listen() { IFS= read -r -d '' -u "$_hmserve_errors" _hmserve_said || true; }

_hmserve_pass_on() {
    _hmserve_listen
    printf %s "$_hmserve_said" >&2
}

_hmserve_garbage() {
    kill "$_hmserve_pid" 2>/dev/null || true
    _hmserve_leave || true
    _hmserve_fail "expected $1, came '${2:0:200}'"
}

_hmserve_death() {
    _hmserve_leave || true
    _hmserve_listen
    _hmserve_fail "ended with exit status $_hmserve_status: $_hmserve_said"
}

_hmserve_fail() {
    HMSERVE_ERROR="hmserve: $1"
    printf '%s\n' "$HMSERVE_ERROR" >&2
    return 2
}

# Closes everything; returns the exit status of hmserve, 128 + the signal if there was one.
_hmserve_leave() {
    [[ -n $_hmserve_pid ]] || return "$_hmserve_status"
    exec {_hmserve_to}>&- {_hmserve_from}<&-
    _hmserve_status=0
    wait "$_hmserve_pid" 2>/dev/null || _hmserve_status=$?
    _hmserve_pid=''
    return "$_hmserve_status"
}

# measure.sh FOLDER LEVEL [NAME=VALUE ...]: compiles tally in the current directory and prints its
# size in bytes and how many instructions it executes; fails if its output is wrong.
set -eu
folder=$1
shift
flags=$(sh "$folder/flags.sh" "$@")

gcc -std=c99 -w $flags "$folder/tally.c" "$folder/json.c" -o tally -lm
env -i PATH="$PATH" valgrind --tool=cachegrind --cache-sim=no --cachegrind-out-file=counts \
    ./tally <"$folder/results/bookings.jsonl" >output 2>log || { cat log >&2; exit 1; }
cmp "$folder/expected.txt" output >&2
bytes=$(size tally | awk 'NR == 2 { print $1 + $2 }')
echo "$bytes,$(awk '/^summary:/ { print $2 }' counts)"

# sh tune.sh [--resume | clean]
set -eu
export LC_ALL=C
cd "$(dirname "$0")"

if [ "${1:-}" = clean ]; then
    rm -rf results
    exit
fi
for tool in gcc valgrind hmserve; do
    command -v $tool >/dev/null || missing="${missing:-}, $tool"
done
if [ -n "${missing:-}" ]; then
    echo "missing: ${missing#, }; apt install gcc libc6-dev valgrind, and pip install hmserve" >&2
    exit 1
fi

mkdir -p results
awk -f generate.awk >results/bookings.jsonl
hmserve run flags.json "$@" >/dev/null

folder=$PWD
mkdir -p results/levels
cd results/levels
for level in O2 O1 O3 Os; do
    echo "$level,$(sh "$folder/measure.sh" "$folder" $level)"
done >../levels.csv
cd "$folder"
awk -f report.awk flags.json results/levels.csv results/flags_output_samples.csv

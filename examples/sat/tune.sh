# sh tune.sh [--resume | clean]: tunes CaDiCaL on some formulas, and tries the best on others.
set -eu
export LC_ALL=C
cd "$(dirname "$0")"

if [ "${1:-}" = clean ]; then
    rm -rf results
    exit
fi
for tool in python3 cadical hmserve; do
    command -v $tool >/dev/null || missing="${missing:-}, $tool"
done
if [ -n "${missing:-}" ]; then
    echo "missing: ${missing#, }; apt install python3 cadical, and pip install hmserve" >&2
    exit 1
fi

python3 instances.py results/train 1 2
python3 instances.py results/test 3 4
hmserve run sat.json "$@" >results/best.csv
python3 report.py results/best.csv

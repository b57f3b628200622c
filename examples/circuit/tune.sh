# sh tune.sh [--resume | clean]: tunes the amplifier, and compares it with the hand design.
set -eu
export LC_ALL=C
cd "$(dirname "$0")"

if [ "${1:-}" = clean ]; then
    rm -rf results
    exit
fi
for tool in ngspice python3 hmserve; do
    command -v $tool >/dev/null || missing="${missing:-}, $tool"
done
if [ -n "${missing:-}" ]; then
    echo "missing: ${missing#, }; apt install ngspice python3, and pip install hmserve" >&2
    exit 1
fi

hmserve run opamp.json "$@" >/dev/null
python3 report.py results/opamp_output_samples.csv results/opamp_output_samples.journal

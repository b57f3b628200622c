# report.sh: what was gained over the loops of a textbook. Asks the worker itself, as hmserve does.
set -eu
export LC_ALL=C HMSERVE_WORKER=0

names=loops,tiles,tile_k,tile_c,tile_y,tile_x
plain='(0, 1, 2, 3),16,16,32,32'
best=$(hmserve best convolution.json | tail -n 1 | tr -d '"' | sed 's/,[^,]*$//')

ask() {
    printf 'Request 1\n%s\n%s\nEnd of HyperMapper\n' "$names" "$2" | sh worker.sh 2>results/errors |
        awk -v what="$1" -v base="${default:-0}" 'NR == 2 {
            sub(/.*,/, "")
            printf "%-44s %9d cycles", what, $0
            if (base)
                printf "  %+6.1f %%  %4.1f times as fast", 100 * ($0 / base - 1), base / $0
            print ""
        }'
}

default=$(ask '' "(0, 2, 3, 1, 4, 5),$plain" | awk '{ print $1 }')
ask 'k y x c r s, no tiles: as in the definition' "(0, 2, 3, 1, 4, 5),$plain"
ask 'k c y r s x, no tiles: x innermost' "(0, 1, 2, 4, 5, 3),$plain"
ask "tuned: $best" "$best"
echo
cat results/worker-0/loops.h

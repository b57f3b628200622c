# sh compare.sh [SEEDS]: the search beside random search, for the same number of evaluations; cycles of
# the best of each run. Half a minute for each run; 3 seeds.
set -eu
mkdir -p results
for method in bayesian_optimization random_search; do
    for seed in $(seq "${1:-3}"); do
        run=results/$method-$seed
        sed -e "s|\"seed\": 1|\"seed\": $seed, \"optimization_method\": \"$method\"|" \
            -e "s|\"results\"|\"$run\"|" convolution.json >"$run.json"
        echo "$method $seed $(hmserve run "$run.json" | tail -n 1 | sed 's/.*,//')"
    done
done

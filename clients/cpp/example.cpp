// Which tiles and which order of loops let a matrix product miss the cache least? Each request
// is evaluated by as many threads as it has trials. usage: ./example [HMSERVE]
#include "hmserve.hpp"
#include "product.hpp"

#include <future>
#include <iostream>

static hmserve::result evaluate(const hmserve::trial &t)
{
    const auto tile = [&](const char *name) { return static_cast<int>(t.integer(name)); };
    return {product_misses({{tile("rows"), tile("columns"), tile("sum")}}, t.permutation("order"))};
}

static std::vector<hmserve::result> evaluate_all(const std::vector<hmserve::trial> &trials)
{
    std::vector<std::future<hmserve::result>> running;
    for (const hmserve::trial &each : trials)
        running.push_back(std::async(std::launch::async, evaluate, each));
    std::vector<hmserve::result> results;
    for (std::future<hmserve::result> &each : running)
        results.push_back(each.get());
    return results;
}

int main(int argc, char **argv)
try {
    hmserve::options how;
    how.program = argc > 1 ? argv[1] : "";
    hmserve::client client("product.json", {"Misses"}, how);
    client.minimise_batches(evaluate_all);
    for (const hmserve::trial &best : client.best())
        for (const hmserve::trial::item &each : best.items())
            std::cout << each.first << " = " << each.second << '\n';
} catch (const std::exception &error) {
    std::cerr << "example: " << error.what() << '\n';
    return 1;
}

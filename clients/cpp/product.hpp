// A matrix product in tiles, and the cache that it would have: 4 KiB, four ways, lines of 64
// bytes, least recently used first. The cost is what the cache misses, in thousands.
#ifndef PRODUCT_HPP
#define PRODUCT_HPP

#include <algorithm>
#include <array>
#include <vector>

class cache {
public:
    void touch(long address)
    {
        const long line = address / 64;
        std::array<long, 4> &set = sets_[static_cast<std::size_t>(line) % sets_.size()];
        auto place = std::find(set.begin(), set.end(), line);
        if (place == set.end()) {
            misses_++;
            place = set.end() - 1;
            *place = line;
        }
        std::rotate(set.begin(), place, place + 1);
    }
    long misses() const { return misses_; }

private:
    std::array<std::array<long, 4>, 16> sets_ = {};
    long misses_ = 0;
};

// `order` has the loops from the outermost to the innermost: 0 rows, 1 columns, 2 the sum.
inline double product_misses(const std::array<int, 3> &tile, const std::vector<int> &order)
{
    const int n = 48;
    cache memory;
    const auto inner = [&](const std::array<int, 3> &from) {
        std::array<int, 3> at = from;
        const int x = order[0], y = order[1], z = order[2];
        const auto end = [&](int d) { return std::min(from[d] + tile[d], n); };
        for (at[x] = from[x]; at[x] < end(x); at[x]++)
            for (at[y] = from[y]; at[y] < end(y); at[y]++)
                for (at[z] = from[z]; at[z] < end(z); at[z]++) {
                    memory.touch(100000L + 8 * (at[0] * n + at[2]));
                    memory.touch(200000L + 8 * (at[2] * n + at[1]));
                    memory.touch(300000L + 8 * (at[0] * n + at[1]));
                }
    };
    std::array<int, 3> from = {};
    for (from[0] = 0; from[0] < n; from[0] += tile[0])
        for (from[1] = 0; from[1] < n; from[1] += tile[1])
            for (from[2] = 0; from[2] < n; from[2] += tile[2])
                inner(from);
    return static_cast<double>(memory.misses()) / 1000;
}
#endif

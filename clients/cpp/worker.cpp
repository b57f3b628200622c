// hmserve run product.json -- ./worker
#include "product.hpp"

#include <cstdio>
#include <iostream>
#include <string>

int main()
{
    std::string word, line;
    for (int count; std::cin >> word >> count && word == "Request";) {
        std::getline(std::cin >> std::ws, line);
        std::cout << line << ",Misses\n";
        while (count-- > 0 && std::getline(std::cin, line)) {
            std::array<int, 3> order, tile; // (0, 1, 2),48,48,48
            std::sscanf(line.c_str(), "(%d, %d, %d),%d,%d,%d", &order[0], &order[1], &order[2],
                        &tile[0], &tile[1], &tile[2]);
            std::cout << line << ',' << product_misses(tile, {order.begin(), order.end()}) << '\n';
        }
        std::cout << std::flush;
    }
}

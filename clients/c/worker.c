/* hmserve run sort.json -- ./worker */
#include "sort.h"

#include <stdio.h>

int main(void)
{
    char line[1000], pivot[20];
    int rows, cutoff, from;

    while (fgets(line, sizeof line, stdin) && sscanf(line, "Request %d", &rows) == 1
           && fgets(line, sizeof line, stdin)) { /* cutoff,pivot,ninther_from */
        puts("cutoff,pivot,ninther_from,Work");
        while (rows-- > 0 && fgets(line, sizeof line, stdin)) {
            line[strcspn(line, "\n")] = '\0';
            from = 0; /* the last field is empty where it does not count */
            sscanf(line, "%d,%19[^,],%d", &cutoff, pivot, &from);
            double cost = sort_cost(cutoff, pivot, from);
            printf(cost < 0 ? "%s,nan\n" : "%s,%.17g\n", line, cost);
        }
        fflush(stdout);
    }
    return 0;
}

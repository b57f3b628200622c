/* Quicksort that leaves pieces of at most `cutoff` to insertion sort. Its pivot is the "middle"
   element, the "median" of three, or a "ninther": the median of three medians in pieces of at
   least `ninther_from`, of three elements in others. Counts comparisons and moves. */
#ifndef SORT_H
#define SORT_H

#include <string.h>

enum { SORT_SIZE = 20000 };

static long sort_work;

static int sort_less(int a, int b)
{
    sort_work++;
    return a < b;
}

static int sort_median(const int *v, int a, int b, int c)
{
    if (sort_less(v[a], v[b]))
        return sort_less(v[b], v[c]) ? b : sort_less(v[a], v[c]) ? c : a;
    return sort_less(v[a], v[c]) ? a : sort_less(v[b], v[c]) ? c : b;
}

static int sort_pivot(const int *v, int n, const char *pivot, int ninther_from)
{
    int e = n / 8, m = n / 2;

    if (strcmp(pivot, "middle") == 0 || n < 3)
        return m;
    if (strcmp(pivot, "median") == 0 || n < ninther_from || n < 9)
        return sort_median(v, 0, m, n - 1);
    return sort_median(v, sort_median(v, 0, e, 2 * e), sort_median(v, m - e, m, m + e),
                       sort_median(v, n - 1 - 2 * e, n - 1 - e, n - 1));
}

static void sort_insert(int *v, int n)
{
    for (int i = 1, j; i < n; i++) {
        int moved = v[i];
        for (j = i; j > 0 && sort_less(moved, v[j - 1]); j--, sort_work++)
            v[j] = v[j - 1];
        v[j] = moved;
        sort_work++;
    }
}

static void sort(int *v, int n, int cutoff, const char *pivot, int ninther_from)
{
    while (n > cutoff && n > 1) {
        int i = -1, j = n, p = v[sort_pivot(v, n, pivot, ninther_from)];
        for (;;) {
            while (sort_less(v[++i], p))
                continue;
            while (sort_less(p, v[--j]))
                continue;
            if (i >= j)
                break;
            int t = v[i];
            v[i] = v[j];
            v[j] = t;
            sort_work += 3;
        }
        int left = i > 0 ? i : 1;
        sort(v, left, cutoff, pivot, ninther_from);
        v += left;
        n -= left;
    }
    sort_insert(v, n);
}

/* Returns comparisons and moves, in thousands, for numbers without order and for an organ pipe;
   -1 if they are not sorted in the end. */
static double sort_cost(int cutoff, const char *pivot, int ninther_from)
{
    static int v[SORT_SIZE];
    unsigned random = 1;

    sort_work = 0;
    for (int pipe = 0; pipe < 2; pipe++) {
        for (int k = 0; k < SORT_SIZE; k++) {
            random = 1664525u * random + 1013904223u;
            v[k] = pipe ? (k < SORT_SIZE / 2 ? k : SORT_SIZE - k) : (int)(random >> 8);
        }
        sort(v, SORT_SIZE, cutoff, pivot, ninther_from);
        for (int k = 1; k < SORT_SIZE; k++)
            if (v[k] < v[k - 1])
                return -1;
    }
    return (double)sort_work / 1000;
}
#endif

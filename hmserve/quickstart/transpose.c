/* Transposes a matrix in tiles and prints the shortest of a few times, in milliseconds.

   usage: transpose TILE_ROWS TILE_COLUMNS ORDER UNROLL      ORDER: rows or columns

   Exit status 1 if there is no code for these values, 2 if the result is wrong. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { N = 1024, REPETITIONS = 9 };

static float from[N * N], to[N * N];

/* Processor time in milliseconds: what other programs take meanwhile is not counted. */
static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return 1e3 * (double)time.tv_sec + 1e-6 * (double)time.tv_nsec;
}

/* Moves `length` numbers, `a` apart in `from` and `b` apart in `to`. */
#define MOVE(t) target[(t)*b] = source[(t)*a];
#define MOVE2(t) MOVE(t) MOVE((t) + 1)
#define MOVE4(t) MOVE2(t) MOVE2((t) + 2)
#define MOVE8(t) MOVE4(t) MOVE4((t) + 4)
static void move(const float *source, int a, float *target, int b, int length, int unroll)
{
    int t;

    switch (unroll) {
    case 1: for (t = 0; t < length; t += 1) { MOVE(t) } break;
    case 2: for (t = 0; t < length; t += 2) { MOVE2(t) } break;
    case 4: for (t = 0; t < length; t += 4) { MOVE4(t) } break;
    default: for (t = 0; t < length; t += 8) { MOVE8(t) }
    }
}

static void transpose(int rows, int columns, int by_rows, int unroll)
{
    for (int i = 0; i < N; i += rows)
        for (int j = 0; j < N; j += columns)
            if (by_rows)
                for (int y = i; y < i + rows; y++)
                    move(&from[y * N + j], 1, &to[j * N + y], N, columns, unroll);
            else
                for (int x = j; x < j + columns; x++)
                    move(&from[i * N + x], N, &to[x * N + i], 1, rows, unroll);
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 1;
    int rows = atoi(argv[1]), columns = atoi(argv[2]), unroll = atoi(argv[4]);
    int by_rows = strcmp(argv[3], "rows") == 0;
    double best = 1e9;

    /* Whole tiles only, and whole unrolled steps only. */
    if (rows < 1 || columns < 1 || N % rows || N % columns || unroll < 1)
        return 1;
    if ((by_rows ? columns : rows) % unroll)
        return 1;
    for (int k = 0; k < N * N; k++)
        from[k] = (float)k;
    for (int repetition = 0; repetition < REPETITIONS; repetition++) {
        double start = now();
        transpose(rows, columns, by_rows, unroll);
        double elapsed = now() - start;
        if (elapsed < best)
            best = elapsed;
    }
    for (int k = 0; k < N * N; k++)
        if (to[k % N * N + k / N] != (float)k)
            return 2;
    printf("%.4f\n", best);
    return 0;
}

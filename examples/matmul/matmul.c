/* C += A B for square matrices, in tiles; see matmul.h. */
#define _POSIX_C_SOURCE 200809L
#include "matmul.h"

#include <string.h>
#include <time.h>

enum { N = MATMUL_SIZE };

static double A[N * N], B[N * N], C[N * N];

/* The innermost loop: STEP(t) is its body. An unrolled one takes whole steps only, which is
   why `unroll` has to divide the tile. */
#define LOOP(by, body) \
    for (int t = 0; t < length; t += (by)) { \
        body \
    } \
    break;
#define STEP2(t) STEP(t) STEP((t) + 1)
#define STEP4(t) STEP2(t) STEP2((t) + 2)
#define STEP8(t) STEP4(t) STEP4((t) + 4)
#define UNROLLED(unroll) \
    switch (unroll) { \
    case 1: LOOP(1, STEP(t)) \
    case 2: LOOP(2, STEP2(t)) \
    case 4: LOOP(4, STEP4(t)) \
    default: LOOP(8, STEP8(t)) \
    }

static void along_i(const double *restrict a, double b, double *restrict c, int length, int unroll)
{
#define STEP(t) c[(t)*N] += a[(t)*N] * b;
    UNROLLED(unroll)
#undef STEP
}

static void along_j(double a, const double *restrict b, double *restrict c, int length, int unroll)
{
#define STEP(t) c[t] += a * b[t];
    UNROLLED(unroll)
#undef STEP
}

static void along_k(const double *restrict a, const double *restrict b, double *restrict c,
                    int length, int unroll)
{
    double sum = 0;
#define STEP(t) sum += a[t] * b[(t)*N];
    UNROLLED(unroll)
#undef STEP
    *c += sum;
}

static void innermost(char loop, const int at[3], int length, int unroll)
{
    int i = at[0], j = at[1], k = at[2];

    if (loop == 'i')
        along_i(&A[i * N + k], B[k * N + j], &C[i * N + j], length, unroll);
    else if (loop == 'j')
        along_j(A[i * N + k], &B[k * N + j], &C[i * N + j], length, unroll);
    else
        along_k(&A[i * N + k], &B[k * N + j], &C[i * N + j], length, unroll);
}

static void multiply(const int tile[3], const char order[3], int unroll)
{
    int x = order[0] - 'i', y = order[1] - 'i', z = order[2] - 'i';
    int start[3], at[3];

    for (start[x] = 0; start[x] < N; start[x] += tile[x])
        for (start[y] = 0; start[y] < N; start[y] += tile[y])
            for (start[z] = 0; start[z] < N; start[z] += tile[z]) {
                at[z] = start[z];
                for (at[x] = start[x]; at[x] < start[x] + tile[x]; at[x]++)
                    for (at[y] = start[y]; at[y] < start[y] + tile[y]; at[y]++)
                        innermost(order[2], at, tile[z], unroll);
            }
}

static int supported(const int tile[3], const char *order, int unroll)
{
    if (strlen(order) != 3 || !strchr(order, 'i') || !strchr(order, 'j') || !strchr(order, 'k'))
        return 0;
    for (int d = 0; d < 3; d++)
        if (tile[d] < 1 || tile[d] > N || N % tile[d] != 0)
            return 0;
    if (unroll != 1 && unroll != 2 && unroll != 4 && unroll != 8)
        return 0;
    return tile[order[2] - 'i'] % unroll == 0;
}

/* With A[i][k] = i - k and B[k][j] = k + j every sum is a whole number, exact in any order. */
static void fill(void)
{
    for (int row = 0; row < N; row++)
        for (int column = 0; column < N; column++) {
            A[row * N + column] = row - column;
            B[row * N + column] = row + column;
        }
}

static int correct(void)
{
    const double n = N, s1 = n * (n - 1) / 2, s2 = n * (n - 1) * (2 * n - 1) / 6;

    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            /* sum over k of (i - k)(k + j) = (i - j) s1 + i j n - s2 */
            if (C[i * N + j] != (i - j) * s1 + (double)i * j * n - s2)
                return 0;
    return 1;
}

/* Processor time in milliseconds: what other programs take meanwhile is not counted. */
static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return 1e3 * (double)time.tv_sec + 1e-6 * (double)time.tv_nsec;
}

double matmul_milliseconds(const struct shape *shape)
{
    const int tile[3] = {shape->tile_i, shape->tile_j, shape->tile_k};
    const double enough = 30; /* milliseconds */
    double best = -1, total = 0;

    if (!supported(tile, shape->order, shape->unroll))
        return -1;
    fill();
    for (int repetition = 0; repetition < 5 && total < enough; repetition++) {
        memset(C, 0, sizeof C);
        double start = now();
        multiply(tile, shape->order, shape->unroll);
        double elapsed = now() - start;
        if (!correct())
            return -1;
        if (best < 0 || elapsed < best)
            best = elapsed;
        total += elapsed;
    }
    return best;
}

/* A matrix product in tiles, compiled anew for each trial: -DTILE=32. Prints how long it takes. */
#include <stdio.h>
#include <time.h>

enum { N = 192, RUNS = 3 };

static float a[N][N], b[N][N], c[N][N];

static void product(void)
{
    for (int ii = 0; ii < N; ii += TILE)
        for (int kk = 0; kk < N; kk += TILE)
            for (int i = ii; i < ii + TILE && i < N; i++)
                for (int k = kk; k < kk + TILE && k < N; k++)
                    for (int j = 0; j < N; j++)
                        c[i][j] += a[i][k] * b[k][j];
}

int main(void)
{
    double best = 1e9;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = (float)(i + j) / N;
            b[i][j] = (float)(i - j) / N;
        }
    for (int run = 0; run < RUNS; run++) {
        clock_t start = clock();
        product();
        double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
        best = seconds < best ? seconds : best;
    }
    /* The sum keeps the compiler from leaving the product out. */
    printf("checksum %g\n%.4f ms\n", c[1][2] + c[N - 1][N / 2], 1e3 * best);
    return 0;
}

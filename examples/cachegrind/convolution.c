/* A layer of a neural network: 16 filters of 3 x 3 over 16 channels of 32 x 32.

   LOOPS names a file with the loops, in which their order and tiles are: worker.awk writes one for
   each configuration. All numbers are whole and small, so every order gives the same sums. */
#include <stdio.h>

enum { FILTERS = 16, CHANNELS = 16, ROWS = 32, COLUMNS = 32, WINDOW = 3 };

#define ALIGNED __attribute__((aligned(64)))

static float input[CHANNELS][ROWS + WINDOW - 1][COLUMNS + WINDOW - 1] ALIGNED;
static float weight[FILTERS][CHANNELS][WINDOW][WINDOW] ALIGNED;
static float output[FILTERS][ROWS][COLUMNS] ALIGNED;

__attribute__((noinline)) void convolve(void)
{
#include LOOPS
}

static void fill(float *values, size_t n, int modulus, int shift)
{
    unsigned state = 12345;
    for (size_t i = 0; i < n; i++) {
        state = state * 1103515245u + 12345u;
        values[i] = (float)((int)(state >> 16) % modulus - shift);
    }
}

/* Freivalds' check: the sum of the outputs, each times its number, is one convolution with the sum
   of the filters, each times its number. A sixteenth of the work. */
static int check(void)
{
    static float sum[CHANNELS][WINDOW][WINDOW];
    for (int k = 0; k < FILTERS; k++)
        for (int c = 0; c < CHANNELS; c++)
            for (int i = 0; i < WINDOW * WINDOW; i++)
                sum[c][i / WINDOW][i % WINDOW] += (float)(k + 1) * weight[k][c][i / WINDOW][i % WINDOW];
    for (int y = 0; y < ROWS; y++)
        for (int x = 0; x < COLUMNS; x++) {
            float wanted = 0, found = 0;
            for (int c = 0; c < CHANNELS; c++)
                for (int i = 0; i < WINDOW * WINDOW; i++)
                    wanted += input[c][y + i / WINDOW][x + i % WINDOW] * sum[c][i / WINDOW][i % WINDOW];
            for (int k = 0; k < FILTERS; k++)
                found += (float)(k + 1) * output[k][y][x];
            if (wanted != found)
                return 0;
        }
    return 1;
}

int main(void)
{
    fill(&input[0][0][0], sizeof input / sizeof(float), 8, 0);
    fill(&weight[0][0][0][0], sizeof weight / sizeof(float), 7, 3);
    convolve();
    if (!check()) {
        fputs("convolution: wrong result\n", stderr);
        return 1;
    }
    return 0;
}

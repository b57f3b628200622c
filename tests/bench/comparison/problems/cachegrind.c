/* C += A B in tiles, every choice a macro; compiled without a library, so that what is counted
   is this file alone. The exit status is 0 if the sum over C is right. */

#define N 72
#define BUFFER 512 /* doubles in the buffers that tiles are copied to */

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)
#define TILE(v) PASTE(TILE_, v)
#define START(v) PASTE(v, 0)
#define TILES(v) for (int START(v) = 0; START(v) < N; START(v) += TILE(v))
#define INSIDE(v) for (int v = START(v); v < START(v) + TILE(v); v++)

_Static_assert(N % TILE_i == 0 && N % TILE_j == 0 && N % TILE_k == 0, "a tile divides N");
_Static_assert(TILE(THIRD) % UNROLL == 0, "whole steps only");
_Static_assert(PACK_A * TILE_i * TILE_k + PACK_B * TILE_k * TILE_j <= BUFFER, "buffers full");

static double A[N * N], B[N * N], C[N * N], buffer[BUFFER];

#if PACK_A
#define A_AT(i, k) buffer[((i) - i0) * TILE_k + ((k) - k0)]
#else
#define A_AT(i, k) A[(i) * N + (k)]
#endif
#if PACK_B
#define PACKED_B (buffer + PACK_A * TILE_i * TILE_k)
#define B_AT(k, j) PACKED_B[((j) - j0) * TILE_k + ((k) - k0)]
#else
#define B_AT(k, j) B[(k) * N + (j)]
#endif

#define STEP(u) \
    if (UNROLL > (u)) { \
        const int THIRD = base + (u); \
        C[i * N + j] += A_AT(i, k) * B_AT(k, j); \
    }

static void multiply(void)
{
    TILES(FIRST) TILES(SECOND) TILES(THIRD) {
#if PACK_A
        INSIDE(i) INSIDE(k) A_AT(i, k) = A[i * N + k];
#endif
#if PACK_B
        INSIDE(j) INSIDE(k) B_AT(k, j) = B[k * N + j];
#endif
        INSIDE(FIRST) INSIDE(SECOND)
            for (int base = START(THIRD); base < START(THIRD) + TILE(THIRD); base += UNROLL) {
                STEP(0) STEP(1) STEP(2) STEP(3) STEP(4) STEP(5) STEP(6) STEP(7)
            }
    }
}

int run(void)
{
    double sum = 0, n = N;

    for (int row = 0; row < N; row++)
        for (int column = 0; column < N; column++) {
            A[row * N + column] = row;
            B[row * N + column] = column;
        }
    multiply();
    for (int at = 0; at < N * N; at++)
        sum += C[at];
    /* C[i][j] is N i j, and i and j add up to N (N - 1) / 2. */
    return sum != n * (n * (n - 1) / 2) * (n * (n - 1) / 2);
}

__asm__(".globl _start\n_start: call run\n mov %eax, %edi\n mov $60, %eax\n syscall");

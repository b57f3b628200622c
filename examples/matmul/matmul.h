/* A matrix product whose loops take their shape at run time. */
#ifndef MATMUL_H
#define MATMUL_H

struct shape {
    int tile_i, tile_j, tile_k; /* each divides MATMUL_SIZE */
    char order[4];              /* the loops from outside in: "ijk", "ikj", ... */
    int unroll;                 /* of the innermost loop: 1, 2, 4 or 8 */
};

enum { MATMUL_SIZE = 288 };

/* Returns the shortest time of a few products in milliseconds, or a negative number if no code
   exists for this shape or a product came out wrong. */
double matmul_milliseconds(const struct shape *shape);

#endif

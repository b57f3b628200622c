/* Which cut-over and pivot let quicksort do the least work? */
#define HMSERVE_IMPLEMENTATION
#include "hmserve.h"
#include "sort.h"

static void evaluate(hmserve *h, hmserve_trial *trial)
{
    double cost = sort_cost((int)hmserve_integer(trial, "cutoff"), hmserve_text(trial, "pivot"),
                            (int)hmserve_integer(trial, "ninther_from"));

    hmserve_tell(h, trial, cost < 0 ? NULL : &cost);
}

int main(void)
{
    hmserve *h = hmserve_open("sort.json", "Work", 0, NULL);
    hmserve_trial *trial;

    while (hmserve_ask(h, 1) > 0)
        while ((trial = hmserve_next(h)) != NULL)
            evaluate(h, trial);
    if (hmserve_best(h) > 0)
        for (trial = hmserve_next(h); trial; trial = hmserve_next(h))
            for (int k = 0; k < trial->count; k++)
                printf("%s=%s\n", trial->names[k], trial->values[k]);
    if (hmserve_error(h))
        fprintf(stderr, "example: %s\n", hmserve_error(h));
    return hmserve_close(h);
}

/* tally < bookings.jsonl: accounts and tags of a file of bookings, one JSON object a line.

   An amount of null is a missing one. Amounts range from cents to 1e15 and cancel, so sums carry
   the rounding error along (Neumaier's summation). Both need floating point to be what IEEE 754
   says. */
#include "json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY ((size_t)64 << 20)
#define LINE 4096

struct entry {
    const char *name;
    uint32_t hash;
    long count, missing;
    double sum, error, least, most, mean, squares;
};

/* Open addressing; a power of two of slots, at most half of them taken. */
struct map {
    struct entry *slots;
    size_t size, used;
};

static uint32_t hash_of(const char *text, size_t length, uint32_t hash)
{
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * 16777619u;
    return hash;
}

static struct entry *slot_of(const struct map *map, const char *name, uint32_t hash)
{
    size_t i = hash & (map->size - 1);
    while (map->slots[i].name
           && (map->slots[i].hash != hash || strcmp(map->slots[i].name, name) != 0))
        i = (i + 1) & (map->size - 1);
    return &map->slots[i];
}

static void grow(struct map *map, struct arena *arena)
{
    struct map larger = {NULL, map->size ? map->size * 2 : 8, map->used};
    larger.slots = arena_take(arena, larger.size * sizeof *larger.slots);
    memset(larger.slots, 0, larger.size * sizeof *larger.slots);
    for (size_t i = 0; i < map->size; i++)
        if (map->slots[i].name)
            *slot_of(&larger, map->slots[i].name, map->slots[i].hash) = map->slots[i];
    *map = larger;
}

static struct entry *entry_of(struct map *map, struct arena *arena, const struct json *name)
{
    uint32_t hash = hash_of(name->text, name->length, 2166136261u);
    struct entry *entry;
    if (map->used * 2 >= map->size)
        grow(map, arena);
    entry = slot_of(map, name->text, hash);
    if (!entry->name) {
        entry->name = name->text;
        entry->hash = hash;
        entry->least = INFINITY;
        entry->most = -INFINITY;
        map->used++;
    }
    return entry;
}

static void add(struct entry *entry, double amount)
{
    double sum = entry->sum + amount, difference;
    if (isnan(amount)) {
        entry->missing++;
        return;
    }
    entry->error += fabs(entry->sum) >= fabs(amount) ? (entry->sum - sum) + amount
                                                     : (amount - sum) + entry->sum;
    entry->sum = sum;
    entry->count++;
    if (amount < entry->least)
        entry->least = amount;
    if (amount > entry->most)
        entry->most = amount;
    difference = amount - entry->mean;
    entry->mean += difference / (double)entry->count;
    entry->squares += difference * (amount - entry->mean);
}

static int before(const struct entry *a, const struct entry *b)
{
    return a->count != b->count ? a->count > b->count : strcmp(a->name, b->name) < 0;
}

static void sift(struct entry **heap, size_t root, size_t n)
{
    for (size_t child; (child = 2 * root + 1) < n; root = child) {
        struct entry *top = heap[root];
        if (child + 1 < n && before(heap[child], heap[child + 1]))
            child++;
        if (!before(top, heap[child]))
            return;
        heap[root] = heap[child];
        heap[child] = top;
    }
}

static struct entry **sorted(const struct map *map, struct arena *arena)
{
    struct entry **list = arena_take(arena, (map->used + 1) * sizeof *list), *last;
    size_t n = 0;
    for (size_t i = 0; i < map->size; i++)
        if (map->slots[i].name)
            list[n++] = &map->slots[i];
    for (size_t root = n / 2; root-- > 0;)
        sift(list, root, n);
    while (n-- > 1) {
        last = list[n];
        list[n] = list[0];
        list[0] = last;
        sift(list, 0, n);
    }
    return list;
}

static double amount_of(const struct json *record)
{
    const struct json *amount = json_member(record, "amount");
    return amount && amount->kind == JSON_NUMBER ? amount->number : NAN;
}

static void take(const struct json *record, struct map *accounts, struct map *tags,
                 struct arena *arena)
{
    const struct json *account = json_member(record, "account");
    const struct json *list = json_member(record, "tags");
    if (account && account->kind == JSON_STRING)
        add(entry_of(accounts, arena, account), amount_of(record));
    for (const struct json *tag = list ? list->child : NULL; tag; tag = tag->next)
        if (tag->kind == JSON_STRING)
            entry_of(tags, arena, tag)->count++;
}

static void report(const struct map *accounts, const struct map *tags, struct arena *arena)
{
    struct entry **list = sorted(accounts, arena);
    for (size_t i = 0; i < accounts->used; i++) {
        const struct entry *e = list[i];
        double deviation = e->count > 1 ? sqrt(e->squares / (double)(e->count - 1)) : 0;
        printf("%s: %ld bookings, %ld missing, sum %.2f, %.2f to %.2f, deviation %.5g\n", e->name,
               e->count, e->missing, e->sum + e->error, e->least, e->most, deviation);
    }
    list = sorted(tags, arena);
    for (size_t i = 0; i < tags->used; i++)
        printf("%s %ld\n", list[i]->name, list[i]->count);
}

static size_t read_all(char *input, size_t size)
{
    size_t length = fread(input, 1, size, stdin);
    if (length == size || ferror(stdin)) {
        fprintf(stderr, "tally: cannot read the input, or it has %zu bytes or more\n", size);
        exit(1);
    }
    return length;
}

int main(void)
{
    struct arena arena = {malloc(MEMORY), 0, MEMORY};
    struct map accounts = {NULL, 0, 0}, tags = {NULL, 0, 0};
    uint32_t checksum = 2166136261u;
    char *input, *line;
    const char *cursor, *end;
    if (!arena.memory) {
        fputs("tally: no memory\n", stderr);
        return 1;
    }
    input = arena_take(&arena, MEMORY / 8);
    end = input + read_all(input, MEMORY / 8);
    for (cursor = input; cursor < end;) {
        const char *start = cursor;
        struct json *record = json_read(&arena, &cursor, end);
        if (!record) {
            fprintf(stderr, "tally: no JSON at byte %td\n", cursor - input);
            free(arena.memory);
            return 1;
        }
        take(record, &accounts, &tags, &arena);
        /* No value gets longer than six times its text when it is written again. */
        line = arena_take(&arena, 6 * (size_t)(cursor - start) + LINE);
        checksum = hash_of(line, (size_t)(json_write(record, line) - line), checksum);
        arena.used = (size_t)(line - arena.memory);
    }
    report(&accounts, &tags, &arena);
    printf("checksum %08x\n", (unsigned)checksum);
    free(arena.memory);
    return 0;
}

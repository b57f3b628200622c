/* JSON as a tree in an arena: read it, walk it, write it again. */
#ifndef JSON_H
#define JSON_H

#include <stddef.h>
#include <stdint.h>

enum kind { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
    enum kind kind;
    uint32_t length;         /* bytes of a string */
    const char *text;        /* string; UTF-8, unescaped, ends with a zero byte */
    double number;
    struct json *name;       /* key of a member of an object */
    struct json *child, *next;
};

struct arena {
    char *memory;
    size_t used, size;
};

/* Memory that lives as long as the arena; ends the program when there is none left. */
void *arena_take(struct arena *arena, size_t bytes);

/* The value at *cursor, which moves behind it; NULL if there is no valid one. */
struct json *json_read(struct arena *arena, const char **cursor, const char *end);

/* The member of an object, or NULL. */
const struct json *json_member(const struct json *object, const char *name);

/* Writes without blanks to `out`, which has room, and returns where it ends. */
char *json_write(const struct json *value, char *out);

#endif

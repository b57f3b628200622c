#include "json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    struct arena *arena;
    const char *at, *end;
};

static struct json *read_value(struct reader *reader, int depth);

void *arena_take(struct arena *arena, size_t bytes)
{
    size_t start = (arena->used + 15) & ~(size_t)15;
    if (start + bytes > arena->size) {
        fprintf(stderr, "tally: input too large for %zu bytes of memory\n", arena->size);
        exit(1);
    }
    arena->used = start + bytes;
    return arena->memory + start;
}

static struct json *new_value(struct reader *reader, enum kind kind)
{
    struct json *value = arena_take(reader->arena, sizeof *value);
    memset(value, 0, sizeof *value);
    value->kind = kind;
    return value;
}

static void skip_blanks(struct reader *reader)
{
    while (reader->at < reader->end
           && (*reader->at == ' ' || *reader->at == '\n' || *reader->at == '\t' || *reader->at == '\r'))
        reader->at++;
}

static int accept(struct reader *reader, char wanted)
{
    if (reader->at >= reader->end || *reader->at != wanted)
        return 0;
    reader->at++;
    return 1;
}

static int accept_after_blanks(struct reader *reader, char wanted)
{
    skip_blanks(reader);
    return accept(reader, wanted);
}

/* ---- strings */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static char *put_utf8(char *out, unsigned code)
{
    if (code < 0x80) {
        *out++ = (char)code;
    } else if (code < 0x800) {
        *out++ = (char)(0xc0 | code >> 6);
        *out++ = (char)(0x80 | (code & 0x3f));
    } else {
        *out++ = (char)(0xe0 | code >> 12);
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    }
    return out;
}

/* Reads what follows a backslash; surrogates are not combined. NULL: no such escape. */
static char *read_escape(struct reader *reader, char *out)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    unsigned code = 0;
    char c = *reader->at++;
    const char *found = memchr(names, c, sizeof names - 1);
    if (found) {
        *out++ = values[found - names];
        return out;
    }
    if (c != 'u' || reader->end - reader->at < 4)
        return NULL;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(*reader->at++);
        if (digit < 0)
            return NULL;
        code = code << 4 | (unsigned)digit;
    }
    return put_utf8(out, code);
}

static struct json *read_string(struct reader *reader)
{
    struct json *value;
    const char *close = reader->at;
    char *out, *text;
    while (close < reader->end && *close != '"')
        close += *close == '\\' ? 2 : 1;
    if (close >= reader->end)
        return NULL;
    value = new_value(reader, JSON_STRING);
    out = text = arena_take(reader->arena, (size_t)(close - reader->at) + 1);
    while (reader->at < close) {
        char c = *reader->at++;
        if (c != '\\')
            *out++ = c;
        else if (!(out = read_escape(reader, out)))
            return NULL;
    }
    *out = 0;
    reader->at = close + 1;
    value->text = text;
    value->length = (uint32_t)(out - text);
    return value;
}

/* ---- numbers */

static double power_of_ten(int exponent)
{
    double power = 1, base = 10;
    unsigned n = (unsigned)(exponent < 0 ? -exponent : exponent);
    for (; n; n >>= 1, base *= base)
        if (n & 1)
            power *= base;
    return power;
}

static int digits(struct reader *reader, uint64_t *mantissa)
{
    const char *start = reader->at;
    while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9')
        *mantissa = *mantissa * 10 + (uint64_t)(*reader->at++ - '0');
    return (int)(reader->at - start);
}

/* Exact up to 15 digits and exponents up to 22, as both factors are then; none beyond 300. */
static struct json *read_number(struct reader *reader)
{
    uint64_t mantissa = 0, power = 0;
    int minus = accept(reader, '-'), exponent = 0;
    struct json *value;
    if (!digits(reader, &mantissa))
        return NULL;
    if (accept(reader, '.'))
        exponent = -digits(reader, &mantissa);
    if (accept(reader, 'e') || accept(reader, 'E')) {
        int down = accept(reader, '-');
        if (!down)
            accept(reader, '+');
        if (!digits(reader, &power) || power > 300)
            return NULL;
        exponent += down ? -(int)power : (int)power;
    }
    value = new_value(reader, JSON_NUMBER);
    value->number = exponent < 0 ? (double)mantissa / power_of_ten(exponent)
                                 : (double)mantissa * power_of_ten(exponent);
    if (minus)
        value->number = -value->number;
    return value;
}

/* ---- the rest */

static struct json *read_word(struct reader *reader, const char *word, enum kind kind)
{
    size_t length = strlen(word);
    if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, word, length) != 0)
        return NULL;
    reader->at += length;
    return new_value(reader, kind);
}

static struct json *read_members(struct reader *reader, enum kind kind, int depth)
{
    char close = kind == JSON_ARRAY ? ']' : '}';
    struct json *value = new_value(reader, kind), **last = &value->child;
    reader->at++;
    if (accept_after_blanks(reader, close))
        return value;
    do {
        struct json *name = NULL;
        if (kind == JSON_OBJECT
            && !(accept_after_blanks(reader, '"') && (name = read_string(reader))
                 && accept_after_blanks(reader, ':')))
            return NULL;
        if (!(*last = read_value(reader, depth + 1)))
            return NULL;
        (*last)->name = name;
        last = &(*last)->next;
    } while (accept_after_blanks(reader, ','));
    return accept_after_blanks(reader, close) ? value : NULL;
}

static struct json *read_value(struct reader *reader, int depth)
{
    skip_blanks(reader);
    if (reader->at >= reader->end || depth > 100)
        return NULL;
    switch (*reader->at) {
    case '{': return read_members(reader, JSON_OBJECT, depth);
    case '[': return read_members(reader, JSON_ARRAY, depth);
    case '"': reader->at++; return read_string(reader);
    case 'n': return read_word(reader, "null", JSON_NULL);
    case 't': return read_word(reader, "true", JSON_TRUE);
    case 'f': return read_word(reader, "false", JSON_FALSE);
    default: return read_number(reader);
    }
}

struct json *json_read(struct arena *arena, const char **cursor, const char *end)
{
    struct reader reader = {arena, *cursor, end};
    struct json *value = read_value(&reader, 0);
    skip_blanks(&reader);
    *cursor = reader.at;
    return value;
}

const struct json *json_member(const struct json *object, const char *name)
{
    const struct json *member = object->kind == JSON_OBJECT ? object->child : NULL;
    while (member && strcmp(member->name->text, name) != 0)
        member = member->next;
    return member;
}

/* ---- writing */

static char *put(char *out, const char *text)
{
    while (*text)
        *out++ = *text++;
    return out;
}

static char *write_string(const struct json *value, char *out)
{
    static const char digit[] = "0123456789abcdef";
    *out++ = '"';
    for (uint32_t i = 0; i < value->length; i++) {
        unsigned char c = (unsigned char)value->text[i];
        if (c < 0x20) {
            out = put(out, "\\u00");
            *out++ = digit[c >> 4];
            *out++ = digit[c & 15];
        } else {
            if (c == '"' || c == '\\')
                *out++ = '\\';
            *out++ = (char)c;
        }
    }
    *out++ = '"';
    return out;
}

/* Two decimals, as amounts have; what is too large for 64 bits of hundredths becomes null. */
static char *write_number(double number, char *out)
{
    char reversed[32];
    int n = 0;
    uint64_t hundredths;
    if (fabs(number) >= 1e17)
        return put(out, "null");
    if (number < 0) {
        *out++ = '-';
        number = -number;
    }
    hundredths = (uint64_t)(number * 100 + 0.5);
    do {
        reversed[n++] = (char)('0' + hundredths % 10);
        hundredths /= 10;
        if (n == 2)
            reversed[n++] = '.';
    } while (hundredths || n < 4);
    while (n)
        *out++ = reversed[--n];
    return out;
}

char *json_write(const struct json *value, char *out)
{
    static const char *const words[] = {"null", "false", "true"};
    if (value->kind <= JSON_TRUE)
        return put(out, words[value->kind]);
    if (value->kind == JSON_NUMBER)
        return write_number(value->number, out);
    if (value->kind == JSON_STRING)
        return write_string(value, out);
    *out++ = value->kind == JSON_ARRAY ? '[' : '{';
    for (const struct json *child = value->child; child; child = child->next) {
        if (child->name) {
            out = write_string(child->name, out);
            *out++ = ':';
        }
        out = json_write(child, out);
        if (child->next)
            *out++ = ',';
    }
    *out++ = value->kind == JSON_ARRAY ? ']' : '}';
    return out;
}

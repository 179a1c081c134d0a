/* See number_text.h. printf and strtod follow the locale's decimal point, which another
 * thread may even change; it is found by printing a number and replaced. */
#include "base/number_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LENGTH 120 /* of a number that is read */

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* A decimal point of whatever bytes becomes '.'. */
static void make_point(char *buf)
{
    char *to = buf;
    bool point = false; /* one of several bytes becomes one */
    for (const char *p = buf; *p != '\0'; p++) {
        bool own = is_digit(*p) || *p == '-' || *p == '+' || *p == 'e';
        if (own || !point) *to++ = own ? *p : '.';
        point = !own;
    }
    *to = '\0';
}

void tdagi_f64_text(double value, int digits, char buf[TDAGI_NUMBER_TEXT_SIZE])
{
    if (isnan(value)) {
        strcpy(buf, "nan");
    } else if (isinf(value)) {
        strcpy(buf, value < 0 ? "-inf" : "inf");
    } else {
        snprintf(buf, TDAGI_NUMBER_TEXT_SIZE, "%.*g", digits, value);
        make_point(buf);
    }
}

void tdagi_f64_fixed(double value, int decimals, char buf[TDAGI_NUMBER_TEXT_SIZE])
{
    if (!(fabs(value) < 1e30)) {
        tdagi_f64_text(value, 17, buf);
        return;
    }
    snprintf(buf, TDAGI_NUMBER_TEXT_SIZE, "%.*f", decimals, value);
    make_point(buf);
}

double tdagi_f64_rounded(double value, int digits)
{
    char buf[TDAGI_NUMBER_TEXT_SIZE];
    double again = value < 0 ? -(double)INFINITY : (double)INFINITY;
    tdagi_f64_text(value, digits, buf);
    (void)tdagi_f64_parse(buf, strlen(buf), &again);
    return again;
}

void tdagi_f64_literal(double value, char buf[TDAGI_NUMBER_TEXT_SIZE])
{
    int digits = 6;
    while (digits < 17 && tdagi_f64_rounded(value, digits) != value && !isnan(value))
        digits++;
    tdagi_f64_text(value, digits, buf);
    if (isfinite(value) && strpbrk(buf, ".e") == NULL) strcat(buf, ".");
}

/* Whether the n bytes are a decimal number; *point_out is where its point is, or n. */
static bool is_decimal(const char *text, size_t n, size_t *point_out)
{
    size_t i = 0, digits = 0;
    *point_out = n;
    if (i < n && (text[i] == '-' || text[i] == '+')) i++;
    for (; i < n && (is_digit(text[i]) || (text[i] == '.' && *point_out == n)); i++) {
        if (text[i] == '.')
            *point_out = i;
        else
            digits++;
    }
    if (digits == 0) return false;
    if (i == n) return true;
    if (text[i] != 'e' && text[i] != 'E') return false;
    i++;
    if (i < n && (text[i] == '-' || text[i] == '+')) i++;
    size_t exponent = i;
    while (i < n && is_digit(text[i]))
        i++;
    return i == n && i > exponent;
}

bool tdagi_f64_parse(const char *text, size_t n, double *out)
{
    if (n == 3 && memcmp(text, "nan", 3) == 0) {
        *out = (double)NAN;
        return true;
    }
    bool minus = n > 0 && text[0] == '-';
    if (n == (minus ? 4u : 3u) && memcmp(text + minus, "inf", 3) == 0) {
        *out = minus ? -(double)INFINITY : (double)INFINITY;
        return true;
    }
    size_t point;
    if (n > MAX_LENGTH || !is_decimal(text, n, &point)) return false;
    char half[16], number[MAX_LENGTH + 16];
    snprintf(half, sizeof half, "%.1f", 0.5); /* shows the point */
    size_t length = strlen(half) - 2, tail = point < n ? n - point - 1 : 0;
    memcpy(number, text, point);
    if (point < n) {
        memcpy(number + point, half + 1, length);
        memcpy(number + point + length, text + point + 1, tail);
        number[point + length + tail] = '\0';
    } else {
        number[n] = '\0';
    }
    double value = strtod(number, NULL);
    if (isinf(value)) return false;
    *out = value;
    return true;
}

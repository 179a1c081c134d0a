/* Shared by the files of tdag info: the report as JSON, and its cells. */
#ifndef TDAGI_COMMAND_INFO_H
#define TDAGI_COMMAND_INFO_H

#include <cjson/cJSON.h>

#include "cli/cli.h"

extern const char *const cli_level_names[3];

/* A count: an integer, or a formula, which counts as its value at the samples. */
double cli_info_number(const cJSON *count);
double cli_info_field(const cJSON *object, const char *key);
const char *cli_info_text(const cJSON *object, const char *key); /* "" if it has none */
void cli_info_add(const cli *c, cli_table *t, double value, const char *unit);
void cli_info_title(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Prints a table and frees it. */
int cli_info_table(cli_table *t);

/* ---- parts of the page ---- */
/* Inputs and outputs. */
int cli_info_ends(const cJSON *report);
/* What is held; peak_bytes only where totals have it. */
int cli_info_memory(const cli *c, const cJSON *totals);
/* The work at all levels, and formulas at one. */
int cli_info_levels(const cli *c, const cJSON *totals, const char *level);
/* The table that --by names, of an object that has it. */
int cli_info_rows(const cli *c, const cJSON *object, const char *by, double all_flops);

/* The page of a program (info_program.c). */
int cli_info_program(const cli *c, const cJSON *report);

#endif

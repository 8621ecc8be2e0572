/* What the command line tools that print one ACPI table share. */
#ifndef TOOLS_LIB_TABLE_TOOL_H
#define TOOLS_LIB_TABLE_TOOL_H

#include "hv/platform/acpi_table.h"

/* Prints the table on stdout, or says why it is malformed. */
typedef enum status (*table_print_t)(struct bytes table, struct acpi_error *error);

/*
 * The main() of a tool that is called as `name FILE`. Returns the exit status: 0; 1 for a malformed
 * table; 2 for a wrong call, a file that can't be read or has over 1 MiB, or output that can't be
 * written; for 1 and 2 one line is on stderr.
 */
int table_tool_main(const char *name, int argc, char **argv, table_print_t print);

#endif

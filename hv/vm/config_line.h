/* Reading one command line of options, KEY=VALUE, each once. What the files of the configuration share. */
#ifndef HV_VM_CONFIG_LINE_H
#define HV_VM_CONFIG_LINE_H

#include "hv/vm/config.h"
#include "hv/vm/words.h"

struct option {
	const char *key;
	/* config is the line's: a struct hv_config or vm_config. */
	enum status (*take)(void *config, struct text word, struct text value,
			    struct config_error *error);
};

struct option_table {
	const struct option *option;
	u32 count;	     /* 32 at most */
	const char *unknown; /* why a word that is none of them is refused */
};

/* Fills *error; always ERR_INVALID. */
enum status config_refuse(struct config_error *error, struct text word, const char *reason);

/* *seen has a bit for each option that stood on the line already. */
enum status config_take(const struct option_table *table, void *config, struct text word, u32 *seen,
			struct config_error *error);

/* Not empty, and without a comma at its end; its parts are still to be read. */
bool config_is_list(struct text value);

/* Some loaders put the file's name first: "/boot/sluice.elf" or "(cd)/sluice.elf". */
bool config_is_file_name(struct text word);

/* The hypervisor's own line. */
enum status config_parse_hv(const char *command, struct hv_config *hv, struct config_error *error);

#endif

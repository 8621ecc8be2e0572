#include "hv/vm/config.h"

#include "hv/base/log.h"
#include "hv/base/string.h"
#include "hv/vm/words.h"

#define UART_PORT_DEFAULT 0x3f8
#define UART_PORT_LAST	  0xfff8 /* a UART has eight ports */

static enum status refuse(struct config_error *error, struct text word, const char *reason)
{
	error->reason = reason;
	text_copy(word, error->word, sizeof(error->word));
	return ERR_INVALID;
}

/* Not empty, and without a comma at its end; its parts are still to be read. */
static bool is_list(struct text value)
{
	return value.length && value.start[value.length - 1] != ',';
}

/* --- Options: KEY=VALUE, each once on its line --- */

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

/* *seen has a bit for each option that stood on the line already. */
static enum status take_word(const struct option_table *table, void *config, struct text word,
			     u32 *seen, struct config_error *error)
{
	for (u32 i = 0; i < table->count; i++) {
		struct text value;

		if (!text_value(word, table->option[i].key, &value))
			continue;
		if (*seen & BIT(i))
			return refuse(error, word, "this option is given twice");
		*seen |= (u32)BIT(i);
		return table->option[i].take(config, word, value, error);
	}
	return refuse(error, word, table->unknown);
}

/* --- The hypervisor's own command line --- */

static enum status take_exit(void *config, struct text word, struct text value,
			     struct config_error *error)
{
	struct hv_config *hv = config;

	if (text_is(value, "debug"))
		hv->exit = EXIT_DEBUG_PORT;
	else if (text_is(value, "bochs"))
		hv->exit = EXIT_BOCHS;
	else if (text_is(value, "halt"))
		hv->exit = EXIT_HALT;
	else
		return refuse(error, word, "exit= is none of debug, bochs and halt");
	return OK;
}

static enum status take_pool(void *config, struct text word, struct text value,
			     struct config_error *error)
{
	struct hv_config *hv = config;

	if (!text_size(value, &hv->pool_size) || !hv->pool_size)
		return refuse(error, word, "pool= is not a size");
	return OK;
}

static enum status take_uart(void *config, struct text word, struct text value,
			     struct config_error *error)
{
	struct hv_config *hv = config;
	u64 port;

	if (text_is(value, "none"))
		port = 0;
	else if (!text_number(value, &port) || port > UART_PORT_LAST)
		return refuse(error, word, "uart= is neither a port nor none");
	hv->uart_port = (u16)port;
	return OK;
}

/* "BDF:GSI": the last colon divides them. */
static bool read_intx(struct text part, struct sbdf *device, u32 *gsi)
{
	size_t colon = part.length;
	struct text number;
	u64 value;

	while (colon && part.start[colon - 1] != ':')
		colon--;
	if (!colon)
		return false;
	number = (struct text){part.start + colon, part.length - colon};
	if (!text_number(number, &value) || value > UINT32_MAX)
		return false;
	*gsi = (u32)value;
	return text_sbdf((struct text){part.start, colon - 1}, device);
}

static enum status take_intx(void *config, struct text word, struct text value,
			     struct config_error *error)
{
	struct hv_config *hv = config;
	struct text part;

	if (!is_list(value))
		return refuse(error, word, "intx= takes BDF:GSI[,BDF:GSI]...");
	while (text_next(&value, ',', &part)) {
		u32 n = hv->intx_count;

		if (n == CONFIG_MAX_INTX)
			return refuse(error, word, "intx= has too many entries");
		if (!read_intx(part, &hv->intx[n].device, &hv->intx[n].gsi))
			return refuse(error, part, "intx= takes BDF:GSI[,BDF:GSI]...");
		hv->intx_count++;
	}
	return OK;
}

static enum status take_iommu(void *config, struct text word, struct text value,
			      struct config_error *error)
{
	struct hv_config *hv = config;

	if (!text_is(value, "unsafe-identity"))
		return refuse(error, word, "iommu= takes unsafe-identity and nothing else");
	hv->unsafe_identity = true;
	return OK;
}

static enum status take_check(void *config, struct text word, struct text value,
			      struct config_error *error)
{
	struct hv_config *hv = config;
	static const char *const names[] = {
		[CHECK_UD] = "ud",     [CHECK_STACK] = "stack", [CHECK_TEXT] = "text",
		[CHECK_DATA] = "data", [CHECK_NULL] = "null",
	};

	for (u32 i = CHECK_UD; i < ARRAY_SIZE(names); i++)
		if (text_is(value, names[i])) {
			hv->check = (enum hv_check)i;
			return OK;
		}
	return refuse(error, word, "check= is none of ud, stack, text, data and null");
}

static const struct option hv_options[] = {
	{"exit=", take_exit}, {"pool=", take_pool},   {"uart=", take_uart},
	{"intx=", take_intx}, {"check=", take_check}, {"iommu=", take_iommu},
};

static const struct option_table hv_table = {
	hv_options,
	ARRAY_SIZE(hv_options),
	"unknown option",
};

/* Some loaders put the file's name first: "/boot/sluice.elf" or "(cd)/sluice.elf". */
static bool is_file_name(struct text word)
{
	return word.start[0] == '/' || word.start[0] == '(';
}

static enum status parse_hv(const char *command, struct hv_config *hv, struct config_error *error)
{
	struct text rest = text_of(command);
	struct text word;
	bool first = true;
	u32 seen = 0;

	*hv = (struct hv_config){.uart_port = UART_PORT_DEFAULT};
	for (; text_next(&rest, ' ', &word); first = false) {
		enum status status;

		if (first && is_file_name(word))
			continue;
		status = take_word(&hv_table, hv, word, &seen, error);
		if (status != OK)
			return status;
	}
	return OK;
}

/* --- The lines of VMs --- */

static bool is_name_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_' || c == '.';
}

static enum status take_name(void *config, struct text word, struct text value,
			     struct config_error *error)
{
	struct vm_config *vm = config;

	if (!value.length)
		return refuse(error, word, "the VM's name is empty");
	if (value.length >= VM_NAME_MAX)
		return refuse(error, word, "the VM's name is too long");
	for (size_t i = 0; i < value.length; i++)
		if (!is_name_character(value.start[i]))
			return refuse(error, word,
				      "the VM's name is not of letters, digits, - _ .");
	text_copy(value, vm->name, sizeof(vm->name));
	return OK;
}

static enum status take_cpus(void *config, struct text word, struct text value,
			     struct config_error *error)
{
	struct vm_config *vm = config;
	u64 cpus;

	if (!text_number(value, &cpus) || !cpus || cpus > UINT32_MAX)
		return refuse(error, word, "cpus= is not a number above 0");
	vm->cpus = (u32)cpus;
	return OK;
}

static enum status take_memory(void *config, struct text word, struct text value,
			       struct config_error *error)
{
	struct vm_config *vm = config;

	if (!text_size(value, &vm->memory) || !vm->memory)
		return refuse(error, word, "mem= is not a size");
	return OK;
}

static enum status take_devices(void *config, struct text word, struct text value,
				struct config_error *error)
{
	struct vm_config *vm = config;
	struct text part;

	vm->pci_given = true;
	if (text_is(value, "none"))
		return OK;
	if (!is_list(value))
		return refuse(error, word, "pci= takes none or BDF[,BDF]...");
	while (text_next(&value, ',', &part)) {
		if (vm->device_count == VM_MAX_DEVICES)
			return refuse(error, word, "pci= has too many devices");
		if (!text_sbdf(part, &vm->device[vm->device_count++]))
			return refuse(error, part, "pci= takes none or BDF[,BDF]...");
	}
	return OK;
}

static const struct option vm_options[] = {
	{"vm=", take_name},
	{"cpus=", take_cpus},
	{"mem=", take_memory},
	{"pci=", take_devices},
};

static const struct option_table vm_table = {
	vm_options,
	ARRAY_SIZE(vm_options),
	"unknown option (the guest's own arguments come after --)",
};

/* Puts the guest's arguments, which begin at the first word after "--", into the VM. */
static void take_arguments(struct vm_config *vm, struct text rest)
{
	while (rest.length && *rest.start == ' ') {
		rest.start++;
		rest.length--;
	}
	text_copy(rest, vm->arguments, sizeof(vm->arguments));
}

/* True if the line makes its module a VM's first: it has a vm= word before any "--". */
static bool is_vm_line(const char *command)
{
	struct text rest = text_of(command);
	struct text word, value;

	while (text_next(&rest, ' ', &word) && !text_is(word, "--"))
		if (text_value(word, "vm=", &value))
			return true;
	return false;
}

static enum status parse_vm(const char *command, struct vm_config *vm, struct config_error *error)
{
	struct text rest = text_of(command);
	struct text word;
	bool first = true;
	u32 seen = 0;

	for (; text_next(&rest, ' ', &word); first = false) {
		enum status status;

		if (text_is(word, "--")) {
			take_arguments(vm, rest);
			break;
		}
		if (first && is_file_name(word))
			continue;
		status = take_word(&vm_table, vm, word, &seen, error);
		if (status != OK)
			return status;
	}
	return OK;
}

/* A first module without a vm= word: all that it says is for the guest. */
static void default_vm(const char *command, struct vm_config *vm)
{
	text_copy(text_of("vm0"), vm->name, sizeof(vm->name));
	text_copy(text_of(command), vm->arguments, sizeof(vm->arguments));
}

static bool name_taken(const struct config *config, const char *name)
{
	for (u32 i = 0; i < config->vm_count; i++)
		if (strcmp(config->vm[i].name, name) == 0)
			return true;
	return false;
}

/*
 * Reads the VM that begins at module `first` and takes it and its further modules, up to module `end`,
 * into the configuration.
 */
static enum status add_vm(const struct bootinfo *boot, u32 first, u32 end, struct config *config,
			  struct config_error *error)
{
	const char *command = boot->module[first].command;
	struct vm_config *vm = &config->vm[config->vm_count];
	struct text line = text_of(command);
	enum status status = OK;

	if (config->vm_count == VM_MAX)
		return refuse(error, line, "there are too many VMs");
	*vm = (struct vm_config){.kernel = first};
	if (is_vm_line(command))
		status = parse_vm(command, vm, error);
	else
		default_vm(command, vm);
	if (status != OK)
		return status;
	if (name_taken(config, vm->name))
		return refuse(error, text_of(vm->name), "another VM has this name");
	if (end - first - 1 > VM_MAX_MODULES)
		return refuse(error, text_of(vm->name), "the VM has too many modules");

	for (u32 i = first + 1; i < end; i++)
		vm->module[vm->module_count++] = i;
	config->vm_count++;
	return OK;
}

enum status config_parse(const struct bootinfo *boot, struct config *config,
			 struct config_error *error)
{
	u32 first = 0;
	enum status status;

	config->vm_count = 0;
	config->left_out = 0;
	error->module = CONFIG_IN_COMMAND;
	status = parse_hv(boot->command, &config->hv, error);
	if (status != OK)
		return status;

	while (first < boot->module_count) {
		struct config_error wrong = {.module = first};
		u32 end = first + 1;

		while (end < boot->module_count && !is_vm_line(boot->module[end].command))
			end++;
		if (add_vm(boot, first, end, config, &wrong) != OK) {
			log_line("config", "module %u: left out: %s: \"%s\"", first, wrong.reason,
				 wrong.word);
			config->left_out++;
		}
		first = end;
	}
	return OK;
}

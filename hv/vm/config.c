#include "hv/vm/config.h"

#include "hv/base/log.h"
#include "hv/base/string.h"
#include "hv/vm/config_line.h"

/* --- The lines of VMs --- */

static bool is_name_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_' || c == '.';
}

static enum status read_name(struct text word, struct text value, char name[VM_NAME_MAX],
			     struct config_error *error)
{
	if (!value.length)
		return config_refuse(error, word, "the VM's name is empty");
	if (value.length >= VM_NAME_MAX)
		return config_refuse(error, word, "the VM's name is too long");
	for (size_t i = 0; i < value.length; i++)
		if (!is_name_character(value.start[i]))
			return config_refuse(error, word,
					     "the VM's name is not of letters, digits, - _ .");
	text_copy(value, name, VM_NAME_MAX);
	return OK;
}

static enum status take_name(void *config, struct text word, struct text value,
			     struct config_error *error)
{
	struct vm_config *vm = config;

	return read_name(word, value, vm->name, error);
}

static enum status take_after(void *config, struct text word, struct text value,
			      struct config_error *error)
{
	struct vm_config *vm = config;

	return read_name(word, value, vm->after, error);
}

static enum status take_restart(void *config, struct text word, struct text value,
				struct config_error *error)
{
	struct vm_config *vm = config;
	u64 count;

	if (text_is(value, "never"))
		count = 0;
	else if (text_is(value, "always"))
		count = CONFIG_ALWAYS;
	else if (!text_number(value, &count) || count >= CONFIG_ALWAYS)
		return config_refuse(error, word, "restart= is none of never, a number and always");
	vm->restarts = (u32)count;
	return OK;
}

static enum status take_cpus(void *config, struct text word, struct text value,
			     struct config_error *error)
{
	struct vm_config *vm = config;
	u64 cpus;

	if (!text_number(value, &cpus) || !cpus || cpus > UINT32_MAX)
		return config_refuse(error, word, "cpus= is not a number above 0");
	vm->cpus = (u32)cpus;
	return OK;
}

static enum status take_memory(void *config, struct text word, struct text value,
			       struct config_error *error)
{
	struct vm_config *vm = config;

	if (!text_size(value, &vm->memory) || !vm->memory)
		return config_refuse(error, word, "mem= is not a size");
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
	if (!config_is_list(value))
		return config_refuse(error, word, "pci= takes none or BDF[,BDF]...");
	while (text_next(&value, ',', &part)) {
		if (vm->device_count == VM_MAX_DEVICES)
			return config_refuse(error, word, "pci= has too many devices");
		if (!text_sbdf(part, &vm->device[vm->device_count++]))
			return config_refuse(error, part, "pci= takes none or BDF[,BDF]...");
	}
	return OK;
}

static const struct option vm_options[] = {
	{"vm=", take_name},	{"cpus=", take_cpus},	    {"mem=", take_memory},
	{"pci=", take_devices}, {"restart=", take_restart}, {"after=", take_after},
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
		if (first && config_is_file_name(word))
			continue;
		status = config_take(&vm_table, vm, word, &seen, error);
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
		return config_refuse(error, line, "there are too many VMs");
	*vm = (struct vm_config){.kernel = first};
	if (is_vm_line(command))
		status = parse_vm(command, vm, error);
	else
		default_vm(command, vm);
	if (status != OK)
		return status;
	if (name_taken(config, vm->name))
		return config_refuse(error, text_of(vm->name), "another VM has this name");
	if (end - first - 1 > VM_MAX_MODULES)
		return config_refuse(error, text_of(vm->name), "the VM has too many modules");

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
	status = config_parse_hv(boot->command, &config->hv, error);
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

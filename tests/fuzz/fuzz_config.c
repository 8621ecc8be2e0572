// sources: hv/vm/config.c hv/vm/config_hv.c hv/vm/words.c
// runs: 40000
// max_len: 2048
/* Command lines: the first line of the input is the hypervisor's, each further one a module's. */
#include "tests/fuzz/fuzz.h"

#include "hv/vm/config.h"

static struct bootinfo boot;
static struct config config;

/* A line as the boot information has it: at most 511 bytes and a NUL. */
static void take_line(struct fuzz_input *input, char line[BOOT_COMMAND_MAX])
{
	struct bytes rest = fuzz_rest(input);
	const u8 *end = rest.size ? memchr(rest.data, '\n', rest.size) : NULL;
	size_t length = end ? (size_t)(end - rest.data) : rest.size;

	snprintf(line, BOOT_COMMAND_MAX, "%.*s", (int)length, (const char *)rest.data);
	input->at += length + 1;
}

static void check_vm(u32 n, u8 used[BOOT_MAX_MODULES])
{
	const struct vm_config *vm = &config.vm[n];

	MUST(fuzz_is_text(vm->name, sizeof(vm->name)) && vm->name[0]);
	MUST(fuzz_is_text(vm->after, sizeof(vm->after)));
	MUST(fuzz_is_text(vm->arguments, sizeof(vm->arguments)));
	MUST(vm->device_count <= VM_MAX_DEVICES && vm->module_count <= VM_MAX_MODULES);
	MUST(!vm->device_count || vm->pci_given);
	for (u32 i = 0; i < n; i++)
		MUST(strcmp(config.vm[i].name, vm->name) != 0);
	MUST(vm->kernel < boot.module_count && !used[vm->kernel]++);
	for (u32 i = 0; i < vm->module_count; i++)
		MUST(vm->module[i] < boot.module_count && !used[vm->module[i]]++);
}

static void check_hv(const struct hv_config *hv)
{
	MUST(hv->exit <= EXIT_BOCHS && hv->check <= CHECK_GS);
	MUST(hv->intx_count <= CONFIG_MAX_INTX);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz_input input = {.bytes = {data, size}};
	struct config_error error = {0};
	u8 used[BOOT_MAX_MODULES] = {0};

	if (!size)
		return 0;
	boot.module_count = 0;
	take_line(&input, boot.command);
	while (fuzz_has_more(&input) && boot.module_count < BOOT_MAX_MODULES)
		take_line(&input, boot.module[boot.module_count++].command);
	memset(&config, 0xa5, sizeof(config));
	if (config_parse(&boot, &config, &error) != OK) {
		fuzz_check_reason(error.reason);
		MUST(fuzz_is_text(error.word, sizeof(error.word)));
		MUST(error.module == CONFIG_IN_COMMAND || error.module < boot.module_count);
		return 0;
	}
	MUST(config.vm_count <= VM_MAX);
	for (u32 n = 0; n < config.vm_count; n++)
		check_vm(n, used);
	check_hv(&config.hv);
	return 0;
}

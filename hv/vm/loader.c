#include "hv/vm/loader.h"

#include "hv/vm/multiboot.h"
#include "hv/vm/pvh.h"

/* Linux's own boot protocol: "HdrS" in the setup header (Documentation/arch/x86/boot.rst). */
#define LINUX_HEADER	   0x202
#define LINUX_HEADER_MAGIC 0x53726448u

static const char *why_unknown(struct bytes kernel)
{
	if (bytes_u32(kernel, LINUX_HEADER) == LINUX_HEADER_MAGIC)
		return "it is a Linux bzImage, not a multiboot or PVH ELF kernel (use its vmlinux)";
	return "it is not a multiboot or PVH ELF kernel";
}

static enum status load(struct loading *loading, struct vcpu_start *start)
{
	struct bytes kernel = loading->image->kernel;
	struct multiboot_header header;
	struct elf elf;
	u32 entry;
	enum status status;

	if (multiboot_find(kernel, &header))
		return multiboot_load(loading, &header, start);
	if (!elf_is(kernel))
		return loading_refuse(loading, why_unknown(kernel));
	status = elf_open(kernel, &elf, &loading->reason);
	if (status != OK)
		return status;
	if (!pvh_find(&elf, &entry))
		return loading_refuse(loading, why_unknown(kernel));
	return pvh_load(loading, &elf, entry, start);
}

enum status loader_load(struct vm *vm, const struct guest_image *image, struct vcpu_start *start,
			const char **reason)
{
	struct loading loading;
	enum status status;

	loading_init(&loading, vm, image);
	if (image->module_count > LOADER_MAX_MODULES)
		status = loading_refuse(&loading, "there are too many modules");
	else
		status = load(&loading, start);
	*reason = loading.reason;
	return status;
}

#include "hv/vm/pvh.h"

#include "hv/vm/vm.h"

#define XEN_ELFNOTE_PHYS32_ENTRY 18

#define START_MAGIC   0x336ec578u
#define START_VERSION 1

struct hvm_start_info {
	u32 magic;
	u32 version;
	u32 flags;
	u32 module_count;
	u64 modules;
	u64 command;
	u64 rsdp;
	u64 map;
	u32 map_count;
	u32 reserved;
};
_Static_assert(offsetof(struct hvm_start_info, rsdp) == 32, "start_info.h");
_Static_assert(sizeof(struct hvm_start_info) == 56, "start_info.h");

struct hvm_module {
	u64 start;
	u64 size;
	u64 command;
	u64 reserved;
};
_Static_assert(sizeof(struct hvm_module) == 32, "start_info.h");

struct hvm_map_entry {
	u64 start;
	u64 size;
	u32 type; /* as in E820 */
	u32 reserved;
};
_Static_assert(sizeof(struct hvm_map_entry) == 24, "start_info.h");

bool pvh_find(const struct elf *elf, u32 *entry)
{
	struct bytes descriptor;

	if (elf_note(elf, "Xen", XEN_ELFNOTE_PHYS32_ENTRY, &descriptor) != OK)
		return false;
	*entry = bytes_u32(descriptor, 0);
	return descriptor.size == 4 || descriptor.size == 8;
}

static enum status put_modules(struct loading *loading, u64 *at)
{
	struct hvm_module list[LOADER_MAX_MODULES];
	u32 count = loading->image->module_count;

	for (u32 i = 0; i < count; i++) {
		const struct guest_module *module = &loading->image->module[i];
		enum status status;

		list[i] = (struct hvm_module){
			.start = loading->module[i],
			.size = module->content.size,
		};
		status = loading_put_text(loading, module->command, &list[i].command);
		if (status != OK)
			return status;
	}
	if (!count)
		return OK;
	return loading_put(loading, list, count * sizeof(list[0]), at);
}

static enum status put_map(struct loading *loading, u64 *at)
{
	struct hvm_map_entry map[LAYOUT_MAX_ENTRIES];
	const struct memory_layout *layout = &loading->vm->layout;

	for (u32 i = 0; i < layout->count; i++)
		map[i] = (struct hvm_map_entry){
			.start = layout->entry[i].start,
			.size = layout->entry[i].size,
			.type = layout->entry[i].type,
		};
	return loading_put(loading, map, layout->count * sizeof(map[0]), at);
}

static enum status put_start_info(struct loading *loading, u64 *at)
{
	struct hvm_start_info info = {
		.magic = START_MAGIC,
		.version = START_VERSION,
		.module_count = loading->image->module_count,
		.rsdp = loading->image->rsdp.v,
		.map_count = loading->vm->layout.count,
	};
	enum status status = put_modules(loading, &info.modules);

	if (status == OK)
		status = put_map(loading, &info.map);
	if (status == OK)
		status = loading_put_text(loading, loading->image->command, &info.command);
	if (status == OK)
		status = loading_put(loading, &info, sizeof(info), at);
	return status;
}

enum status pvh_load(struct loading *loading, const struct elf *elf, u32 entry,
		     struct vcpu_start *start)
{
	u64 info = 0;
	enum status status = loading_elf(loading, elf);

	if (status != OK)
		return status;
	if (!loading_in_kernel(loading, entry))
		return loading_refuse(loading, "PVH: the entry is not in the kernel");
	status = loading_modules(loading);
	if (status == OK)
		status = put_start_info(loading, &info);
	*start = (struct vcpu_start){.rip = entry, .rbx = (u32)info};
	return status;
}

#include "hv/vm/loading.h"

#include "hv/base/string.h"
#include "hv/vm/housekeeping.h"
#include "hv/vm/vm.h"

/* The boot protocols' structures begin here: real-mode code likes the memory below. */
#define STRUCTURES_START 0x10000ull
#define STRUCTURES_ALIGN 8

void loading_init(struct loading *loading, struct vm *vm, const struct guest_image *image)
{
	const struct memory_layout *layout = &vm->layout;

	*loading = (struct loading){.vm = vm, .image = image};
	for (u32 i = 0; i < layout->count; i++)
		if (layout->entry[i].type == LAYOUT_RESERVED)
			loading->range[loading->hole_count++] = (struct loading_range){
				layout->entry[i].start, layout->entry[i].size};
	loading->range_count = loading->hole_count;
}

enum status loading_refuse(struct loading *loading, const char *reason)
{
	loading->reason = reason;
	return ERR_INVALID;
}

/* The range in use that shares a byte with this one, or NULL. */
static const struct loading_range *overlapped(const struct loading *loading, u64 start, u64 size)
{
	for (u32 i = 0; i < loading->range_count; i++) {
		const struct loading_range *range = &loading->range[i];

		if (ranges_overlap(start, size, range->start, range->size))
			return range;
	}
	return NULL;
}

static enum status claim(struct loading *loading, u64 start, u64 size)
{
	if (loading->range_count == LOADING_MAX_RANGES)
		return loading_refuse(loading, "the kernel has too many segments");
	loading->range[loading->range_count++] = (struct loading_range){start, size};
	return OK;
}

static enum status no_memory_there(struct loading *loading)
{
	return loading_refuse(loading, "the VM's memory can't be written");
}

/* Both in pieces: modules may be large, and what a kernel wants cleared nearly all of the VM's memory. */
static enum status copy(struct loading *loading, u64 to, const void *from, u64 size)
{
	for (u64 done = 0; done < size; done += HOUSEKEEPING_PIECE) {
		if (!vm_write(loading->vm, gpa(to + done), (const u8 *)from + done,
			      min_u64(size - done, HOUSEKEEPING_PIECE)))
			return no_memory_there(loading);
		housekeeping();
	}
	return OK;
}

static enum status clear(struct loading *loading, u64 to, u64 size)
{
	for (u64 done = 0; done < size; done += HOUSEKEEPING_PIECE) {
		if (!vm_fill(loading->vm, gpa(to + done), 0,
			     min_u64(size - done, HOUSEKEEPING_PIECE)))
			return no_memory_there(loading);
		housekeeping();
	}
	return OK;
}

/*
 * The lowest aligned place for size bytes in [from, end) of low RAM. Each step moves beyond a range in
 * use, so that there are no more steps than ranges.
 */
static bool find_room(const struct loading *loading, u64 from, u64 end, u64 size, u64 align,
		      u64 *start)
{
	u64 at = align_up(from, align);

	while (range_within(at, size, 0, end)) {
		const struct loading_range *obstacle = overlapped(loading, at, size);

		if (!obstacle) {
			*start = at;
			return true;
		}
		at = align_up(obstacle->start + obstacle->size, align);
	}
	return false;
}

enum status loading_segment(struct loading *loading, u64 start, struct bytes content, u64 size)
{
	const struct loading_range *obstacle;
	enum status status;

	if (!size)
		return OK;
	if (!range_within(start, size, 0, loading->vm->layout.low_size))
		return loading_refuse(loading, "the kernel does not fit into the VM's memory");
	obstacle = overlapped(loading, start, size);
	if (obstacle == &loading->range[0])
		return loading_refuse(loading, "the kernel wants to lie in 0x9f000-0xfffff");
	if (obstacle && obstacle < &loading->range[loading->hole_count])
		return loading_refuse(loading,
				      "the kernel wants to lie where the VM has no memory");
	if (obstacle)
		return loading_refuse(loading, "the kernel's segments overlap");

	status = claim(loading, start, size);
	if (status == OK)
		status = copy(loading, start, content.data, content.size);
	if (status == OK && size > content.size)
		status = clear(loading, start + content.size, size - content.size);
	if (status != OK)
		return status;
	loading->kernel_end = max_u64(loading->kernel_end, start + size);
	return OK;
}

enum status loading_elf(struct loading *loading, const struct elf *elf)
{
	for (u32 i = 0; i < elf->count; i++) {
		struct elf_segment segment;
		enum status status = elf_segment(elf, i, &segment, &loading->reason);

		if (status == OK && segment.type == ELF_LOAD)
			status = loading_segment(loading, segment.physical, segment.content,
						 segment.size);
		if (status != OK)
			return status;
	}
	if (!loading->kernel_end)
		return loading_refuse(loading, "ELF: there is nothing to load");
	return OK;
}

bool loading_in_kernel(const struct loading *loading, u64 address)
{
	const struct loading_range *range = overlapped(loading, address, 1);

	return range && range >= &loading->range[loading->hole_count];
}

static enum status put_module(struct loading *loading, u32 index)
{
	struct bytes content = loading->image->module[index].content;
	u64 room = max_u64(content.size, 1);
	u64 end = loading->vm->layout.low_size;
	u64 *at = &loading->module[index];
	enum status status;

	if (!find_room(loading, max_u64(loading->kernel_end, LAYOUT_LEGACY_END), end, room,
		       PAGE_SIZE, at) &&
	    !find_room(loading, LAYOUT_LEGACY_END, end, room, PAGE_SIZE, at))
		return loading_refuse(loading, "the modules do not fit into the VM's memory");
	status = claim(loading, *at, room);
	if (status != OK)
		return status;
	return copy(loading, *at, content.data, content.size);
}

enum status loading_modules(struct loading *loading)
{
	for (u32 i = 0; i < loading->image->module_count; i++) {
		enum status status = put_module(loading, i);

		if (status != OK)
			return status;
	}
	return OK;
}

enum status loading_put(struct loading *loading, const void *data, u64 size, u64 *at)
{
	enum status status;

	if (!find_room(loading, STRUCTURES_START, loading->vm->layout.low_size, size,
		       STRUCTURES_ALIGN, at))
		return loading_refuse(loading, "no room is left for the boot information");
	status = claim(loading, *at, size);
	if (status != OK)
		return status;
	return copy(loading, *at, data, size);
}

enum status loading_put_text(struct loading *loading, const char *text, u64 *at)
{
	if (!text)
		text = "";
	return loading_put(loading, text, strlen(text) + 1, at);
}

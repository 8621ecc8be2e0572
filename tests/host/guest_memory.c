#include "tests/host/guest_memory.h"

#include "arch/x86/paging.h"
#include "tests/host/harness.h"

#include <stdlib.h>
#include <string.h>

static u8 *memory;
static u64 memory_size;
static u64 largest;
static u32 windows_closed;

void guest_memory_make(struct vm *vm, u64 size, u8 fill)
{
	memset(vm, 0, sizeof(*vm));
	vm->memory = size;
	memory_layout_make(&vm->layout, size);
	memory = malloc(size);
	memory_size = size;
	largest = 0;
	memset(memory, fill, size);
}

void guest_memory_free(void)
{
	free(memory);
	memory = NULL;
	memory_size = 0;
}

struct bytes guest_memory(void)
{
	return (struct bytes){memory, memory_size};
}

u64 guest_memory_largest(void)
{
	return largest;
}

bool vm_read(const struct vm *vm, gpa_t from, void *to, u64 size)
{
	(void)vm;
	if (!range_within(from.v, size, 0, memory_size))
		return false;
	memcpy(to, memory + from.v, size);
	return true;
}

void *vm_window(const struct vm *vm, u32 window, gpa_t address)
{
	(void)vm;
	windows_closed &= ~(1u << window);
	return address.v < memory_size ? memory + address.v : NULL;
}

void paging_window_end(u32 window)
{
	assert_true(window < 32);
	windows_closed |= 1u << window;
}

u32 guest_memory_closed(void)
{
	return windows_closed;
}

bool vm_write(struct vm *vm, gpa_t to, const void *from, u64 size)
{
	(void)vm;
	if (!range_within(to.v, size, 0, memory_size))
		return false;
	largest = max_u64(largest, size);
	memcpy(memory + to.v, from, size);
	return true;
}

bool vm_fill(struct vm *vm, gpa_t to, u8 byte, u64 size)
{
	(void)vm;
	if (!range_within(to.v, size, 0, memory_size))
		return false;
	largest = max_u64(largest, size);
	memset(memory + to.v, byte, size);
	return true;
}

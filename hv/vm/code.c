#include "hv/vm/code.h"

#include "arch/x86/paging.h"
#include "hv/vm/vm.h"

/* The windows: one for each entry of a walk, and one for the page that it led to. */
#define WINDOW_ENTRY WINDOW_CODE
#define WINDOW_PAGE  (WINDOW_CODE + GUEST_CODE_LEVELS)
_Static_assert(WINDOW_PAGE < PERCPU_WINDOWS, "windows");

struct recorder {
	const struct vm *vm;
	struct guest_code *code;
	u32 count;
};

/* Entries of 4 bytes are compared together with their neighbours. */
static bool read_entry(void *context, gpa_t address, u8 width, u64 *value)
{
	struct recorder *recorder = context;
	u32 n = recorder->count++;
	const u64 *entry;

	if (n == GUEST_CODE_LEVELS)
		return false;
	entry = vm_window(recorder->vm, WINDOW_ENTRY + n,
			  gpa(align_down(address.v, sizeof(*entry))));
	if (!entry)
		return false;
	recorder->code->entry[n] = entry;
	recorder->code->value[n] = *recorder->code->entry[n];
	*value = recorder->code->value[n] >> 8 * (address.v & 7) & BITS(8 * width - 1, 0);
	return true;
}

RARE static void find(struct vm *vm, struct guest_code *code, const struct guest_paging *paging,
		      u64 linear)
{
	struct recorder recorder = {vm, code, 0};
	struct guest_reader reader = {read_entry, &recorder};
	struct guest_translation translation;

	code->last = 0;
	for (u32 n = 0; n < GUEST_CODE_LEVELS; n++)
		code->entry[n] = &code->value[n];
	if (guest_walk(paging, linear, &reader, &translation) != OK)
		return;
	code->page = vm_window(vm, WINDOW_PAGE, gpa(align_down(translation.address.v, PAGE_SIZE)));
	if (!code->page)
		return;
	code->mode = guest_paging_mode(paging);
	code->cr3 = paging->cr3;
	code->last = linear | PAGE_MASK;
}

const u8 *code_at(struct vm *vm, struct vcpu *vcpu, const struct vcpu_state *state, u64 linear)
{
	struct guest_paging paging = {state->cr0, state->cr3, state->cr4, state->efer,
				      state->address_bits};
	const u8 *at = guest_code_at(&vcpu->code, &paging, linear);

	if (at)
		return at;
	find(vm, &vcpu->code, &paging, linear);
	return vcpu->code.last ? vcpu->code.page + (linear & PAGE_MASK) : NULL;
}

void code_close(struct vcpu *vcpu)
{
	vcpu->code.last = 0;
	for (u32 n = WINDOW_ENTRY; n <= WINDOW_PAGE; n++)
		paging_window_end(n);
}

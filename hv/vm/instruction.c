#include "hv/vm/instruction.h"

#include "arch/x86/msr.h"
#include "hv/base/string.h"
#include "hv/vm/code.h"
#include "hv/vm/services.h"
#include "hv/vm/vm.h"

static bool read_table(void *context, gpa_t address, u8 width, u64 *value)
{
	*value = 0;
	return vm_read(context, address, value, width);
}

enum status linear_translate(struct vm *vm, const struct vcpu_state *state, u64 linear,
			     struct guest_translation *translation)
{
	struct guest_paging paging = {state->cr0, state->cr3, state->cr4, state->efer,
				      state->address_bits};
	struct guest_reader reader = {read_table, vm};

	return guest_walk(&paging, linear, &reader, translation);
}

#define CS_LONG	   BIT(9) /* attributes as the VMCB has them */
#define CS_DEFAULT BIT(10)

struct decode_mode instruction_mode(const struct vcpu_state *state)
{
	u16 attributes = state->segment[SEGMENT_CS].attributes;

	if (state->efer & EFER_LMA && attributes & CS_LONG)
		return (struct decode_mode){64};
	return (struct decode_mode){state->cr0 & CR0_PE && attributes & CS_DEFAULT ? 32 : 16};
}

/* As many of size bytes at linear as can be read. */
static u64 read_linear(struct vm *vm, const struct vcpu_state *state, u64 linear, u8 *to, u64 size)
{
	u64 done = 0;

	while (done < size) {
		u64 chunk = min_u64(size - done, PAGE_SIZE - ((linear + done) & PAGE_MASK));
		struct guest_translation page;

		if (linear_translate(vm, state, linear + done, &page) != OK ||
		    !vm_read(vm, page.address, to + done, chunk))
			break;
		done += chunk;
	}
	return done;
}

u64 instruction_bytes(struct vm *vm, struct vcpu *vcpu, const struct vcpu_state *state,
		      u8 code[INSTRUCTION_MAX_LENGTH])
{
	u64 linear = vcpu->rip, room;
	const u8 *at;

	if (instruction_mode(state).bits != 64)
		linear = (u32)(linear + state->segment[SEGMENT_CS].base);
	at = code_at(vm, vcpu, state, linear);
	if (!at)
		return 0;
	room = PAGE_SIZE - (linear & PAGE_MASK);
	if (room >= INSTRUCTION_MAX_LENGTH) {
		__builtin_memcpy(code, at, INSTRUCTION_MAX_LENGTH);
		return INSTRUCTION_MAX_LENGTH;
	}
	memcpy(code, at, room);
	return room + read_linear(vm, state, linear + room, code + room,
				  INSTRUCTION_MAX_LENGTH - room);
}

enum status instruction_fetch(struct vm *vm, struct vcpu *vcpu, const struct vm_exit *exit,
			      struct vcpu_state *state, struct instruction *insn)
{
	struct bytes fetched = {exit->code, exit->code_length};
	u8 code[INSTRUCTION_MAX_LENGTH];
	struct bytes bytes = {code, 0};

	services.cpu->state(vcpu, state);
	/* Fewer bytes than the instruction has: they end where the CPU stopped fetching. */
	if (fetched.size && decode_instruction(fetched, instruction_mode(state), insn) == OK)
		return OK;
	bytes.size = instruction_bytes(vm, vcpu, state, code);
	if (!bytes.size)
		return ERR_INVALID;
	return decode_instruction(bytes, instruction_mode(state), insn);
}

u8 instruction_decoded_length(struct vm *vm, struct vcpu *vcpu)
{
	struct vcpu_state state;
	struct instruction insn;
	u8 code[INSTRUCTION_MAX_LENGTH];
	struct bytes bytes = {code, 0};

	services.cpu->state(vcpu, &state);
	bytes.size = instruction_bytes(vm, vcpu, &state, code);
	return decode_instruction(bytes, instruction_mode(&state), &insn) == OK ? insn.length : 0;
}

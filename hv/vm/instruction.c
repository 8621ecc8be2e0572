#include "hv/vm/instruction.h"

#include "arch/x86/msr.h"
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

/* As many of size bytes at linear as can be read; they may lie on two pages. */
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

u64 instruction_bytes(struct vm *vm, const struct vcpu *vcpu, const struct vcpu_state *state,
		      u8 code[INSTRUCTION_MAX_LENGTH])
{
	u64 linear = vcpu->rip;

	if (instruction_mode(state).bits != 64)
		linear = (u32)(linear + state->segment[SEGMENT_CS].base);
	return read_linear(vm, state, linear, code, INSTRUCTION_MAX_LENGTH);
}

enum status instruction_fetch(struct vm *vm, const struct vcpu *vcpu, const struct vm_exit *exit,
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

/*
 * CPUID, RDMSR and WRMSR, which have no operands, and no prefix before them here: so in every mode. 0: others,
 * for the decoder.
 */
static u8 plain_length(struct bytes code)
{
	if (code.size < 2 || code.data[0] != 0x0f)
		return 0;
	return code.data[1] == 0xa2 || code.data[1] == 0x32 || code.data[1] == 0x30 ? 2 : 0;
}

u8 instruction_length(struct vm *vm, const struct vcpu *vcpu, const struct vm_exit *exit)
{
	struct vcpu_state state;
	struct instruction insn;
	u8 code[INSTRUCTION_MAX_LENGTH];
	struct bytes bytes = {code, 0};
	u8 length;

	if (exit->length)
		return exit->length;
	services.cpu->state(vcpu, &state);
	bytes.size = instruction_bytes(vm, vcpu, &state, code);
	length = plain_length(bytes);
	if (length)
		return length;
	return decode_instruction(bytes, instruction_mode(&state), &insn) == OK ? insn.length : 0;
}

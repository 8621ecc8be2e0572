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

/* On two pages. */
RARE static u64 read_split(struct vm *vm, const struct vcpu_state *state, u64 linear, const u8 *at,
			   u8 code[INSTRUCTION_MAX_LENGTH])
{
	u64 room = PAGE_SIZE - (linear & PAGE_MASK);

	memcpy(code, at, room);
	return room +
	       read_linear(vm, state, linear + room, code + room, INSTRUCTION_MAX_LENGTH - room);
}

static inline u64 read_code(struct vm *vm, struct vcpu *vcpu, const struct vcpu_state *state,
			    struct decode_mode mode, u8 code[INSTRUCTION_MAX_LENGTH])
{
	u64 linear = vcpu->rip;
	const u8 *at;

	if (mode.bits != 64)
		linear = (u32)(linear + state->segment[SEGMENT_CS].base);
	at = code_at(vm, vcpu, state, linear);
	if (!at)
		return 0;
	if ((linear & PAGE_MASK) > PAGE_SIZE - INSTRUCTION_MAX_LENGTH)
		return read_split(vm, state, linear, at, code);
	__builtin_memcpy(code, at, INSTRUCTION_MAX_LENGTH);
	return INSTRUCTION_MAX_LENGTH;
}

u64 instruction_bytes(struct vm *vm, struct vcpu *vcpu, const struct vcpu_state *state,
		      u8 code[INSTRUCTION_MAX_LENGTH])
{
	return read_code(vm, vcpu, state, instruction_mode(state), code);
}

/* Into the place of another one. */
RARE static const struct instruction *decode_anew(struct decoded *decoded,
						  const union instruction_code *code, u64 length,
						  struct decode_mode mode)
{
	if (decode_instruction((struct bytes){code->bytes, length}, mode, &decoded->insn) != OK)
		return NULL;
	decoded->code = *code;
	decoded->length = length;
	decoded->mode_bits = mode.bits;
	return &decoded->insn;
}

/* The one that was decoded from the very same bytes, if it is still here. */
static const struct instruction *decode(struct vcpu *vcpu, const union instruction_code *code,
					u64 length, struct decode_mode mode)
{
	struct decoded *decoded = &vcpu->decoded[vcpu->rip / 4 % DECODED_MAX];

	if (decoded->code.words[0] == code->words[0] && decoded->code.words[1] == code->words[1] &&
	    decoded->length == length && decoded->mode_bits == mode.bits)
		return &decoded->insn;
	return decode_anew(decoded, code, length, mode);
}

/* From what came with the exit; it may end where the CPU stopped fetching, before the instruction does. */
RARE static const struct instruction *decode_fetched(struct vcpu *vcpu, const struct vm_exit *exit,
						     struct decode_mode mode)
{
	union instruction_code code = {.words = {0, 0}};

	memcpy(code.bytes, exit->code, exit->code_length);
	return decode(vcpu, &code, exit->code_length, mode);
}

const struct instruction *instruction_fetch(struct vm *vm, struct vcpu *vcpu,
					    const struct vm_exit *exit, struct vcpu_state *state)
{
	union instruction_code code = {.words = {0, 0}};
	const struct instruction *insn = NULL;
	struct decode_mode mode;
	u64 length;

	services.cpu->state(vcpu, state);
	mode = instruction_mode(state);
	if (exit->code_length)
		insn = decode_fetched(vcpu, exit, mode);
	if (insn)
		return insn;
	length = read_code(vm, vcpu, state, mode, code.bytes);
	return length ? decode(vcpu, &code, length, mode) : NULL;
}

u8 instruction_decoded_length(struct vm *vm, struct vcpu *vcpu)
{
	static const struct vm_exit told_nothing;
	struct vcpu_state state;
	const struct instruction *insn = instruction_fetch(vm, vcpu, &told_nothing, &state);

	return insn ? insn->length : 0;
}

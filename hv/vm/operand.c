#include "hv/vm/operand.h"

#include "arch/x86/guest_walk.h"
#include "arch/x86/msr.h"
#include "hv/vm/access.h"
#include "hv/vm/instruction.h"
#include "hv/vm/vm.h"

static u64 linear_of(const struct vcpu *vcpu, const struct vcpu_state *state,
		     const struct instruction *insn, const struct memory_operand *memory)
{
	u64 base = memory->segment < SEGMENT_COUNT ? state->segment[memory->segment].base : 0;

	return linear_address(insn, memory, vcpu->gpr, vcpu->rip, base);
}

/* AMD APM volume 2, 5.6 and 8.2.15: what a data access needs of the page it is to. */
static bool is_allowed(const struct vcpu *vcpu, const struct vcpu_state *state, bool write,
		       const struct guest_translation *page)
{
	bool user = state->cpl == 3;

	if (!(state->cr0 & CR0_PG))
		return true;
	if (write && !page->writable && (user || state->cr0 & CR0_WP))
		return false;
	if (user)
		return page->user;
	return !page->user || !(state->cr4 & CR4_SMAP) || vcpu->rflags & RFLAGS_AC;
}

static bool is_canonical(const struct vcpu_state *state, u64 linear)
{
	unsigned unused = state->cr4 & CR4_LA57 ? 64 - 57 : 64 - 48;

	return !(state->efer & EFER_LMA) || (u64)((s64)(linear << unused) >> unused) == linear;
}

/* status: of the walk, OK if a right was lacking. */
static struct vcpu_event page_fault(const struct vcpu_state *state, u64 linear, bool write,
				    enum status status)
{
	u64 error = status == ERR_NOT_FOUND ? 0 : PF_ERROR_PRESENT;

	return (struct vcpu_event){
		.kind = EVENT_EXCEPTION,
		.vector = VECTOR_PF,
		.has_error = true,
		.error =
			(u32)(error | (status == ERR_UNSUPPORTED ? PF_ERROR_RESERVED : 0) |
			      (write ? PF_ERROR_WRITE : 0) | (state->cpl == 3 ? PF_ERROR_USER : 0)),
		.address = linear,
	};
}

static enum status find_part(struct vm *vm, const struct vcpu *vcpu, const struct vcpu_state *state,
			     u64 linear, bool write, gpa_t *address, struct vcpu_event *fault)
{
	struct guest_translation page;
	enum status status = linear_translate(vm, state, linear, &page);

	if (status == OK && is_allowed(vcpu, state, write, &page)) {
		*address = page.address;
		return OK;
	}
	if (status == ERR_INVALID)
		return ERR_INVALID;
	*fault = page_fault(state, linear, write, status);
	return ERR_NOT_FOUND;
}

enum status operand_find(struct vm *vm, const struct vcpu *vcpu, const struct vcpu_state *state,
			 const struct instruction *insn, const struct memory_operand *memory,
			 bool write, struct operand *operand, struct vcpu_event *fault)
{
	u64 linear = linear_of(vcpu, state, insn, memory);
	u64 room = PAGE_SIZE - (linear & PAGE_MASK);
	u64 next = linear + room;
	enum status status;

	*operand = (struct operand){.width = insn->width, .first = (u8)min_u64(insn->width, room)};
	if (!(state->efer & EFER_LMA))
		next = (u32)next;
	if (!is_canonical(state, linear) || !is_canonical(state, linear + insn->width - 1)) {
		*fault = (struct vcpu_event){
			.kind = EVENT_EXCEPTION,
			.vector = memory->segment == SEGMENT_SS ? VECTOR_SS : VECTOR_GP,
			.has_error = true,
		};
		return ERR_NOT_FOUND;
	}
	status = find_part(vm, vcpu, state, linear, write, &operand->address, fault);
	if (status == OK && operand->first < operand->width)
		status = find_part(vm, vcpu, state, next, write, &operand->next, fault);
	return status;
}

bool operand_is_at(const struct vcpu *vcpu, const struct vcpu_state *state,
		   const struct instruction *insn, gpa_t address)
{
	u64 in_page = linear_of(vcpu, state, insn, &insn->memory) & PAGE_MASK;

	return in_page == (address.v & PAGE_MASK) && in_page + insn->width <= PAGE_SIZE;
}

static gpa_t byte_at(const struct operand *operand, u8 n)
{
	return n < operand->first ? gpa(operand->address.v + n)
				  : gpa(operand->next.v + n - operand->first);
}

u64 operand_read(struct vm *vm, struct vcpu *vcpu, const struct operand *operand)
{
	u64 value = 0;

	if (operand->first == operand->width)
		return access_read(vm, vcpu, operand->address, operand->width);
	for (u8 n = 0; n < operand->width; n++)
		value |= (access_read(vm, vcpu, byte_at(operand, n), 1) & 0xff) << 8 * n;
	return value;
}

void operand_write(struct vm *vm, struct vcpu *vcpu, const struct operand *operand, u64 value)
{
	if (operand->first == operand->width) {
		access_write(vm, vcpu, operand->address, operand->width, value);
		return;
	}
	for (u8 n = 0; n < operand->width; n++)
		access_write(vm, vcpu, byte_at(operand, n), 1, value >> 8 * n & 0xff);
}

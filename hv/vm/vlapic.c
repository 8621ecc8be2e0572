#include "hv/vm/vlapic.h"

#include "arch/x86/apic.h"
#include "arch/x86/cpu.h"
#include "hv/vm/ipi.h"
#include "hv/vm/services.h"
#include "hv/vm/vm.h"

#define CPUID1_ECX_DEADLINE BIT(24)

/*
 * What a guest may do with a register of its local APIC. Reads of those that are listed give the
 * physical register's value.
 */
enum apic_rule {
	APIC_READ,	       /* writes are refused in x2APIC mode and ignored in xAPIC mode */
	APIC_READ_WRITE,       /* reaches nothing but this CPU */
	APIC_READ_WRITE_XAPIC, /* likewise, and there in xAPIC mode only */
	APIC_WRITE,
	APIC_LVT, /* fixed delivery only: others would hit the hypervisor or firmware */
	APIC_COMMAND,
	APIC_COMMAND_HIGH, /* xAPIC mode only */
	APIC_SELF,	   /* x2APIC mode only */
};

#define LVT_DELIVERY   0x700
#define LVT_READ_ONLY  0x5000 /* delivery status, remote IRR */
#define LVT_TIMER_MODE 0x60000
#define LVT_DEADLINE   0x40000

#define SVR_FORWARDED 0x1ff

/*
 * known: what may be set (11.5, 11.8, 11.9). In x2APIC mode other bits are a #GP, the guest's here and the
 * hypervisor's if they got through; in xAPIC mode they are ignored.
 */
static const struct apic_row {
	u16 first, last; /* offsets in the page */
	enum apic_rule rule;
	u32 known;
} apic_rows[] = {
	{APIC_ID, APIC_VERSION, APIC_READ, 0},
	{APIC_TPR, APIC_TPR, APIC_READ_WRITE, 0xff},
	{0x0a0, 0x0a0, APIC_READ, 0}, /* PPR */
	{APIC_EOI, APIC_EOI, APIC_WRITE, 0},
	{APIC_LDR, APIC_DFR, APIC_READ_WRITE_XAPIC, 0},
	/* Focus checking and suppressed EOI broadcasts are taken, and stay as they are. */
	{APIC_SVR, APIC_SVR, APIC_READ_WRITE, SVR_FORWARDED | 0x1200},
	{APIC_ISR, APIC_IRR + 0x70, APIC_READ, 0},
	{APIC_ESR, APIC_ESR, APIC_READ_WRITE, 0},
	{APIC_ICR, APIC_ICR, APIC_COMMAND, 0},
	{APIC_ICR_HIGH, APIC_ICR_HIGH, APIC_COMMAND_HIGH, 0},
	{APIC_LVT_TIMER, APIC_LVT_TIMER, APIC_LVT, 0x710ff},
	{APIC_LVT_THERMAL, APIC_LVT_PMC, APIC_LVT, 0x117ff},
	{APIC_LVT_LINT0, APIC_LVT_LINT1, APIC_LVT, 0x1f7ff},
	{APIC_LVT_ERROR, APIC_LVT_ERROR, APIC_LVT, 0x110ff},
	{APIC_TIMER_COUNT, APIC_TIMER_COUNT, APIC_READ_WRITE, 0xffffffff},
	{APIC_TIMER_NOW, APIC_TIMER_NOW, APIC_READ, 0},
	{APIC_TIMER_DIV, APIC_TIMER_DIV, APIC_READ_WRITE, 0xb},
	{APIC_SELF_IPI, APIC_SELF_IPI, APIC_SELF, 0xff},
};

/* Without an exit in x2APIC mode: no value of theirs reaches beyond this CPU. */
static const struct {
	u16 reg;
	bool read, write;
} passed[] = {
	{APIC_ID, true, false},		{APIC_VERSION, true, false},   {APIC_TPR, true, true},
	{0x0a0, true, false},		{APIC_EOI, false, true},       {APIC_LDR, true, false},
	{APIC_TIMER_COUNT, true, true}, {APIC_TIMER_NOW, true, false}, {APIC_TIMER_DIV, true, true},
	{APIC_LVT_TIMER, true, false},	{APIC_ESR, true, false},
};

static const struct apic_row *find_row(u32 offset)
{
	for (u32 i = 0; i < ARRAY_SIZE(apic_rows); i++)
		if (offset >= apic_rows[i].first && offset <= apic_rows[i].last)
			return &apic_rows[i];
	return NULL;
}

static struct vlapic *vlapic_of(struct vm *vm, const struct vcpu *vcpu)
{
	return &vm->vlapic[vcpu - vm->vcpu];
}

/* Only the mode that the CPU is in lets registers through: a guest in xAPIC mode has none as MSRs. */
static void pass_registers(struct vcpu *vcpu, bool pass)
{
	if (!apic_is_x2apic())
		return;
	for (u32 i = 0; i < ARRAY_SIZE(passed); i++)
		services.cpu->msr_pass(vcpu, MSR_X2APIC + passed[i].reg / 16u,
				       pass && passed[i].read, pass && passed[i].write);
	for (u32 reg = APIC_ISR; reg <= APIC_IRR + 0x70; reg += 0x10)
		services.cpu->msr_pass(vcpu, MSR_X2APIC + reg / 16, pass, false);
}

static u64 apic_base_read(const struct vm *vm, const struct vlapic *vlapic)
{
	return VLAPIC_BASE | (vlapic == vm->vlapic ? APIC_BASE_BSP : 0) |
	       (vlapic->mode != VLAPIC_OFF ? APIC_BASE_ENABLE : 0) |
	       (vlapic->mode == VLAPIC_X2APIC ? APIC_BASE_X2APIC : 0);
}

static void set_mode(struct vm *vm, struct vcpu *vcpu, enum vlapic_mode mode)
{
	struct vlapic *vlapic = vlapic_of(vm, vcpu);

	vlapic->mode = mode;
	pass_registers(vcpu, mode == VLAPIC_X2APIC);
	guest_msr_set(&vcpu->msrs, (struct guest_msr){MSR_APIC_BASE, GUEST_MSR_READ,
						      apic_base_read(vm, vlapic)});
}

void vlapic_reset(struct vm *vm, struct vcpu *vcpu)
{
	struct vlapic *vlapic = vlapic_of(vm, vcpu);
	/* 11.12.5.1: INIT does not leave x2APIC mode. */
	enum vlapic_mode mode = vlapic->mode == VLAPIC_X2APIC ? VLAPIC_X2APIC : VLAPIC_XAPIC;

	apic_reset();
	*vlapic = (struct vlapic){.dfr = 0xffffffff};
	set_mode(vm, vcpu, mode);
}

static bool timer_mode_ok(u32 value)
{
	u32 mode = value & LVT_TIMER_MODE;

	return mode != LVT_TIMER_MODE &&
	       (mode != LVT_DEADLINE || cpuid(1, 0).ecx & CPUID1_ECX_DEADLINE);
}

/*
 * A vector from VLAPIC_FIRST_VECTOR on, fixed delivery; what else an LVT can say (NMI, SMI, ExtINT, INIT)
 * would reach the hypervisor, or take interrupts from the machine's 8259. Such an entry is written as masked.
 */
static u32 lvt_sanitise(u32 value)
{
	bool vector_ok = (value & 0xff) >= VLAPIC_FIRST_VECTOR || value & APIC_LVT_MASKED;
	u32 kept = value & ~(u32)(LVT_DELIVERY | LVT_READ_ONLY);

	if ((value & LVT_DELIVERY) == 0 && vector_ok && timer_mode_ok(value))
		return kept;
	return (kept & ~(u32)LVT_TIMER_MODE) | APIC_LVT_MASKED;
}

/* What the physical register gets for what the guest writes. */
static u32 sanitise(const struct apic_row *row, u32 offset, u32 value)
{
	value &= row->known;
	if (row->rule == APIC_LVT)
		return lvt_sanitise(value);
	if (offset != APIC_SVR)
		return value;
	value &= SVR_FORWARDED;
	return (value & 0xff) >= VLAPIC_FIRST_VECTOR ? value : value | 0xff;
}

static u32 register_read(u32 offset)
{
	u32 value = apic_read(offset);

	/* The guest's view is xAPIC: the ID is in the upper byte. */
	if (offset == APIC_ID && apic_is_x2apic())
		return value << 24;
	return value;
}

bool vlapic_mmio_read(struct vm *vm, struct vcpu *vcpu, u32 offset, u32 *value)
{
	const struct apic_row *row = find_row(offset);
	const struct vlapic *vlapic = vlapic_of(vm, vcpu);

	*value = 0;
	if (vlapic->mode != VLAPIC_XAPIC)
		*value = ~0u;
	else if (offset == APIC_LDR)
		*value = vlapic->ldr;
	else if (offset == APIC_DFR)
		*value = vlapic->dfr;
	else if (offset == APIC_ICR)
		*value = vlapic->icr;
	else if (offset == APIC_ICR_HIGH)
		*value = vlapic->icr_high;
	else if (row && row->rule != APIC_WRITE && row->rule != APIC_SELF)
		*value = register_read(offset);
	return true;
}

static void register_write(struct vm *vm, struct vcpu *vcpu, const struct apic_row *row, u32 offset,
			   u32 value)
{
	struct vlapic *vlapic = vlapic_of(vm, vcpu);

	switch (row->rule) {
	case APIC_READ_WRITE_XAPIC:
		if (offset == APIC_LDR)
			vlapic->ldr = value & 0xff000000;
		else if (offset == APIC_DFR)
			vlapic->dfr = value | 0x0fffffff;
		return;
	case APIC_COMMAND:
		vlapic->icr = value & ~(u32)ICR_PENDING;
		ipi_send(vm, vcpu, vlapic->icr_high >> 24, value);
		return;
	case APIC_COMMAND_HIGH:
		vlapic->icr_high = value & 0xff000000;
		return;
	case APIC_WRITE:
		vm->counters.eois++;
		apic_write(offset, 0);
		return;
	case APIC_LVT:
	case APIC_READ_WRITE:
		/* In xAPIC mode an APIC that software turned off stays usable: SVR is forwarded too. */
		apic_write(offset, sanitise(row, offset, value));
		return;
	case APIC_READ:
	case APIC_SELF:
		return;
	}
}

bool vlapic_mmio_write(struct vm *vm, struct vcpu *vcpu, u32 offset, u32 value)
{
	const struct apic_row *row = find_row(offset);

	if (row && vlapic_of(vm, vcpu)->mode == VLAPIC_XAPIC)
		register_write(vm, vcpu, row, offset, value);
	return true;
}

/*
 * The page can't be moved, and the physical APIC stays as it is: only the guest's view changes. The
 * transitions are those of Intel SDM volume 3A, figure 11-27; the others fault.
 */
static bool apic_base_write(struct vm *vm, struct vcpu *vcpu, u64 value)
{
	const struct vlapic *vlapic = vlapic_of(vm, vcpu);
	bool enable = value & APIC_BASE_ENABLE;
	bool x2apic = value & APIC_BASE_X2APIC;
	u64 known = BITS(51, 12) | APIC_BASE_BSP | APIC_BASE_ENABLE | APIC_BASE_X2APIC;
	enum vlapic_mode mode = !enable ? VLAPIC_OFF : x2apic ? VLAPIC_X2APIC : VLAPIC_XAPIC;

	if (value & ~known || (value & BITS(51, 12)) != VLAPIC_BASE || (x2apic && !enable))
		return false;
	if (mode == VLAPIC_X2APIC && (!apic_is_x2apic() || vlapic->mode == VLAPIC_OFF))
		return false;
	if (mode == VLAPIC_XAPIC && vlapic->mode == VLAPIC_X2APIC)
		return false;
	set_mode(vm, vcpu, mode);
	return true;
}

bool vlapic_msr_read(struct vm *vm, struct vcpu *vcpu, u32 index, u64 *value)
{
	const struct vlapic *vlapic = vlapic_of(vm, vcpu);
	u32 offset = (index - MSR_X2APIC) * 16;
	const struct apic_row *row;

	if (index == MSR_APIC_BASE) {
		*value = apic_base_read(vm, vlapic);
		return true;
	}
	row = find_row(offset);
	if (vlapic->mode != VLAPIC_X2APIC || !row || offset == APIC_DFR ||
	    row->rule == APIC_WRITE || row->rule == APIC_SELF || row->rule == APIC_COMMAND_HIGH)
		return false;
	*value = offset == APIC_ICR ? (u64)vlapic->icr_high << 32 | vlapic->icr : apic_read(offset);
	return true;
}

static bool x2apic_write(struct vm *vm, struct vcpu *vcpu, const struct apic_row *row, u32 offset,
			 u64 value)
{
	struct vlapic *vlapic = vlapic_of(vm, vcpu);

	switch (row->rule) {
	case APIC_COMMAND:
		vlapic->icr = (u32)value & ~(u32)ICR_PENDING;
		vlapic->icr_high = (u32)(value >> 32);
		ipi_send(vm, vcpu, vlapic->icr_high, (u32)value);
		return true;
	case APIC_SELF:
		if (value & ~(u64)row->known)
			return false;
		ipi_send_self(vcpu, (u8)value);
		return true;
	case APIC_LVT:
	case APIC_READ_WRITE:
		if (value & ~(u64)row->known)
			return false;
		apic_write(offset, sanitise(row, offset, (u32)value));
		return true;
	case APIC_WRITE:
		if (value)
			return false;
		vm->counters.eois++;
		apic_eoi();
		return true;
	case APIC_READ:
	case APIC_READ_WRITE_XAPIC:
	case APIC_COMMAND_HIGH:
		break;
	}
	return false;
}

bool vlapic_msr_write(struct vm *vm, struct vcpu *vcpu, u32 index, u64 value)
{
	struct vlapic *vlapic = vlapic_of(vm, vcpu);
	u32 offset = (index - MSR_X2APIC) * 16;
	const struct apic_row *row;

	if (index == MSR_APIC_BASE)
		return apic_base_write(vm, vcpu, value);
	row = find_row(offset);
	if (vlapic->mode != VLAPIC_X2APIC || !row)
		return false;
	return x2apic_write(vm, vcpu, row, offset, value);
}

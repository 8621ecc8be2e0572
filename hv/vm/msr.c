#include "hv/vm/msr.h"

#include "arch/x86/cpu.h"
#include "hv/vm/services.h"
#include "hv/vm/vlapic.h"
#include "hv/vm/vm.h"

#define MSR_MISC_ENABLE	 0x1a0
#define MSR_BIOS_SIGN_ID 0x08b
#define MSR_TSC_DEADLINE 0x6e0
#define MSR_HWCR	 0xc0010015

enum msr_rule {
	MSR_PASS,	/* the CPU switches it with the guest: no exit */
	MSR_PASS_READ,	/* read without an exit, writes are a #GP */
	MSR_SWITCHED,	/* the CPU switches it, but a write needs a look */
	MSR_LOCAL_APIC, /* see vlapic.h */
	MSR_CONSTANT,	/* reads .value; writes are ignored */
};

static bool has_tsc_deadline(void)
{
	return cpuid(1, 0).ecx & BIT(24);
}

static bool has_rdtscp(void)
{
	return cpuid(0x80000001, 0).edx & BIT(27);
}

static const struct msr_row {
	u32 first, last;
	enum msr_rule rule;
	u64 value;
	bool (*present)(void); /* NULL: on every CPU */
	const char *reason;
} rows[] = {
	{MSR_TSC, MSR_TSC, MSR_PASS_READ, 0, NULL, "a write would move the hypervisor's clock"},
	{MSR_APIC_BASE, MSR_APIC_BASE, MSR_LOCAL_APIC, 0, NULL, "the APIC can't be moved"},
	{MSR_BIOS_SIGN_ID, MSR_BIOS_SIGN_ID, MSR_CONSTANT, 0, NULL,
	 "microcode is the host's; kernels ask"},
	{MSR_SYSENTER_CS, MSR_SYSENTER_EIP, MSR_PASS, 0, NULL, "system calls"},
	{MSR_MISC_ENABLE, MSR_MISC_ENABLE, MSR_CONSTANT, BIT(0), NULL, "fast strings; kernels ask"},
	{MSR_PAT, MSR_PAT, MSR_SWITCHED, 0, NULL, "reserved types would fault at the next entry"},
	{MSR_TSC_DEADLINE, MSR_TSC_DEADLINE, MSR_PASS, 0, has_tsc_deadline,
	 "the guest's own timer"},
	{MSR_X2APIC, MSR_X2APIC + 0xff, MSR_LOCAL_APIC, 0, NULL, "the local APIC's registers"},
	{MSR_EFER, MSR_EFER, MSR_SWITCHED, 0, NULL, "SVME is the hypervisor's"},
	{MSR_STAR, MSR_SFMASK, MSR_PASS, 0, NULL, "system calls"},
	{MSR_FS_BASE, MSR_KERNEL_GS_BASE, MSR_PASS, 0, NULL, "segment bases"},
	{MSR_TSC_AUX, MSR_TSC_AUX, MSR_PASS, 0, has_rdtscp,
	 "what RDTSCP reads; the hypervisor does not"},
	{MSR_HWCR, MSR_HWCR, MSR_CONSTANT, 0, NULL, "kernels on AMD CPUs ask"},
};

static bool is_present(const struct msr_row *row)
{
	return !row->present || row->present();
}

/* The rows are in the order of their MSRs. */
static const struct msr_row *find_row(u32 index)
{
	const struct msr_row *row = rows;

	while (index > row->last)
		if (++row == rows + ARRAY_SIZE(rows))
			return NULL;
	return index >= row->first && is_present(row) ? row : NULL;
}

static void set_up(struct vcpu *vcpu, const struct msr_row *row, u32 index)
{
	switch (row->rule) {
	case MSR_PASS:
	case MSR_PASS_READ:
		services.cpu->msr_pass(vcpu, index, true, row->rule == MSR_PASS);
		break;
	case MSR_SWITCHED:
		guest_msr_set(&vcpu->msrs, (struct guest_msr){index, GUEST_MSR_SWITCHED, 0});
		break;
	case MSR_CONSTANT:
		guest_msr_set(&vcpu->msrs,
			      (struct guest_msr){index, GUEST_MSR_CONSTANT, row->value});
		break;
	case MSR_LOCAL_APIC:
		break;
	}
}

void msr_setup(struct vcpu *vcpu)
{
	for (const struct msr_row *row = rows; row < rows + ARRAY_SIZE(rows); row++)
		for (u32 index = row->first; index <= row->last && is_present(row); index++)
			set_up(vcpu, row, index);
}

bool msr_emulate_read(struct vm *vm, struct vcpu *vcpu, u32 index, u64 *value)
{
	const struct msr_row *row = find_row(index);

	if (!row)
		return false;
	switch (row->rule) {
	case MSR_LOCAL_APIC:
		return vlapic_msr_read(vm, vcpu, index, value);
	case MSR_CONSTANT:
		*value = row->value;
		return true;
	case MSR_SWITCHED:
		return services.cpu->msr_read(vcpu, index, value) == OK;
	case MSR_PASS:
	case MSR_PASS_READ:
		break;
	}
	return false;
}

bool msr_emulate_write(struct vm *vm, struct vcpu *vcpu, u32 index, u64 value)
{
	const struct msr_row *row = find_row(index);

	if (!row)
		return false;
	switch (row->rule) {
	case MSR_LOCAL_APIC:
		return vlapic_msr_write(vm, vcpu, index, value);
	case MSR_CONSTANT:
		return true;
	case MSR_SWITCHED:
		return services.cpu->msr_write(vcpu, index, value) == OK;
	case MSR_PASS:
	case MSR_PASS_READ:
		break;
	}
	return false;
}

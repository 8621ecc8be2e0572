#include "hv/vm/features.h"

#include "arch/x86/clock.h"
#include "arch/x86/cpu.h"
#include "hv/vm/services.h"
#include "hv/vm/vm.h"

/* Leaf 1 has a byte for how many IDs a package has. */
#define MAX_CORE_BITS 7

/* What the CPU says. Past its last leaf Intel's repeat another one: nothing is there. */
static struct cpuid_values real_cpuid(u32 leaf, u32 subleaf)
{
	struct cpuid real = {0};

	if (leaf <= cpuid(leaf & 0x80000000, 0).eax)
		real = cpuid(leaf, subleaf);
	return (struct cpuid_values){real.eax, real.ebx, real.ecx, real.edx};
}

/* The fewest low bits of APIC IDs above which those of all its CPUs are equal. */
static u8 core_bits(const struct vm *vm)
{
	u8 bits = 0;

	for (u32 n = 1; n < vm->vcpu_count; n++)
		while (bits < MAX_CORE_BITS && (vm->vcpu[n].apic_id ^ vm->vcpu[0].apic_id) >> bits)
			bits++;
	return bits;
}

static struct cpuid_values shown(const struct vm *vm, const struct vcpu *vcpu, u32 leaf,
				 u32 subleaf, bool osxsave)
{
	struct cpuid_values values = real_cpuid(leaf, subleaf);
	struct cpuid_context context = {
		.apic_id = vcpu->apic_id,
		.cpus = vm->vcpu_count,
		.core_bits = core_bits(vm),
		.x2apic = vm->x2apic,
		.osxsave = osxsave,
		.tsc_khz = clock_tsc_khz(),
		.apic_khz = clock_apic_khz(),
	};

	cpuid_filter(leaf, subleaf, &context, &values);
	return values;
}

/* Leaf 1 is the only one that tells of the guest's own state. */
static bool has_set_osxsave(const struct vcpu *vcpu, u32 leaf)
{
	struct vcpu_state state;

	if (leaf != 1)
		return false;
	services.cpu->state(vcpu, &state);
	return state.cr4 & CR4_OSXSAVE;
}

struct cpuid_values features_cpuid(const struct vm *vm, const struct vcpu *vcpu, u32 leaf,
				   u32 subleaf)
{
	return shown(vm, vcpu, leaf, subleaf, has_set_osxsave(vcpu, leaf));
}

void features_prepare(const struct vm *vm, struct vcpu *vcpu)
{
	for (u32 n = 0; n < GUEST_CPUID_ANSWERS; n++) {
		u32 leaf = guest_cpuid_leaf(n);
		struct cpuid_values values = shown(vm, vcpu, leaf, 0, false);

		vcpu->cpuid.answer[n] =
			(struct cpuid){values.eax, values.ebx, values.ecx, values.edx};
		if (cpuid_is_constant(leaf))
			vcpu->cpuid.known |= (u32)BIT(n);
	}
}

/* These two are asked for before the vCPU has any state. */
u64 features_xcr0(const struct vm *vm, const struct vcpu *vcpu)
{
	struct cpuid_values leaf = shown(vm, vcpu, 0xd, 0, false);

	return (u64)leaf.edx << 32 | leaf.eax;
}

u64 features_cr4(const struct vm *vm, const struct vcpu *vcpu)
{
	return cpuid_cr4(shown(vm, vcpu, 1, 0, false), shown(vm, vcpu, 7, 0, false));
}

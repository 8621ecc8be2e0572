#include "hv/vm/features.h"

#include "arch/x86/clock.h"
#include "arch/x86/cpu.h"
#include "hv/vm/vm.h"

/* What the CPU says. Past its last leaf Intel's repeat another one: nothing is there. */
static struct cpuid_values real_cpuid(u32 leaf, u32 subleaf)
{
	struct cpuid real = {0};

	if (leaf <= cpuid(leaf & 0x80000000, 0).eax)
		real = cpuid(leaf, subleaf);
	return (struct cpuid_values){real.eax, real.ebx, real.ecx, real.edx};
}

struct cpuid_values features_cpuid(const struct vm *vm, const struct vcpu *vcpu, u32 leaf,
				   u32 subleaf)
{
	struct cpuid_values values = real_cpuid(leaf, subleaf);
	struct cpuid_context context = {
		.apic_id = vcpu->apic_id,
		.x2apic = vm->x2apic,
		.tsc_khz = clock_tsc_khz(),
		.apic_khz = clock_apic_khz(),
	};

	cpuid_filter(leaf, subleaf, &context, &values);
	return values;
}

u64 features_cr4(const struct vm *vm, const struct vcpu *vcpu)
{
	return cpuid_cr4(features_cpuid(vm, vcpu, 1, 0), features_cpuid(vm, vcpu, 7, 0));
}

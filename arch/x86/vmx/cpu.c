/* The CPU itself: VMX on and off, which VMCS is its current one, and the state that exits bring back. */
#include "arch/x86/cpu.h"
#include "arch/x86/guest_cpu.h"
#include "arch/x86/percpu.h"
#include "arch/x86/vmx/internal.h"
#include "hv/base/panic.h"

#define SELECTOR_RPL_TI BITS(2, 0)

/* All three take a physical address from memory, and set CF or ZF if they can't be carried out (30.2). */
#define VMX_ADDRESS_INSTRUCTION(name)                                                              \
	static bool name(hpa_t address)                                                            \
	{                                                                                          \
		bool failed;                                                                       \
                                                                                                   \
		__asm__ volatile(#name " %1" : "=@ccbe"(failed) : "m"(address.v) : "memory");      \
		return !failed;                                                                    \
	}

VMX_ADDRESS_INSTRUCTION(vmxon)
VMX_ADDRESS_INSTRUCTION(vmclear)
VMX_ADDRESS_INSTRUCTION(vmptrld)

/*
 * An NMI that comes in the hypervisor: the entry that may be under way ends at once (26.7.4), and nothing is
 * lost. Harmless at any other time, since each run() sets the timer anew.
 */
static void end_next_entry(void)
{
	vmcs_write(VMCS_PREEMPTION_TIMER, 0);
}

/* One CPU's VMXON region, 24.11.5. */
enum status vmx_cpu_on(struct pool *pool)
{
	hpa_t region;

	if (!percpu()->backend) {
		u32 *page = pool_take(pool);

		if (!page)
			return ERR_NO_MEMORY;
		*page = vmx_caps.revision;
		percpu()->backend = page;
	}
	region = pool_hpa(pool, percpu()->backend);
	/* Locked like that, as VMXON asks for it; firmware is to do this, and not all does for all CPUs. */
	if (!(msr_read(MSR_FEATURE_CONTROL) & FEATURE_CONTROL_LOCK))
		msr_write(MSR_FEATURE_CONTROL, FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMXON);
	if (~msr_read(MSR_FEATURE_CONTROL) & (FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMXON))
		return ERR_UNSUPPORTED;
	cr4_write(cr4_read() | CR4_VMXE);
	return vmxon(region) ? OK : ERR_HARDWARE;
}

void vmx_cpu_off(struct vcpu *vcpu)
{
	percpu()->on_nmi = NULL;
	/* 24.11.1: only then is all of it in memory, and another CPU may load it. */
	INVARIANT(vmclear(vmx_of(vcpu)->vmcs_hpa));
	__asm__ volatile("vmxoff" : : : "cc", "memory");
	cr4_write(cr4_read() & ~CR4_VMXE);
}

void vmx_load(struct vcpu *vcpu)
{
	struct vmx_vcpu *vmx = vmx_of(vcpu);

	INVARIANT(vmclear(vmx->vmcs_hpa) && vmptrld(vmx->vmcs_hpa));
	vmx->launched = false;
	percpu()->on_nmi = end_next_entry;
}

/* The MSRs that VM entry and exit leave alone, and that the hypervisor does not use: they are the guest's. */
void vmx_reset_cpu(void)
{
	static const u32 msrs[] = {MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_SFMASK, MSR_KERNEL_GS_BASE};

	for (unsigned i = 0; i < ARRAY_SIZE(msrs); i++)
		msr_write(msrs[i], 0);
	guest_cpu_reset();
}

u64 vmx_dr6_read(void)
{
	u64 value;

	__asm__ volatile("mov %%dr6, %0" : "=r"(value));
	return value;
}

void vmx_dr6_write(u64 value)
{
	__asm__ volatile("mov %0, %%dr6" : : "r"(value));
}

struct table_pointer {
	u16 limit;
	u64 base;
} __attribute__((packed));

#define SELECTOR_OF(name)                                                                          \
	({                                                                                         \
		u16 selector;                                                                      \
		__asm__("mov %%" #name ", %0" : "=r"(selector));                                   \
		selector &(u16)~SELECTOR_RPL_TI;                                                   \
	})

static void fill_host_segments(void)
{
	struct table_pointer gdt, idt;
	u16 tr;

	__asm__("str %0" : "=r"(tr));
	__asm__("sgdt %0" : "=m"(gdt));
	__asm__("sidt %0" : "=m"(idt));
	vmcs_write(VMCS_HOST_CS_SELECTOR, SELECTOR_OF(cs));
	vmcs_write(VMCS_HOST_SS_SELECTOR, SELECTOR_OF(ss));
	vmcs_write(VMCS_HOST_DS_SELECTOR, SELECTOR_OF(ds));
	vmcs_write(VMCS_HOST_ES_SELECTOR, SELECTOR_OF(es));
	vmcs_write(VMCS_HOST_FS_SELECTOR, 0);
	vmcs_write(VMCS_HOST_GS_SELECTOR, 0);
	vmcs_write(VMCS_HOST_TR_SELECTOR, tr);
	vmcs_write(VMCS_HOST_FS_BASE, 0);
	vmcs_write(VMCS_HOST_GS_BASE, (u64)(uintptr_t)percpu());
	vmcs_write(VMCS_HOST_TR_BASE, (u64)(uintptr_t)percpu()->tss);
	vmcs_write(VMCS_HOST_GDTR_BASE, gdt.base);
	vmcs_write(VMCS_HOST_IDTR_BASE, idt.base);
}

extern const u8 vmx_exited[];

void vmx_fill_host(void)
{
	fill_host_segments();
	vmcs_write(VMCS_HOST_CR0, cr0_read());
	vmcs_write(VMCS_HOST_CR3, cr3_read());
	vmcs_write(VMCS_HOST_CR4, cr4_read());
	vmcs_write(VMCS_HOST_PAT, msr_read(MSR_PAT));
	vmcs_write(VMCS_HOST_EFER, msr_read(MSR_EFER));
	vmcs_write(VMCS_HOST_SYSENTER_CS, 0);
	vmcs_write(VMCS_HOST_SYSENTER_ESP, 0);
	vmcs_write(VMCS_HOST_SYSENTER_EIP, 0);
	vmcs_write(VMCS_HOST_RIP, (u64)(uintptr_t)vmx_exited);
}

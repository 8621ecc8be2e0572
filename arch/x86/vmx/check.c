/*
 * Why a VM entry failed: the checks of Intel SDM volume 3C, 26.2 and 26.3, made again in software, each with
 * its reason. The CPU says no more than that one of them failed. What Sluice never sets is left out: MSR
 * areas, virtual APIC, posted interrupts, SMM.
 */
#include "arch/x86/guest_msr.h"
#include "arch/x86/msr.h"
#include "arch/x86/vmx/check.h"

#define EVENT_RESERVED BITS(30, 12)
#define EPTP_RESERVED  BITS(11, 7)

bool vmx_canonical(const struct vmx_caps *caps, u64 address)
{
	unsigned unused = 64u - caps->linear_bits;

	return (u64)((s64)(address << unused) >> unused) == address;
}

bool vmx_fixed(u64 value, u64 fixed0, u64 fixed1)
{
	return (value & fixed0) == fixed0 && !(value & ~fixed1);
}

bool vmx_is_address(const struct vmx_caps *caps, u64 address)
{
	return !(address & PAGE_MASK) && !(address >> caps->address_bits);
}

static bool allowed(enum vmcs_field field, u64 settings)
{
	return vmx_fixed(vmcs_read(field), (u32)settings, settings >> 32);
}

/* 26.2.1.1. */
static const char *check_execution(const struct vmx_caps *caps)
{
	u64 pin = vmcs_read(VMCS_PIN_CONTROLS);
	u64 proc = vmcs_read(VMCS_PROC_CONTROLS);
	u64 proc2 = proc & VMX_PROC_SECONDARY ? vmcs_read(VMCS_PROC2_CONTROLS) : 0;
	u64 eptp = vmcs_read(VMCS_EPT_POINTER);

	CHECK(allowed(VMCS_PIN_CONTROLS, caps->pin_allowed), "pin-based controls: reserved bits");
	CHECK(allowed(VMCS_PROC_CONTROLS, caps->proc_allowed),
	      "primary processor-based controls: reserved bits");
	CHECK(!(proc & VMX_PROC_SECONDARY) || allowed(VMCS_PROC2_CONTROLS, caps->proc2_allowed),
	      "secondary processor-based controls: reserved bits");
	CHECK(vmcs_read(VMCS_CR3_TARGET_COUNT) <= 4, "more than 4 CR3 targets");
	CHECK(!(proc & VMX_PROC_IO_BITMAPS) || (vmx_is_address(caps, vmcs_read(VMCS_IO_BITMAP_A)) &&
						vmx_is_address(caps, vmcs_read(VMCS_IO_BITMAP_B))),
	      "I/O bitmaps: not the address of a page");
	CHECK(!(proc & VMX_PROC_MSR_BITMAPS) || vmx_is_address(caps, vmcs_read(VMCS_MSR_BITMAP)),
	      "MSR bitmap: not the address of a page");
	CHECK(pin & VMX_PIN_NMI || !(pin & VMX_PIN_VIRTUAL_NMIS),
	      "virtual NMIs without NMI exiting");
	CHECK(pin & VMX_PIN_VIRTUAL_NMIS || !(proc & VMX_PROC_NMI_WINDOW),
	      "NMI-window exiting without virtual NMIs");
	CHECK(!(proc2 & VMX_PROC2_VPID) || vmcs_read(VMCS_VPID), "VPID 0");
	CHECK(proc2 & VMX_PROC2_EPT || !(proc2 & VMX_PROC2_UNRESTRICTED),
	      "unrestricted guest without EPT");
	if (proc2 & VMX_PROC2_EPT) {
		CHECK(bits_get(eptp, 2, 0) == 0 || (bits_get(eptp, 2, 0) == 6 && caps->ept_walk_wb),
		      "EPT pointer: memory type");
		CHECK(bits_get(eptp, 5, 3) == 3, "EPT pointer: not 4 levels");
		CHECK(!(eptp & EPTP_RESERVED) && !(eptp >> caps->address_bits),
		      "EPT pointer: reserved bits");
		CHECK(caps->ept_accessed_dirty || !(eptp & VMX_EPT_AD),
		      "EPT pointer: accessed and dirty bits");
	}
	return NULL;
}

/* 26.2.1.2. */
static const char *check_exits(const struct vmx_caps *caps)
{
	CHECK(allowed(VMCS_EXIT_CONTROLS, caps->exit_allowed), "exit controls: reserved bits");
	CHECK(!vmcs_read(VMCS_EXIT_MSR_STORE_COUNT) && !vmcs_read(VMCS_EXIT_MSR_LOAD_COUNT) &&
		      !vmcs_read(VMCS_ENTRY_MSR_LOAD_COUNT),
	      "an MSR area, of which there are none");
	return NULL;
}

static bool pushes_error(u64 vector)
{
	return vector == 8 || (vector >= 10 && vector <= 14) || vector == 17;
}

/* 26.2.1.3. */
static const char *check_event(const struct vmx_caps *caps, u64 event)
{
	u64 type = event & VMX_EVENT_TYPE;
	u64 vector = event & VMX_EVENT_VECTOR;
	bool exception = type == VMX_EVENT_TYPE_EXCEPTION;
	bool has_error = event & VMX_EVENT_ERROR_VALID;
	bool by_instruction = type == VMX_EVENT_TYPE_SOFTWARE_INT ||
			      type == VMX_EVENT_TYPE_PRIVILEGED || type == VMX_EVENT_TYPE_SOFTWARE;
	u64 length = vmcs_read(VMCS_ENTRY_INSTRUCTION_LENGTH);
	bool may_have_error = exception && vmcs_read(VMCS_GUEST_CR0) & CR0_PE;

	CHECK(!(event & EVENT_RESERVED), "event: reserved bits");
	CHECK(type != 1ull << 8 && type != 7ull << 8, "event: type");
	CHECK(type != VMX_EVENT_TYPE_NMI || vector == 2,
	      "event: an NMI with another vector than 2");
	CHECK(!exception || vector <= 31, "event: an exception with a vector above 31");
	CHECK(may_have_error ? caps->event_error_any || has_error == pushes_error(vector)
			     : !has_error,
	      "event: error code");
	CHECK(!has_error || !(vmcs_read(VMCS_ENTRY_EVENT_ERROR) >> 16),
	      "event: upper half of the error code");
	CHECK(!by_instruction || (length <= 15 && (length || caps->event_length_0)),
	      "event: instruction length");
	return NULL;
}

static const char *check_entries(const struct vmx_caps *caps)
{
	u64 event = vmcs_read(VMCS_ENTRY_EVENT);

	CHECK(allowed(VMCS_ENTRY_CONTROLS, caps->entry_allowed), "entry controls: reserved bits");
	return event & VMX_EVENT_VALID ? check_event(caps, event) : NULL;
}

/* 26.2.2. */
static const char *check_host_registers(const struct vmx_caps *caps)
{
	u64 cr4 = vmcs_read(VMCS_HOST_CR4);
	u64 efer = vmcs_read(VMCS_HOST_EFER);

	CHECK(vmx_fixed(vmcs_read(VMCS_HOST_CR0), caps->cr0_fixed0, caps->cr0_fixed1), "host CR0");
	CHECK(vmx_fixed(cr4, caps->cr4_fixed0, caps->cr4_fixed1) && cr4 & CR4_PAE, "host CR4");
	CHECK(!(vmcs_read(VMCS_HOST_CR3) >> caps->address_bits), "host CR3");
	CHECK(vmx_canonical(caps, vmcs_read(VMCS_HOST_SYSENTER_ESP)) &&
		      vmx_canonical(caps, vmcs_read(VMCS_HOST_SYSENTER_EIP)),
	      "host SYSENTER: not canonical");
	CHECK(guest_msr_is_valid(MSR_PAT, vmcs_read(VMCS_HOST_PAT)), "host PAT");
	CHECK(vmcs_read(VMCS_EXIT_CONTROLS) & VMX_EXIT_HOST_64, "host: not 64-bit");
	CHECK(efer & EFER_LMA && efer & EFER_LME && !(efer & ~EFER_KNOWN), "host EFER");
	CHECK(vmx_canonical(caps, vmcs_read(VMCS_HOST_RIP)), "host RIP: not canonical");
	return NULL;
}

/* 26.2.3. */
static const char *check_host_segments(const struct vmx_caps *caps)
{
	static const enum vmcs_field selectors[] = {
		VMCS_HOST_CS_SELECTOR, VMCS_HOST_SS_SELECTOR, VMCS_HOST_DS_SELECTOR,
		VMCS_HOST_ES_SELECTOR, VMCS_HOST_FS_SELECTOR, VMCS_HOST_GS_SELECTOR,
		VMCS_HOST_TR_SELECTOR,
	};
	static const enum vmcs_field bases[] = {
		VMCS_HOST_FS_BASE,   VMCS_HOST_GS_BASE,	  VMCS_HOST_TR_BASE,
		VMCS_HOST_GDTR_BASE, VMCS_HOST_IDTR_BASE,
	};

	for (unsigned i = 0; i < ARRAY_SIZE(selectors); i++)
		CHECK(!(vmcs_read(selectors[i]) & 7), "a host selector with RPL or TI");
	CHECK(vmcs_read(VMCS_HOST_CS_SELECTOR), "host CS: null");
	CHECK(vmcs_read(VMCS_HOST_TR_SELECTOR), "host TR: null");
	for (unsigned i = 0; i < ARRAY_SIZE(bases); i++)
		CHECK(vmx_canonical(caps, vmcs_read(bases[i])), "a host base: not canonical");
	return NULL;
}

const char *vmx_check_entry(const struct vmx_caps *caps)
{
	const char *reason = check_execution(caps);

	if (!reason)
		reason = check_exits(caps);
	if (!reason)
		reason = check_entries(caps);
	if (!reason)
		reason = check_host_registers(caps);
	if (!reason)
		reason = check_host_segments(caps);
	if (!reason)
		reason = vmx_check_guest(caps);
	if (!reason)
		reason = vmx_check_segments(caps);
	return reason;
}

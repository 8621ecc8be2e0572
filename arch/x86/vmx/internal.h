/* What the files of the VMX backend share. */
#ifndef ARCH_X86_VMX_INTERNAL_H
#define ARCH_X86_VMX_INTERNAL_H

#include "arch/x86/vcpu.h"
#include "arch/x86/vmx/vmcs.h"

/* 23.7: what VMXON asks for; firmware's to set, or ours where it left the register open. */
#define MSR_FEATURE_CONTROL   0x3a
#define FEATURE_CONTROL_LOCK  BIT(0)
#define FEATURE_CONTROL_VMXON BIT(2) /* outside of SMX operation */

/* Capabilities, from the MSRs of appendix A. */
struct vmx_caps {
	u32 revision;			   /* what VMXON region and VMCS begin with */
	u32 pin, proc, proc2, exit, entry; /* control words as they are to be */
	/* What each control word must and may have: allowed-0 settings low, allowed-1 settings high. */
	u64 pin_allowed, proc_allowed, proc2_allowed, exit_allowed, entry_allowed;
	u64 cr0_fixed0, cr0_fixed1, cr4_fixed0, cr4_fixed1;
	u8 address_bits; /* of physical addresses */
	u8 linear_bits;
	bool event_length_0;  /* an entry takes an INT n or the like of no bytes */
	bool event_error_any; /* an entry does not look at which exceptions have an error code */
	bool ept_2m, ept_1g;
	bool ept_walk_wb;
	bool ept_accessed_dirty;
	bool invept_single; /* else all contexts at once */
	bool vpid;
	bool invvpid_single; /* likewise */
};

extern struct vmx_caps vmx_caps;

/* Pure: what a CPU with these words can do. On ERR_UNSUPPORTED *missing names what is not there. */
struct vmx_words {
	u32 cpuid_1_ecx;
	u8 address_bits; /* CPUID 8000_0008 */
	u8 linear_bits;
	u64 feature_control;
	u64 basic; /* this one and those below: 0 where the CPU does not have it */
	u64 pin, proc, proc2, exit, entry; /* the true ones where there are */
	u64 misc;
	u64 cr0_fixed0, cr0_fixed1, cr4_fixed0, cr4_fixed1;
	u64 ept_vpid;
};
enum status vmx_caps_decode(const struct vmx_words *words, struct vmx_caps *caps,
			    const char **missing);
enum status vmx_probe(void);

/* One vCPU a physical CPU, for good: all guests can have the same VPID. */
#define VMX_VPID 1

/* As the VMCS takes it for its entry (24.8.3); info without VMX_EVENT_VALID: none. */
struct vmx_event {
	u32 info;
	u32 error;
	u8 length; /* of the instruction that caused it, where one did */
};

/* One vCPU's pages: at vcpu->backend. */
struct vmx_vcpu {
	u8 *vmcs; /* opaque: reached by vmcs_read() and vmcs_write() only */
	hpa_t vmcs_hpa;
	u8 *msr_bitmap; /* 24.6.9 */
	hpa_t msr_bitmap_hpa;
	hpa_t nested_root;
	u64 cr2; /* the guest's; not in the VMCS */
	bool launched;
	bool stale;		 /* nested mappings were taken away since the last entry */
	bool nmi_waits;		 /* for the guest to take NMIs again */
	struct vmx_event inject; /* what the hypervisor wants to have delivered */
	struct vmx_event repeat; /* what was being delivered when the exit came */
};

static inline struct vmx_vcpu *vmx_of(const struct vcpu *vcpu)
{
	return vcpu->backend;
}

/* cpu.c */
enum status vmx_cpu_on(struct pool *pool);
void vmx_cpu_off(struct vcpu *vcpu);
/* Makes the vCPU's VMCS, emptied, the calling CPU's current one. */
void vmx_load(struct vcpu *vcpu);
/* Gives a guest that starts the state that is not in its VMCS, as after reset. */
void vmx_reset_cpu(void);
/* The state that the CPU has again after each exit: that which it has now. */
void vmx_fill_host(void);
/* DR6 is not in the VMCS: the guest's is the CPU's. */
u64 vmx_dr6_read(void);
void vmx_dr6_write(u64 value);

/* setup.c */
enum status vmx_create(struct vcpu *vcpu, struct pool *pool, hpa_t nested_root);
void vmx_destroy(struct vcpu *vcpu, struct pool *pool);
void vmx_reset(struct vcpu *vcpu, const struct vcpu_start *start);
void vmx_msr_pass(struct vcpu *vcpu, u32 index, bool read, bool write);

/* run.c */
void vmx_run(struct vcpu *vcpu, vcpu_handler *handle);
void vmx_stand_by(void);
/* Takes the NMIs that wait, through the hypervisor's own table: an exit by one has blocked them (27.5.5). */
void vmx_take_nmis(void);

/*
 * check.c: which of the checks of VM entry (26.2 and 26.3) the current VMCS does not pass, in words; NULL
 * if all are passed that are made here. Reads the VMCS and nothing else.
 */
const char *vmx_check_entry(const struct vmx_caps *caps);
const char *vmx_check_guest(const struct vmx_caps *caps);
const char *vmx_check_segments(const struct vmx_caps *caps);

/* event.c: what was asked for by vmx_inject() or is to be repeated goes into the VMCS. */
void vmx_set_event(struct vmx_vcpu *vmx);

/* exit.c: from the VMCS to the neutral exit. */
void vmx_exit_decode(struct vcpu *vcpu, struct vm_exit *exit);

/* state.c */
bool vmx_is_64_bit(void);
void vmx_end_shadow(void); /* of STI or MOV SS */
/* The guest goes on behind an instruction that was carried out for it. */
void vmx_move_on(u64 rip);
void vmx_inject(struct vcpu *vcpu, const struct vcpu_event *event);
void vmx_state(const struct vcpu *vcpu, struct vcpu_state *state);
enum status vmx_msr_read(const struct vcpu *vcpu, u32 index, u64 *value);
enum status vmx_msr_write(struct vcpu *vcpu, u32 index, u64 value);
enum status vmx_cr4_write(struct vcpu *vcpu, u64 value);

/* nested.c */
void vmx_nested_shape(u8 *levels, u8 *leaf_sizes);
void vmx_flush(struct vcpu *vcpu);
/* Carries out what vmx_flush() asked for, on the vCPU's own CPU. */
void vmx_flush_now(struct vmx_vcpu *vmx);
/* No translation of an earlier guest is left: before a vCPU's first entry. */
void vmx_flush_linear(void);

#endif

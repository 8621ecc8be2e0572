/* What the files of the SVM backend share. */
#ifndef ARCH_X86_SVM_INTERNAL_H
#define ARCH_X86_SVM_INTERNAL_H

#include "arch/x86/msr.h"
#include "arch/x86/svm/vmcb.h"

/* Capabilities, from CPUID 8000_000A (15.4 and Fn8000_000A). */
struct svm_caps {
	u32 asids;
	bool nrip_save;
	bool flush_by_asid;
	bool decode_assists;
	u8 address_bits;	 /* of physical addresses */
	bool fast_fxsr;		 /* EFER.FFXSR can be set */
	bool sticky_breakpoints; /* a guest's go on after its exits: QEMU's TCG before 10 */
	bool loses_cr0;		 /* at exits without PAE, but with LME: QEMU's TCG */
};

extern struct svm_caps svm_caps;

/* Pure: what a CPU with these CPUID words can do. On ERR_UNSUPPORTED *missing names what is not there. */
struct svm_words {
	u32 ext_1_ecx; /* 8000_0001 */
	u32 ext_1_edx;
	u32 revision; /* 8000_000A EAX, EBX, EDX */
	u32 asids;
	u32 features;
	u8 address_bits; /* 8000_0008 EAX */
	u64 vm_cr;	 /* MSR VM_CR, 0 without SVM */
	u32 hypervisor;	 /* 4000_0000 EBX: the maker of the machine, if it is an emulator */
};
enum status svm_caps_decode(const struct svm_words *words, struct svm_caps *caps,
			    const char **missing);
enum status svm_probe(void);

/* Whether the guest can take an NMI: see event.c. */
enum svm_nmi {
	SVM_NMI_OPEN,
	SVM_NMI_BLOCKED,
	SVM_NMI_STEPPING,
};

/* One vCPU's pages: at vcpu->backend. */
struct svm_vcpu {
	struct vmcb *vmcb;
	u8 *msrpm;     /* two pages, 15.11 */
	bool pae_lent; /* CR4.PAE is set, and the guest does not know */
	bool mce;      /* the guest has set CR4.MCE, which is always set in fact */
	bool nmi_waits;
	enum svm_nmi nmi;
	u64 iret; /* SVM_NMI_STEPPING: where the instruction is */
};

static inline struct svm_vcpu *svm_of(const struct vcpu *vcpu)
{
	return vcpu->backend;
}

/* Outside of 64-bit code RIP has 32 bits. */
static inline bool svm_is_64_bit(const struct vmcb *vmcb)
{
	return vmcb->efer & EFER_LMA && vmcb->segment[SEGMENT_CS].attributes & SVM_CODE_LONG;
}

/* The guest goes on behind an instruction that was carried out for it. */
static inline void svm_move_on(struct vmcb *vmcb, u64 rip)
{
	vmcb->rip = svm_is_64_bit(vmcb) ? rip : (u32)rip;
	vmcb->interrupt_shadow &= ~SVM_INTERRUPT_SHADOW;
}

/* cpu.c */
enum status svm_cpu_on(struct pool *pool);
void svm_cpu_off(struct vcpu *vcpu);
/* Gives a guest that starts the state that is not in its VMCB, as after reset. */
void svm_reset_cpu(void);

/* setup.c */
enum status svm_create(struct vcpu *vcpu, struct pool *pool, hpa_t nested_root);
void svm_destroy(struct vcpu *vcpu, struct pool *pool);
void svm_reset(struct vcpu *vcpu, const struct vcpu_start *start);
void svm_msr_pass(struct vcpu *vcpu, u32 index, bool read, bool write);

/* run.c */
void svm_run(struct vcpu *vcpu, vcpu_handler *handle);
/*
 * Takes the NMIs that wait, through the hypervisor's own table; the CPU is at GIF = 0 before and after
 * (15.21.7 has no other way to consume one).
 */
void svm_take_nmis(void);

/* At GIF = 1 NMIs and interrupts are taken, until the next svm_run(). */
void svm_stand_by(void);

/* event.c: an NMI that was asked for goes into the VMCB, if the guest can take it now. */
void svm_deliver_nmi(struct vcpu *vcpu);
/*
 * After an exit of a guest that does not take NMIs: follows the IRET that ends its handler. True: the exit was
 * for that alone.
 */
bool svm_follow_iret(struct vcpu *vcpu);
/* No NMI waits or is being handled. */
void svm_reset_nmis(struct svm_vcpu *svm);

/*
 * check.c: which of VMRUN's checks (15.5.1) the VMCB does not pass, in words; NULL if all are passed that are
 * made here.
 */
const char *svm_check_entry(const struct svm_caps *caps, const struct vmcb *vmcb);

/* exit.c: from the VMCB to the neutral exit. */
void svm_exit_decode(struct vcpu *vcpu, struct vm_exit *exit);

/* state.c */
void svm_set_cr4(struct svm_vcpu *svm, u64 value); /* what the guest has set */
void svm_inject(struct vcpu *vcpu, const struct vcpu_event *event);
void svm_state(const struct vcpu *vcpu, struct vcpu_state *state);
enum status svm_msr_read(const struct vcpu *vcpu, u32 index, u64 *value);
enum status svm_msr_write(struct vcpu *vcpu, u32 index, u64 value);
enum status svm_cr4_write(struct vcpu *vcpu, u64 value);

/* nested.c */
extern const struct pt_format npt_format;
void svm_nested_shape(u8 *levels, u8 *leaf_sizes);
u64 svm_memory_run(hpa_t start, u64 size, bool *cached);
void svm_flush(struct vcpu *vcpu);

#endif

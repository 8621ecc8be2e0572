/*
 * A virtual CPU, why it came back, and the operations of a CPU backend. SVM and VMX stand behind the
 * same table; nothing above this file knows which one runs.
 */
#ifndef ARCH_X86_VCPU_H
#define ARCH_X86_VCPU_H

#include "arch/x86/guest_code.h"
#include "arch/x86/guest_cpuid.h"
#include "arch/x86/guest_msrs.h"
#include "hv/base/pt.h"
#include "hv/base/status.h"

/* In the order of their encoding (Intel SDM volume 2, table 3-1). */
enum gpr {
	GPR_RAX,
	GPR_RCX,
	GPR_RDX,
	GPR_RBX,
	GPR_RSP,
	GPR_RBP,
	GPR_RSI,
	GPR_RDI,
	GPR_R8,
	GPR_R9,
	GPR_R10,
	GPR_R11,
	GPR_R12,
	GPR_R13,
	GPR_R14,
	GPR_R15,
	GPR_COUNT,
};

struct vcpu {
	u64 gpr[GPR_COUNT]; /* assembly knows that this comes first */
	u64 rip;
	u64 rflags;
	u32 apic_id;	 /* of the physical CPU that it runs on, for good */
	u64 cr4_allowed; /* what the guest may set in CR4; by the caller, before create() */
	void *backend;	 /* the backend's own page */
	struct vm *vm;	 /* whose CPU it is; opaque to the backends, as are the next two */
	struct signals *signals;
	struct decoded *decoded;
	struct guest_code code;
	struct guest_cpuid cpuid;
	struct guest_msrs msrs;
	u64 cpuid_answers; /* that the backend gave by these, without an exit for the caller */
	u64 msr_answers;
};

/* A segment register; base and attributes as the VMCB has them (AMD APM volume 2, 15.5.1, 14.1.3). */
struct vcpu_segment {
	u16 selector;
	u16 attributes; /* descriptor bits 55:52 and 47:40 in bits 11:0 */
	u32 limit;
	u64 base;
};

/* In the order of their encoding in instructions. */
enum segment {
	SEGMENT_ES,
	SEGMENT_CS,
	SEGMENT_SS,
	SEGMENT_DS,
	SEGMENT_FS,
	SEGMENT_GS,
	SEGMENT_COUNT,
};

/* What an instruction's meaning depends on, beyond the registers above. */
struct vcpu_state {
	u64 cr0;
	u64 cr2;
	u64 cr3;
	u64 cr4;
	u64 efer;
	u8 address_bits; /* of physical addresses */
	u8 cpl;
	struct vcpu_segment segment[SEGMENT_COUNT];
};

enum vcpu_start_kind {
	START_PROTECTED, /* 32-bit protected mode, flat, paging and interrupts off: both boot protocols' */
	START_REAL, /* as a startup IPI leaves it: real mode, CS:IP = .page << 8 : 0 */
};

/* The registers that are not 0; all else follows from the kind. */
struct vcpu_start {
	enum vcpu_start_kind kind;
	u32 rip;
	u32 rax;
	u32 rbx;
	u32 rdx;
	u8 page; /* START_REAL: 4 KiB units */
};

enum vm_exit_kind {
	EXIT_CPUID,
	EXIT_MSR,	   /* .msr */
	EXIT_IO,	   /* .io */
	EXIT_NESTED_FAULT, /* .nested: no mapping for a guest-physical address */
	EXIT_HYPERCALL,
	EXIT_XSETBV,
	EXIT_CACHE,	    /* WBINVD, INVD */
	EXIT_CR4_WRITE,	    /* .cr4: a MOV to CR4 that the CPU can't let through */
	EXIT_CR4_READ,	    /* .cr4: a MOV from CR4, which holds what the guest is not to see */
	EXIT_DEBUG,	    /* a write of DR7 that this machine can't let through */
	EXIT_MACHINE_CHECK, /* #MC while the guest ran */
	EXIT_HOST_EVENT,    /* .host_event: an NMI of the hypervisor's; already consumed */
	EXIT_PRIVILEGED,    /* an instruction that faults for every guest: gets #GP(0) */
	EXIT_UNDEFINED,	    /* an instruction that no guest may use: gets #UD */
	EXIT_TASK_SWITCH,   /* by hardware, which the CPU leaves to the hypervisor */
	EXIT_SHUTDOWN,	    /* triple fault */
	EXIT_INIT,	    /* an INIT signal arrived */
	EXIT_RETRY,	    /* the backend handled it: enter again */
	EXIT_INVALID, /* .invalid: the CPU refused the state that the guest made: the VM is stopped */
	EXIT_UNKNOWN, /* .unknown: the VM is stopped */
	EXIT_KINDS,
};

/* No instruction is longer. */
#define VCPU_CODE_MAX 15

struct vm_exit {
	enum vm_exit_kind kind;
	u8 length;	/* of the instruction in bytes; 0: the CPU did not say, decode it */
	u8 code_length; /* bytes in .code: what the CPU fetched for a data access; 0: it did not say */
	u8 code[VCPU_CODE_MAX];
	union {
		struct {
			bool write;
			u32 index;
		} msr;
		struct {
			u16 port;
			u8 width; /* 1, 2, 4 */
			bool in;
			bool string;
		} io;
		struct {
			gpa_t address;
			bool write;
			bool execute;
			bool table_walk; /* it was the guest's own page tables that were not mapped */
			bool in_delivery; /* an interrupt or exception was on its way to its handler */
		} nested;
		struct {
			bool gpr_known; /* else the instruction is decoded */
			u8 gpr;		/* enum gpr: where the value is, or goes */
		} cr4;
		struct {
			bool in_shadow; /* of STI or MOV SS, which the next entry may not know any more */
		} host_event;
		struct {
			const char *reason; /* which check failed; NULL: that can't be told */
		} invalid;
		struct {
			u64 code;
			u64 info[2];
		} unknown;
	};
};

/*
 * What is delivered to the guest at its next entry. RFLAGS.RF and .TF are left alone: a debugger inside
 * the guest sees no single-step trap after an instruction that was carried out for it.
 */
enum vcpu_event_kind {
	EVENT_EXCEPTION,
	EVENT_NMI, /* as soon as the guest can take one; several that wait are one */
};

struct vcpu_event {
	enum vcpu_event_kind kind;
	u8 vector;
	bool has_error;
	u32 error;
	u64 address; /* of a page fault: for CR2 */
};

#define VECTOR_DB     1
#define VECTOR_OF_NMI 2
#define VECTOR_BP     3
#define VECTOR_OF     4
#define VECTOR_UD     6
#define VECTOR_SS     12
#define VECTOR_GP     13
#define VECTOR_PF     14
#define VECTOR_AC     17
#define VECTOR_MC     18

/* Error codes of page faults (AMD APM volume 2, 8.2.15). */
#define PF_ERROR_PRESENT  BIT(0) /* a right is lacking, not the page */
#define PF_ERROR_WRITE	  BIT(1)
#define PF_ERROR_USER	  BIT(2)
#define PF_ERROR_RESERVED BIT(3) /* an entry on the way has a reserved bit */

/* A trace is to have all exits: then backends answer none themselves. */
#ifdef TRACE
#define VCPU_BACKEND_ANSWERS false
#else
#define VCPU_BACKEND_ANSWERS true
#endif

typedef bool vcpu_handler(struct vcpu *vcpu, const struct vm_exit *exit);

/* Moves rip past an instruction that is done; outside of 64-bit code the backend cuts it to 32 bits. */
static inline void vcpu_skip(struct vcpu *vcpu, u8 length)
{
	vcpu->rip += length;
}

struct vcpu_ops {
	const char *name;	 /* "svm" */
	const char *nested_name; /* "npt" */
	const struct pt_format *nested_format;

	/* ERR_NOT_FOUND: this CPU is of another kind. ERR_UNSUPPORTED with a log line that names what it lacks. */
	enum status (*probe)(void);
	/* Levels and leaf sizes of nested tables on this machine. */
	void (*nested_shape)(u8 *levels, u8 *leaf_sizes);
	/*
	 * How many bytes from start on, at most size, have one memory type, and whether nested tables must
	 * say for them that they are cached. All page aligned, size > 0; at least a page.
	 */
	u64 (*memory_run)(hpa_t start, u64 size, bool *cached);
	/* Turns virtualisation on for the calling CPU. ERR_UNSUPPORTED: firmware locked it off on this one. */
	enum status (*cpu_on)(struct pool *pool);
	/*
	 * The end of what cpu_on() began: the vCPU, which ran here, can be loaded elsewhere from now on, and
	 * this CPU takes NMIs outside of run() again.
	 */
	void (*cpu_off)(struct vcpu *vcpu);

	/* All MSRs and ports are trapped from the start. The vCPU's own fields are the caller's. */
	enum status (*create)(struct vcpu *vcpu, struct pool *pool, hpa_t nested_root);
	void (*destroy)(struct vcpu *vcpu, struct pool *pool);
	/* The state at a start; on the vCPU's own CPU. */
	void (*reset)(struct vcpu *vcpu, const struct vcpu_start *start);
	/* Lets the guest read and write an MSR without an exit. */
	void (*msr_pass)(struct vcpu *vcpu, u32 index, bool read, bool write);

	/*
	 * Enters the guest on the calling CPU, which is the vCPU's, and again after each exit for which handle
	 * returns true. rip still points to the instruction that exited. Where it was moved at the next entry an
	 * instruction was carried out for the guest, and what that ends is over: the shadow of STI or MOV SS.
	 */
	void (*run)(struct vcpu *vcpu, vcpu_handler *handle);
	/* After a run() that no other is to follow soon: the calling CPU takes NMIs and interrupts again. */
	void (*stand_by)(void);
	void (*inject)(struct vcpu *vcpu, const struct vcpu_event *event);
	void (*state)(const struct vcpu *vcpu, struct vcpu_state *state);
	/*
	 * The guest's own MSRs that the CPU switches: EFER, PAT, SYSENTER, STAR, FS and GS base and the
	 * like. ERR_NOT_FOUND: not one of them; ERR_INVALID: a value that would fault.
	 */
	enum status (*msr_read)(const struct vcpu *vcpu, u32 index, u64 *value);
	enum status (*msr_write)(struct vcpu *vcpu, u32 index, u64 value);
	/*
	 * The guest's MOV to CR4. ERR_INVALID: it would fault, by cr4_allowed or by the state that the guest
	 * is in; nothing changed. What the CPU flushes by such a write is flushed.
	 */
	enum status (*cr4_write)(struct vcpu *vcpu, u64 value);
	/* The nested tables lost a mapping: its vCPUs must not use what they cached of it. */
	void (*flush)(struct vcpu *vcpu);
};

#endif

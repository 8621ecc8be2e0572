/*
 * The configuration as the command lines give it, before anybody asked whether it can be. Pure.
 *
 * A VM's first module says "vm=NAME [cpus=N] [mem=SIZE] [pci=none|BDF[,BDF]...] [restart=never|N|always]
 * [after=NAME] [-- ARGUMENTS]"; what follows "--" is the guest's own command line. Modules without a vm= word
 * belong to the VM before them. If the very first module has no vm= word, it is VM "vm0" with everything
 * default, and its whole command line is the guest's. A size is a number of bytes, decimal or 0x, with K, M or
 * G after it or not; a BDF is 00:02.0 or 0001:00:02.0; a name has letters, digits, '-', '_' and '.'.
 *
 * restart= says how often the VM is built anew, from its modules, when it has ended, be it by an exit code or
 * by a crash; the default is never, and always means once a second at most. after= has it wait until a VM that
 * stands before it has ended for the last time: it gets that one's CPUs, and can have the same memory and
 * devices. The first of those that wait for each other may wait for the last: they take turns.
 *
 * The hypervisor's own words are exit=debug|bochs|halt, pool=SIZE, uart=PORT|none, intx=BDF:GSI[,BDF:GSI]...,
 * iommu=unsafe-identity and check=ud|stack|text|data|null, each at most once. A file name (a first word that
 * begins with '/' or '(') is skipped in both, as some loaders hand it over and some don't.
 */
#ifndef HV_VM_CONFIG_H
#define HV_VM_CONFIG_H

#include "drivers/pci.h"
#include "hv/platform/bootinfo.h"

#define VM_MAX	       8
#define VM_NAME_MAX    16
#define VM_MAX_DEVICES 16
#define VM_MAX_MODULES 8

#define CONFIG_ALWAYS 0xffffffffu /* restart=always */

struct vm_config {
	char name[VM_NAME_MAX];
	u32 cpus;	/* 0: default */
	u64 memory;	/* bytes, 0: default */
	bool pci_given; /* also by pci=none */
	u32 device_count;
	struct sbdf device[VM_MAX_DEVICES];
	u32 restarts;		 /* how often it is built anew once it has ended; CONFIG_ALWAYS */
	char after[VM_NAME_MAX]; /* the VM whose end it waits for; "": none */
	u32 kernel;		 /* boot module index */
	char arguments[BOOT_COMMAND_MAX]; /* the guest's command line */
	u32 module_count;
	u32 module[VM_MAX_MODULES]; /* boot module indices */
};

enum exit_method {
	EXIT_HALT,	 /* exit=halt, the default: stop the CPUs */
	EXIT_DEBUG_PORT, /* exit=debug: QEMU's isa-debug-exit at port 0xF4 */
	EXIT_BOCHS,	 /* exit=bochs: Bochs's shutdown port 0x8900, which takes no code */
};

/* What the hypervisor does wrong on purpose, to show that it is caught and told (hv/selfcheck.h). */
enum hv_check {
	CHECK_NONE,
	CHECK_UD,    /* check=ud: an undefined instruction */
	CHECK_STACK, /* check=stack: more stack than there is */
	CHECK_TEXT,  /* check=text: a write to its own code */
	CHECK_DATA,  /* check=data: execution of data */
	CHECK_NULL,  /* check=null: a read of address 0 */
	CHECK_GS,    /* check=gs: an undefined instruction where GS is not the hypervisor's */
};

#define CONFIG_MAX_INTX 8

struct hv_config {
	enum exit_method exit;
	u64 pool_size;	      /* pool=SIZE in bytes, 0: default */
	u16 uart_port;	      /* uart=PORT, default 0x3f8; 0: none */
	enum hv_check check;  /* check=...: stops the machine */
	bool unsafe_identity; /* iommu=unsafe-identity: devices for a VM without an IOMMU */
	u32 intx_count;	      /* intx=BDF:GSI[,...]: for chipsets whose routing is not known */
	struct {
		struct sbdf device;
		u32 gsi;
	} intx[CONFIG_MAX_INTX];
};

struct config {
	struct hv_config hv;
	u32 vm_count;
	struct vm_config vm[VM_MAX];
	u32 left_out; /* VMs whose line is wrong */
};

struct config_error {
	u32 module; /* boot module index; CONFIG_IN_COMMAND: the hypervisor's own command line */
	const char *reason; /* a constant sentence */
	char word[48];	    /* what it is about, cut to size */
};

#define CONFIG_IN_COMMAND 0xffffffffu

/*
 * ERR_INVALID, with *error, for a word of the hypervisor's command line that can't be read, unknown ones
 * included: a misspelt option must not be lost silently. A VM whose line is wrong is left out, with its
 * modules and an error line in the log; the others stay.
 */
enum status config_parse(const struct bootinfo *boot, struct config *config,
			 struct config_error *error);

#endif

/*
 * Guest kernels: multiboot (1) ELF, 32 and 64 bit (Multiboot specification 0.6.96), and PVH ELF (Xen's
 * "x86/HVM direct boot ABI"). A kernel with a PVH note starts by it; one with a multiboot header by that;
 * with both, the multiboot header wins, as with QEMU's -kernel.
 */
#ifndef HV_VM_LOADER_H
#define HV_VM_LOADER_H

#include "arch/x86/vcpu.h"
#include "hv/base/bytes.h"
#include "hv/base/status.h"

struct vm;

#define LOADER_MAX_MODULES 8

struct guest_module {
	struct bytes content;
	const char *command; /* its command line as it stands; NULL: empty */
};

struct guest_image {
	struct bytes kernel;
	const char *command; /* the guest's arguments; NULL: none */
	gpa_t rsdp;	     /* where firmware_tables_write() put it, 0: none; PVH tells it */
	u32 module_count;
	struct guest_module module[LOADER_MAX_MODULES];
};

/*
 * Copies kernel and modules into the VM's RAM, writes the boot protocol's structures and says how to
 * start. Nothing is put into 0x9F000-0xFFFFF, nor above 3 GiB. On an error *reason is a constant sentence.
 */
enum status loader_load(struct vm *vm, const struct guest_image *image, struct vcpu_start *start,
			const char **reason);

#endif

/* Guest-physical accesses on a guest's behalf, whatever is there: RAM, a trapped device, or nothing. */
#ifndef HV_VM_ACCESS_H
#define HV_VM_ACCESS_H

#include "arch/x86/vcpu.h"

/* width 1, 2, 4 or 8 bytes; nothing there reads all ones. The access does not cross a page. */
u64 access_read(struct vm *vm, struct vcpu *vcpu, gpa_t address, u8 width);
void access_write(struct vm *vm, struct vcpu *vcpu, gpa_t address, u8 width, u64 value);

#endif

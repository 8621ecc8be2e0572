/* Interprocessor interrupts: from a vCPU to vCPUs of its own VM, and to nobody else. */
#ifndef HV_VM_IPI_H
#define HV_VM_IPI_H

#include "hv/base/types.h"

struct vm;
struct vcpu;

/*
 * Carries out a write to the interrupt command register (Intel SDM volume 3A, 11.6.1): command is its low
 * half, destination as the sender's mode has it. What is reserved, reaches nobody, has a vector below
 * VLAPIC_FIRST_VECTOR or asks for an SMI is dropped. Under vm->lock.
 */
void ipi_send(struct vm *vm, const struct vcpu *from, u32 destination, u32 command);

/* The sender's own vector. */
void ipi_send_self(const struct vcpu *vcpu, u8 vector);

#endif

/* What a VM's NICs have counted, for the summary. */
#ifndef HV_VM_NIC_REPORT_H
#define HV_VM_NIC_REPORT_H

struct vm;

/* Reads the counters of the NICs that are known, while the VM still has them. */
void nic_report_take(struct vm *vm);

/* One log line a NIC. */
void nic_report_print(const struct vm *vm);

#endif

/* What VMs are made of and give back, counted: so that a leak is seen. */
#ifndef HV_VM_RESOURCES_H
#define HV_VM_RESOURCES_H

/* One log line: what is free, and what is in use. when says where in the story, as "boot". */
void resources_print(const char *when);

#endif

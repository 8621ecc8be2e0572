/* The SVM backend (AMD APM volume 2, chapter 15) as the rest of the hypervisor sees it. */
#ifndef ARCH_X86_SVM_SVM_H
#define ARCH_X86_SVM_SVM_H

#include "arch/x86/vcpu.h"

extern const struct vcpu_ops svm_ops;

#endif

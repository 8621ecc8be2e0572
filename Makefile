# Sluice. `make help` lists what there is.
#
# CC=clang builds with clang; OUT=FOLDER says where the hypervisor goes; WERROR= lets warnings pass;
# V=1 shows the commands.

ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(origin LD),default)
LD := ld
endif
OUT ?= build
WERROR ?= -Werror
PYTHON := /usr/bin/python3
jobs = $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc))
Q := $(if $(V),,@)
say = $(if $(V),,@echo '  $(1)' '$(2)')

.DEFAULT_GOAL := build
.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:

# --- The hypervisor: every source in these folders -----------------------------------------------

hv_folders := hv hv/* arch/x86 arch/x86/* iommu iommu/* drivers
hv_c := $(wildcard $(addsuffix /*.c,$(hv_folders)))
hv_asm := $(wildcard $(addsuffix /*.asm,$(hv_folders)))
hv_objects := $(addprefix $(OUT)/obj/,$(addsuffix .o,$(hv_c) $(hv_asm)))

warnings := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla $(WERROR)

# -O2 -g, and frame pointers for backtraces. No code may use vector registers: they are a VM's. Inside of functions
# nothing is aligned: that is a twentieth of the code, and no instruction less. (clang does it so anyway.)
hv_cflags := -std=gnu2x -ffreestanding -O2 -g -mgeneral-regs-only -mno-red-zone \
	-fno-pic -fno-pie -fno-omit-frame-pointer -fno-stack-protector -fcf-protection=none \
	-fno-asynchronous-unwind-tables -fno-common -fno-strict-aliasing \
	-fno-align-jumps -fno-align-loops -fno-align-labels -Wno-ignored-optimization-argument $(warnings) -I.
hv_asmflags := -f elf64 -g -F dwarf -I. $(if $(WERROR),-w+error)
hv_ldflags := -n -nostdlib -static -z max-page-size=4096 -z noexecstack --build-id=none

# TRACE=1 adds the ring of exits, into a folder of its own: see `make trace`.
TRACE ?=
hv_cflags += $(if $(TRACE),-DTRACE)

# It is linked twice, as its own table of function names is made from the first link.
$(OUT)/sluice.elf: $(OUT)/obj/first.elf $(OUT)/obj/symbols.o linker.ld
	$(call say,LD,$@)
	$(Q)$(LD) $(hv_ldflags) -T linker.ld $(hv_objects) $(OUT)/obj/symbols.o -o $@.new
	$(Q)$(PYTHON) tools/symbols.py check $< $@.new
	$(Q)mv $@.new $@

$(OUT)/obj/first.elf: $(hv_objects) $(OUT)/obj/no-symbols.o linker.ld $(OUT)/obj/link-flags
	$(Q)$(LD) $(hv_ldflags) -T linker.ld $(hv_objects) $(OUT)/obj/no-symbols.o -o $@

$(OUT)/obj/symbols.asm: $(OUT)/obj/first.elf tools/symbols.py
	$(Q)$(PYTHON) tools/symbols.py table $< >$@

$(OUT)/obj/no-symbols.asm: tools/symbols.py
	$(Q)mkdir -p $(@D)
	$(Q)$(PYTHON) tools/symbols.py table >$@

$(OUT)/obj/symbols.o $(OUT)/obj/no-symbols.o: %.o: %.asm
	$(Q)nasm -f elf64 $< -o $@

$(OUT)/obj/%.c.o: %.c $(OUT)/obj/flags
	$(Q)mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(hv_cflags) -MMD -MP -c $< -o $@

$(OUT)/obj/%.asm.o: %.asm $(OUT)/obj/flags
	$(Q)mkdir -p $(@D)
	$(call say,NASM,$<)
	$(Q)nasm $(hv_asmflags) -MD $(@:.o=.d) -MQ $@ -MP $< -o $@

# $(call keep_if_same,TEXT) writes TEXT to the target only if it is not there yet, so that what
# depends on it is built again when the compiler, its flags or the list of files change.
define keep_if_same
$(Q)mkdir -p $(@D)
$(Q)echo '$(1)' | cmp -s - $@ || echo '$(1)' >$@
endef

$(OUT)/obj/flags: FORCE
	$(call keep_if_same,$(CC) $(hv_cflags) $(hv_asmflags))

$(OUT)/obj/link-flags: FORCE
	$(call keep_if_same,$(LD) $(hv_ldflags) $(hv_objects))

-include $(hv_objects:.o=.d)

# --- The shipped guest ---------------------------------------------------------------------------

-include guest/guest.mk
-include tests/attack/attack.mk
-include tests/bench/bench.mk
-include tests/modes/modes.mk
-include tests/random/random.mk
-include tests/smp/smp.mk
guest_elves := build/guest/sluice-guest.elf build/guest/sluice-guest64.elf \
	build/guest/sluice-guest64-multiboot.elf

# --- Programs for the host: unit tests and tools, all with sanitizers ----------------------------

host_cc := gcc
host_cflags := -std=gnu2x -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer -Wall -Wextra -Wshadow -Wundef $(WERROR) -I.

host_test_sources := $(wildcard tests/host/test_*.c)
host_tests := $(patsubst tests/host/%.c,build/host/%,$(host_test_sources))
host_tool_sources := $(wildcard tools/*.c)
host_tools := $(patsubst tools/%.c,build/host/%,$(host_tool_sources))

# What a test or a tool names in its comments `// sources: FILE...` and `// libs: -lNAME...`.
named_sources = $(shell sed -n 's|^// sources:||p' $(1))
named_libs = $(shell sed -n 's|^// libs:||p' $(1))
host_object = $(patsubst %.c,build/host/obj/%.o,$(1))
host_base := hv/base/status.c hv/base/format.c hv/base/log.c

# $(1) is the program's main source, $(2) its other sources, $(3) its libraries.
define host_program
build/host/$(basename $(notdir $(1))): $(call host_object,$(sort $(1) $(2)))
build/host/$(basename $(notdir $(1))): host_libs := $(3)
host_objects += $(call host_object,$(sort $(1) $(2)))
endef
$(foreach source,$(host_test_sources),$(eval $(call host_program,$(source),$(host_base) \
	tests/host/harness.c $(call named_sources,$(source)),-lcmocka $(call named_libs,$(source)))))
$(foreach source,$(host_tool_sources),$(eval $(call host_program,$(source),$(host_base) \
	$(call named_sources,$(source)),$(call named_libs,$(source)))))

$(host_tests) $(host_tools):
	$(call say,HOSTLD,$@)
	$(Q)$(host_cc) $(host_cflags) $^ $(host_libs) -o $@

build/host/obj/%.o: %.c build/host/obj/flags
	$(Q)mkdir -p $(@D)
	$(call say,HOSTCC,$<)
	$(Q)$(host_cc) $(host_cflags) -MMD -MP -c $< -o $@

build/host/obj/flags: FORCE
	$(call keep_if_same,$(host_cc) $(host_cflags))

-include $(patsubst %.o,%.d,$(sort $(host_objects)))

# --- Fuzzing ---------------------------------------------------------------------------------------

-include tests/fuzz/fuzz.mk

# --- Coverage --------------------------------------------------------------------------------------

-include tests/coverage/coverage.mk

# --- Proofs ----------------------------------------------------------------------------------------

-include tests/proof/proof.mk

# --- What one asks for ---------------------------------------------------------------------------

# The settings reach the tools as they were typed, dollar signs and all.
settings := NIC CPUS MEM FIRMWARE GUEST GUEST_ARGS GUEST_MODULES VM_ARGS HV_ARGS IOMMU_ARGS \
	QEMU QEMU_ARGS ACCEL EMU CPU_MODEL NORUN TIMEOUT T
define keep_as_typed
override $(1) := $$(value $(1))
export $(1)
endef
$(foreach name,$(settings),$(if $(filter-out undefined,$(origin $(name))),\
	$(eval $(call keep_as_typed,$(name)))))

.PHONY: all build hypervisor host run iso test bench trace lint mutations deps emulators clean help FORCE
.PHONY: soak soak-units soak-guests soak-traffic

all: build host

build: hypervisor $(guest_elves)

hypervisor: $(OUT)/sluice.elf

host: $(host_tests) $(host_tools)

run:
	@tools/deps.sh build run
	@$(MAKE) --no-print-directory $(if $(V),,-s) $(jobs) build
	@exec tools/run.py

iso:
	@tools/deps.sh build run
	@$(MAKE) --no-print-directory $(if $(V),,-s) $(jobs) build
	@exec tools/run.py --iso build/sluice.iso

test:
	@tools/deps.sh
	@exec tools/test.py

SECONDS ?= 3600

soak:
	@tools/deps.sh
	@tools/emulators.sh
	@$(MAKE) --no-print-directory $(if $(V),,-s) $(jobs) build attack build/host/test_vtd_random
	@$(MAKE) --no-print-directory -s -k -j3 soak-units soak-guests soak-traffic

soak-units:
	@SLUICE_SECONDS='$(SECONDS)' build/host/test_vtd_random

soak-guests:
	@cd tests/system && exec $(PYTHON) -m pytest -q -rP -n2 --soak='$(SECONDS)' test_random.py

soak-traffic:
	@cd tests/system && exec $(PYTHON) -m pytest -q -rP --soak='$(SECONDS)' test_soak.py

bench:
	@tools/deps.sh build run
	@tools/emulators.sh
	@$(MAKE) --no-print-directory $(if $(V),,-s) $(jobs) hypervisor bench-guest
	@exec tools/bench.py

trace:
	@tools/deps.sh build run
	@$(MAKE) --no-print-directory $(if $(V),,-s) $(jobs) build
	@$(MAKE) --no-print-directory $(if $(V),,-s) $(jobs) hypervisor TRACE=1 OUT=build/trace
	@exec tools/trace.py

lint:
	@tools/deps.sh build lint
	@exec tools/lint.py

mutations:
	@tools/deps.sh build test
	@exec tools/mutate.py

deps:
	@tools/deps.sh

emulators:
	@tools/emulators.sh

clean:
	rm -rf $(filter-out build/emulators,$(wildcard build/*))

help:
	@sed -n 's/^#: //p' $(MAKEFILE_LIST)

#: make [build]     the hypervisor (build/sluice.elf) and the shipped guest
#: make run         boots it all in QEMU or Bochs, the shipped guest fetching a file over its own NIC
#: make test        all tests: host units, lint, fuzzing, systems in emulators; T=NAME only those named like this
#: make soak        random guests, random VMs on random IOMMUs, traffic beside attacks, SECONDS=3600 each
#: make iso         build/sluice.iso, which boots real machines from CD or USB, BIOS or UEFI
#: make bench       what the hypervisor costs, in instructions: a table, and build/bench.json
#: make trace       like run, with a trace of all exits: a table, build/trace/timeline.svg and flame.svg
#: make lint        the checks of the sources alone
#: make fuzz        fuzzes all parsers of foreign bytes, SECONDS=600 each; T=NAME only those
#: make coverage    what of the pure code the host tests reach: a table, and pages in build/coverage/html
#: make proof       proves contracts of parsers and page tables within small bounds; CBMC=cbmc by CBMC
#: make mutations   breaks the VT-d driver in many places, to see that its tests notice; a minute or two
#: make host        the unit tests and tools of the host, built into build/host/
#: make deps        installs the Debian packages that are missing; run and test do it by themselves
#: make emulators   fetches QEMU 10 and 11 into build/emulators/
#: make clean       removes all that was built, save the emulators
#:
#: Settings of run:
#:   NIC=e1000|e1000e|none   CPUS=2   MEM=512M   FIRMWARE=bios|uefi
#:   GUEST=FILE              another kernel than the shipped guest
#:   GUEST_ARGS='...'        the guest's arguments
#:   GUEST_MODULES='F:ARGS'  files handed to the guest, each with its own arguments
#:   VM_ARGS='...'           the VM's configuration: cpus=N mem=SIZE pci=BB:DD.F[,...] restart=N
#:   HV_ARGS='...'           the hypervisor's own arguments, in place of the defaults; iommu= is none
#:   IOMMU_ARGS='...'        of QEMU's intel-iommu: aw-bits=48,caching-mode=on ...
#:   QEMU=10|11|PROGRAM      another QEMU; 10 and 11 are those of `make emulators`
#:   QEMU_ARGS='...'         more of QEMU's arguments
#:   ACCEL=kvm               under KVM instead of TCG, on hosts that let guests use VMX or SVM
#:   EMU=bochs               Bochs instead of QEMU: VMX and SVM, no IOMMU
#:   CPU_MODEL=ryzen         one of Bochs's CPUs (bochs-bin --help cpu)
#:   TIMEOUT=180             seconds until it is given up
#:   NORUN=1                 only prints the command lines

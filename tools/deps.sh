#!/bin/bash
# Installs the Debian packages that Sluice needs and that are missing; silent when none is.
#
#   tools/deps.sh [GROUP...]      groups: build run test lint; all of them when none is named

set -eu

declare -A packages=(
	[build]='make gcc libc6-dev binutils nasm python3'
	[run]='qemu-system-x86 ovmf grub-common grub-pc-bin grub-efi-amd64-bin xorriso mtools
		bochs bochs-sdl bochsbios vgabios'
	[test]='clang libclang-rt-dev libcmocka-dev libzydis-dev acpica-tools lcov
		python3-pytest python3-pytest-xdist
		debian-archive-keyring'
	[lint]='clang-format clang-tidy cppcheck shellcheck'
)

say() { echo "deps: $*" >&2; }

die()
{
	say "$@"
	exit 1
}

# Prints those of the packages named that dpkg does not have as installed.
missing_of()
{
	local installed

	installed=$(dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' "$@" 2>/dev/null |
		sed -n 's/^[ih]i //p' || true)
	comm -23 <(printf '%s\n' "$@" | sort -u) <(sort -u <<<"$installed")
}

as_root()
{
	if [ "$(id -u)" = 0 ]; then
		env DEBIAN_FRONTEND=noninteractive "$@"
	else
		sudo env DEBIAN_FRONTEND=noninteractive "$@"
	fi
}

# True when apt's package lists were fetched within the last day.
lists_are_fresh()
{
	[ -n "$(find /var/lib/apt/lists -name '*Packages*' -mtime -1 -print -quit 2>/dev/null)" ]
}

install_all()
{
	as_root apt-get install -qq -y --no-install-recommends "$@" >&2
}

wanted=()
[ $# -gt 0 ] || set -- build run test lint
for group in "$@"; do
	[ -n "${packages[$group]:-}" ] || die "no group '$group'; there are: ${!packages[*]}"
	read -r -d '' -a list <<<"${packages[$group]}" || true
	wanted+=("${list[@]}")
done

if ! command -v dpkg-query >/dev/null; then
	say "this is not a Debian system; what stands in for these packages must be there:"
	say "${wanted[@]}"
	exit 0
fi

mapfile -t missing < <(missing_of "${wanted[@]}")
[ ${#missing[@]} -gt 0 ] || exit 0

say "missing: ${missing[*]}"
if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
	die "neither root nor sudo; as root, run: apt-get install ${missing[*]}"
fi

updated=no
if ! lists_are_fresh; then
	as_root apt-get update -qq >&2 || die "apt-get update failed; is there a network?"
	updated=yes
fi
if ! install_all "${missing[@]}"; then
	[ $updated = no ] || die "apt-get could not install: ${missing[*]}"
	say "trying again with fresh package lists"
	as_root apt-get update -qq >&2 || die "apt-get update failed; is there a network?"
	install_all "${missing[@]}" || die "apt-get could not install: ${missing[*]}"
fi
say "installed"

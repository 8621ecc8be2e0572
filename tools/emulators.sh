#!/bin/bash
# Fetches newer QEMUs than the system's own into build/emulators/, the system left alone: a private
# apt state, the packages of another Debian suite unpacked next to their own C library, and a
# script `run` that starts the emulator out of it. Needs no root. Quick when all is there.
#
#   tools/emulators.sh [NAME...]      names: qemu-10 qemu-11; both when none is given

set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
home=${EMULATORS:-$top/build/emulators}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# The suite that each one is of, and after it the suites that the rest of its packages are of.
declare -A suites=([qemu-10]='bookworm-backports bookworm' [qemu-11]='sid')

say() { echo "emulators: $*" >&2; }

die()
{
	say "$@"
	exit 1
}

# The archive that this machine installs Debian itself from: the first address in apt's sources
# whose suite is the machine's release, in either of apt's two notations.
archive()
{
	local release file files=()

	# mawk, a fresh Debian's awk, gives up at the first file that is not there.
	for file in /etc/apt/sources.list.d/*.sources /etc/apt/sources.list \
		/etc/apt/sources.list.d/*.list; do
		[ -r "$file" ] && files+=("$file")
	done
	# shellcheck disable=SC1091
	release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	awk -v release="$release" '
		function take() { if (uri != "" && suites ~ " " release " ") { print uri; exit } }
		/^[ \t]*#/ { next }
		/^URIs:/ { uri = $2 }
		/^Suites:/ { $1 = ""; suites = $0 " " }
		/^[ \t]*$/ || FNR == 1 && !/^(URIs|Suites):/ { take(); uri = suites = "" }
		/^deb[ \t]/ {
			sub(/\[[^]]*\]/, "")
			uri = $2
			suites = " " $3 " "
			take()
		}
		END { take() }
	' "${files[@]}" | head -n 1
}

# Writes apt's configuration for a private state in folder $1: address $2, suites $3 and following.
private_apt()
{
	local dir=$1 uri=$2

	shift 2
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
	: >"$dir/status"
	printf "deb [signed-by=$keyring] $uri %s main\\n" "$@" >"$dir/sources.list"
	cat >"$dir/apt.conf" <<-END
		APT::Default-Release "$1";
		Dir::Etc::sourcelist "$dir/sources.list";
		Dir::Etc::sourceparts "-";
		Dir::State "$dir";
		Dir::State::lists "$dir/lists";
		Dir::State::status "$dir/status";
		Dir::Cache "$dir/cache";
		Dir::Cache::archives "$dir/cache/archives";
		Debug::NoLocking "1";
		APT::Sandbox::User "$(id -un)";
		APT::Get::List-Cleanup "0";
		Acquire::Languages "none";
		Acquire::Retries "2";
		#clear APT::Update::Pre-Invoke;
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
		#clear DPkg::Post-Invoke;
	END
}

# The emulator's own loader and libraries, modules and firmware; nothing of the system's.
write_runner()
{
	cat >"$1/run" <<-'END'
		#!/bin/sh
		dir=$(dirname "$(readlink -f "$0")")
		lib=$dir/root/usr/lib/x86_64-linux-gnu
		share=$dir/root/usr/share
		export QEMU_MODULE_DIR="$lib/qemu"
		exec "$lib/ld-linux-x86-64.so.2" --library-path "$lib" \
			"$dir/root/usr/bin/qemu-system-x86_64" \
			-L "$share/qemu" -L "$share/seabios" -L "$dir/root/usr/lib/ipxe/qemu" "$@"
	END
	chmod +x "$1/run"
}

version() { "$1/run" --version 2>/dev/null | sed -n '1s/.*version //p'; }

# Fetches emulator $1 into a folder of its own, which takes its final name only once it runs.
fetch()
{
	local name=$1 uri=$2 dir=$home/$1.new deb wanted

	read -r -a wanted <<<"${suites[$name]}"
	rm -rf "$dir"
	private_apt "$dir/apt" "$uri" "${wanted[@]}"
	if ! apt-get -c "$dir/apt/apt.conf" -qq update >"$dir/log" 2>&1 ||
		! apt-get -c "$dir/apt/apt.conf" -qq -y --no-install-recommends --download-only \
			install qemu-system-x86 ipxe-qemu >>"$dir/log" 2>&1; then
		say "$name: suite ${wanted[0]} of $uri is not obtainable:"
		grep -E '^(E|W|Err)' "$dir/log" | head -n 5 | sed 's/^/emulators:   /' >&2
		return 1
	fi
	mkdir "$dir/root"
	for deb in "$dir"/apt/cache/archives/*.deb; do
		dpkg-deb -x "$deb" "$dir/root"
	done
	# Suites with a merged /usr keep the C library there, older ones in /lib.
	if [ -d "$dir/root/lib" ] && [ ! -L "$dir/root/lib" ]; then
		cp -a "$dir/root/lib/." "$dir/root/usr/lib/"
	fi
	rm -rf "$dir/apt"
	write_runner "$dir"
	if [ -z "$(version "$dir")" ]; then
		say "$name: fetched, but it does not start:"
		"$dir/run" --version 2>&1 | head -n 3 | sed 's/^/emulators:   /' >&2
		return 1
	fi
	rm -rf "${home:?}/$name"
	mv "$dir" "$home/$name"
}

failed=0
[ $# -gt 0 ] || set -- qemu-10 qemu-11
for name in "$@"; do
	[ -n "${suites[$name]:-}" ] || die "no '$name'; there are: ${!suites[*]}"
	have=$(version "$home/$name" || true)
	if [ -z "$have" ]; then
		uri=$(archive)
		[ -n "$uri" ] || die "no Debian archive in this machine's apt sources"
		say "$name: fetching from $uri, suite ${suites[$name]%% *}"
		fetch "$name" "$uri" || { failed=1; continue; }
		have=$(version "$home/$name")
	fi
	echo "$name: $have"
done
exit $failed

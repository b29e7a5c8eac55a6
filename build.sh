#!/usr/bin/env bash
# Builds, packages, tests and inspects Tor Detect. Without a verb it says what
# each does. All output goes to dist/.
set -euo pipefail
shopt -s inherit_errexit

here=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")"

# Pinned: a newer release of these may find more, or nothing.
staticcheck=honnef.co/go/tools/cmd/staticcheck@v0.8.2
govulncheck=golang.org/x/vuln/cmd/govulncheck@v1.9.0
appinspect=splunk-appinspect==4.3.1
slim=splunk-packaging-toolkit==1.2.8
contentctl=contentctl==5.6.2
ksconf=ksconf==0.13.10
splunklib=splunk-sdk==3.0.1
duckdb=duckdb==2.0.1
venv=dist/.venv-inspect

# Per fuzz target. Enough to run the corpus and find a careless change; long
# runs are for a quiet evening. A count and not a time: on a busy machine go
# test may take the end of the time for a failure ("context deadline exceeded").
fuzztime=${FUZZTIME:-5000x}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

usage() {
	cat <<'TEXT'
usage: ./build.sh VERB

  build     the programs for this machine, into dist/bin/; build all: torctl for
            Linux, macOS and Windows as well, into dist/torctl/ (minutes, the first time)
  package   the app for Splunk, dist/tordetect-<version>.tgz (or into the folder
            that follows); the last line of the output is its path
  release   package and torctl for all systems of a clean checkout, their checksums,
            signed by the Ed25519 key in the file RELEASE_KEY, into dist/release;
            release FOLDER signs what is in a folder: needs openssl 3
  test      everything that needs no Splunk: package, gofmt, vet (for Windows and
            macOS too), staticcheck, govulncheck where its database can be had, all
            tests on the package, short fuzzing
            REQUIRE_SHARED=1  tests without ../shared/data fail instead of skipping
  fuzz      every fuzz target in turns, a share of the time for each, 30m in all: ./build.sh
            fuzz [4h] [-workers 1] [-only REGEXP]; -each 10s gives each that much; -sum adds
            up all runs. What breaks one or is too slow is kept under testdata/fuzz; -keep
            adds what was found to run statements that no seed runs
  faults    the packaged programs without disk, memory, a whole table, a reader of their
            replies: each byte and each moment, where test tries a sample (tests/faults)
  soak      one search of 20 million rows, 1,000 short ones two at a time, 10,000 probes:
            memory stays bounded and nothing is left; needs Linux (tests/soak)
  scale     what grows with a site: rows a second, 1 to 32 indexers, days of relay lists, 42
            million connections an hour; a part alone: ./build.sh scale [rows indexers
            retention searches]; needs Linux (tests/scale)
  demo      runs the shipped searches over a firewall log, as Splunk would, and
            prints their tables: ./build.sh demo [LOG [RELAY-TABLE]]
  inspect   AppInspect and slim on the package, contentctl and ksconf on the conf
            files, in private Python environments
  bench     speed and memory beside splunklib, a bare echo and others, of all
            workloads or those named (RUNS=5): ./build.sh bench [events tstats ...];
            -list names them, -against PROGRAM compares the replies of an older build;
            bench growth runs hostile inputs at n and 4n and prints the factor of the CPU;
            bench scan measures torctl scan beside DuckDB on logs of 1 GB
  evaluate  precision and recall on labelled flows: generated ones, or those of
            files with their tor_relays.csv beside: ./build.sh evaluate [FLOWS.csv ...];
            evaluate day plays the app's searches over a day of events as a scheduler
            would, and counts who is told, when, and at what cost: a day that it makes,
            or ./build.sh evaluate day [-json] [-relays TABLE] [EVENTS.jsonl]
  arm64     the packaged arm64 programs beside the amd64 ones: the same bytes for the
            same requests; needs an x86_64 Linux and qemu-aarch64 (Debian: qemu-user-static)
  realtor   a Tor network of Debian's tor in network namespaces, judged by the packaged
            app: two to three minutes; needs root, tor and iproute2, and says so where
            they are missing. obfs4proxy, suricata and tshark are used where installed.
            dist/realtor keeps capture, log, relay table and truth
TEXT
}

say() { printf '%s\n' "$*" >&2; }
die() { say "build.sh: $*"; exit 1; }

# The version stands in one place, default/app.conf under [launcher].
version() {
	local v
	v=$(sed -n '/^\[launcher\]/,/^\[/s/^version *= *//p' default/app.conf)
	[[ $v =~ ^[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.+-]+)?$ ]] ||
		die "default/app.conf: [launcher] version is '$v', which is no semantic version"
	printf '%s' "$v"
}

# The time that every file of the package gets: the commit's, so that the same
# commit gives the same bytes.
date_of_commit() {
	if [[ -n ${SOURCE_DATE_EPOCH:-} ]]; then
		printf '%s' "$SOURCE_DATE_EPOCH"
	else
		git log -1 --format=%ct 2>/dev/null || die "no commit to take the date from: set SOURCE_DATE_EPOCH"
	fi
}

programs() {
	local folder
	for folder in src/cmd/*/; do
		[[ -d $folder ]] && basename "$folder"
	done
	return 0
}

# compile NAME OUTPUT: a static program that holds nothing of this machine.
compile() {
	CGO_ENABLED=0 GOFLAGS= GOEXPERIMENT= GOAMD64=v1 GOARM64=v8.0 go build -trimpath -buildvcs=false \
		-ldflags "-s -w -buildid= -X main.version=$(version)" -o "$2" "./src/cmd/$1"
}

build() {
	local name
	mkdir -p dist/bin
	for name in $(programs); do
		compile "$name" "dist/bin/$name"
		say "dist/bin/$name"
	done
}

# torctl for the machines that responders have, with checksums. Not part of build:
# for each system the standard library is compiled too, where that is not cached.
build_torctl() {
	local os arch name
	rm -rf dist/torctl
	mkdir -p dist/torctl
	for os in linux darwin windows; do
		for arch in amd64 arm64; do
			name=torctl-$os-$arch
			[[ $os == windows ]] && name=$name.exe
			GOOS=$os GOARCH=$arch compile torctl "dist/torctl/$name"
			say "dist/torctl/$name"
		done
	done
	GOFLAGS= go run ./tests/package/pack -sbom torctl -programs dist/torctl -version "$(version)" -date "$(date_of_commit)" -out "$scratch/sbom.cdx.json"
	mv "$scratch/sbom.cdx.json" dist/torctl/
	licences >dist/torctl/LICENCES.txt
	(cd dist/torctl && LC_ALL=C checksums torctl-* LICENCES.txt sbom.cdx.json >"$scratch/SHA256SUMS")
	mv "$scratch/SHA256SUMS" dist/torctl/SHA256SUMS
	say "dist/torctl/SHA256SUMS"
}

# licences: those of Go and of each module that is linked into torctl on any of its
# systems, as they stand in the modules. One has none.
licences() {
	local path folder file os
	printf 'torctl contains the Go standard library and runtime and the modules below.\n'
	printf '\n==== Go\n\n'
	cat "$(go env GOROOT)/LICENSE"
	for os in linux darwin windows; do
		GOOS=$os GOFLAGS= go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Dir}}{{end}}{{end}}' ./src/cmd/torctl
	done | LC_ALL=C sort -u | while read -r path folder; do
		printf '\n==== %s\n\n' "$path"
		for file in "$folder"/LICEN[CS]E* "$folder"/COPYING* "$folder"/UNLICENSE* "$folder"/NOTICE*; do
			if [[ -f $file ]]; then cat "$file"; fi
		done
	done
}

# checksums FILE...: as sha256sum prints them; macOS has another name for it.
checksums() {
	if command -v sha256sum >/dev/null; then
		sha256sum "$@"
	else
		shasum -a 256 "$@"
	fi
}

package() {
	local target=${1:-dist} v date name arch
	v=$(version)
	date=$(date_of_commit)
	mkdir -p "$target"
	rm -rf "$scratch/bin"
	mkdir "$scratch/bin"
	# Into the package go the programs that a launcher starts.
	for name in $(sed -n 's|^exec .*/\([a-z]*\)-linux-.*|\1|p' bin/*.sh | sort -u); do
		[[ -d src/cmd/$name ]] || die "a launcher in bin/ starts $name, but there is no src/cmd/$name"
		for arch in amd64 arm64; do
			GOOS=linux GOARCH=$arch compile "$name" "$scratch/bin/$name-linux-$arch"
		done
	done
	GOFLAGS= go run ./tests/package/pack -programs "$scratch/bin" -version "$v" -date "$date" -out "$target/tordetect-$v.tgz"
	printf '%s\n' "$target/tordetect-$v.tgz"
}

# release: what is given away, and one signed list of it. The key is no part of the
# project: who releases keeps it outside of checkout and CI, in a file for himself.
release() {
	local key=${RELEASE_KEY:-} folder=${1:-} version
	[[ -n $key ]] || die "RELEASE_KEY is not set: name the file of the private key; openssl genpkey -algorithm ed25519 makes one"
	[[ $key == /* ]] || key=$here/$key
	[[ -f $key ]] || die "RELEASE_KEY=$key: there is no such file"
	[[ $(ls -lL "$key") == -r[w-]-------* ]] || die "$key can be read by others: chmod 600, and think whether it is still a secret"
	[[ $(realpath "$key") != "$PWD"/* ]] || die "$key lies in the checkout, from where it gets into commits: keep it elsewhere"
	version=$(openssl version) || die "openssl is needed"
	[[ $version == "OpenSSL "[3-9]* ]] || die "openssl 3 is needed, and this is $version"
	[[ $(openssl pkey -in "$key" -noout -text) == "ED25519 Private-Key:"* ]] || die "$key is no Ed25519 private key"
	if [[ -n $folder ]]; then
		[[ $folder == /* ]] || folder=$here/$folder
	else
		[[ -z $(git status --porcelain) ]] || die "the checkout has changes that are in no commit: release what others can build"
		folder=$PWD/dist/release
		rm -rf "$folder"
		mkdir -p "$folder"
		package "$folder" >&2
		build_torctl
		cp dist/torctl/* "$folder"
	fi
	(
		cd "$folder"
		rm -f SHA256SUMS SHA256SUMS.sig release.pub
		LC_ALL=C checksums * >"$scratch/SHA256SUMS"
		cp "$scratch/SHA256SUMS" .
		openssl pkeyutl -sign -inkey "$key" -rawin -in SHA256SUMS -out SHA256SUMS.sig
		openssl pkey -in "$key" -pubout -out release.pub
		openssl pkeyutl -verify -pubin -inkey release.pub -rawin -in SHA256SUMS -sigfile SHA256SUMS.sig >&2
	)
	say "$folder: signed by the key sha256:$(openssl pkey -in "$key" -pubout -outform DER | checksums | cut -d' ' -f1)"
}

# The race detector needs a C compiler; the tests themselves do not.
race() {
	local cc
	cc=$(go env CC)
	if [[ $(go env CGO_ENABLED) == 1 ]] && command -v "${cc%% *}" >/dev/null; then
		printf -- '-race'
	else
		say "build.sh: no C compiler, so no race detector"
	fi
}

# Shows what `go test` without -v would: the closing line of each package, and
# all of one that failed. (-v is needed to count what was skipped.)
brief() {
	awk '
		/^ok  \t/ || /^\?   \t/ { print; held = ""; next }
		/^FAIL\t/ { printf "%s", held; print; held = ""; next }
		/^=== / || /^ *--- (PASS|SKIP)/ || /^PASS$/ { next }
		{ held = held $0 "\n" }
		END { printf "%s", held }'
}

# fuzz [TIME] [OPTION...]: all targets in turns, see tests/fuzz.
fuzz() {
	if [[ $# -gt 0 && $1 != -* ]]; then set -- -time "$@"; fi
	mkdir -p dist
	go run ./tests/fuzz "$@"
}

faults() {
	TORDETECT_PACKAGE=$PWD/$(package | tail -n 1)
	export TORDETECT_PACKAGE
	go test -count=1 -timeout 1h -v ./tests/faults -args -every
}

soak() {
	TORDETECT_PACKAGE=$PWD/$(package | tail -n 1)
	export TORDETECT_PACKAGE
	go run ./tests/soak "$@"
}

scale() {
	TORDETECT_PACKAGE=$PWD/$(package | tail -n 1)
	export TORDETECT_PACKAGE
	mkdir -p dist/bin
	compile tordetect dist/bin/tordetect
	go build -o dist/bin/scale ./tests/scale
	dist/bin/scale "$@"
}

# vulnerabilities fails where a known one can be reached from our code. Its exit
# code tells that from a database that is out of reach, but go run hides the code.
vulnerabilities() {
	go run "$govulncheck" ./... >"$scratch/govulncheck" 2>&1 && return
	if grep -q '^exit status 3$' "$scratch/govulncheck"; then
		say "govulncheck:" "$(<"$scratch/govulncheck")"
		return 1
	fi
	say "govulncheck: not run, it or its database could not be had"
}

check() {
	local failed=0 unformatted skipped system race
	race=$(race)
	TORDETECT_PACKAGE=$PWD/$(package | tail -n 1)
	export TORDETECT_PACKAGE
	say "package $TORDETECT_PACKAGE"

	# Compiled as the package is, the standard library is there already; only the race
	# detector needs C.
	GOFLAGS="$(go env GOFLAGS) -trimpath"
	export GOFLAGS CGO_ENABLED=0

	unformatted=$(gofmt -l src tests)
	[[ -z $unformatted ]] || { say "gofmt: not formatted:" "$unformatted"; failed=1; }
	go vet ./... || { say "go vet: failed"; failed=1; }
	# torctl ships for these too: what it is made of has to compile there, with its tests.
	for system in windows darwin; do
		say "go vet for $system"
		GOOS=$system go vet ./... || { say "go vet for $system: failed"; failed=1; }
	done
	if go run "$staticcheck" -version >/dev/null 2>&1; then
		go run "$staticcheck" ./... || { say "staticcheck: failed"; failed=1; }
	else
		say "staticcheck: not run, $staticcheck could not be had"
	fi
	vulnerabilities || failed=1

	# Tests that start the programs as they are shipped: the race detector sees nothing of
	# these, and makes what plays splunkd around them take four times as long.
	go list ./tests/{arm64,cases,demo,e2e,evaluate,faults,preview,scale,security}/... ./tests/bench ./tests/package >"$scratch/packaged"
	# -count=1: the package and ../shared/data are inputs that the test cache does not see.
	# -vet=off: that was above.
	go list ./... | grep -vxF -f "$scratch/packaged" | CGO_ENABLED=${race:+1} xargs go test $race -vet=off -count=1 -timeout 30m -v 2>&1 | tee dist/test.log | brief || failed=1
	xargs go test -vet=off -count=1 -timeout 30m -v <"$scratch/packaged" 2>&1 | tee -a dist/test.log | brief || failed=1
	# What one processor does with instructions of its own, others do in Go.
	go test -count=1 -tags purego ./src/rows || failed=1
	fuzz -each "$fuzztime" || { say "fuzzing: failed"; failed=1; }

	skipped=$(grep -c 'skipped: no ../shared/data' dist/test.log || true)
	say "$skipped tests skipped for want of ../shared/data"
	if [[ $skipped != 0 && ${REQUIRE_SHARED:-} == 1 ]]; then
		say "REQUIRE_SHARED=1: that is a failure"
		failed=1
	fi
	[[ $failed == 0 ]] || say "test: failed, see above"
	return $failed
}

demo() {
	local arg args=()
	# Paths are the caller's, not ours.
	for arg in "$@"; do
		[[ $arg != /* && -e $here/$arg ]] && arg=$here/$arg
		args+=("$arg")
	done
	TORDETECT_PACKAGE=$PWD/$(package | tail -n 1)
	export TORDETECT_PACKAGE
	go run ./tests/demo ${args[@]+"${args[@]}"}
}

# environment FOLDER PYTHON PACKAGE...: a private Python environment with these
# packages. Made anew unless it was finished for the same ones.
environment() {
	local folder=$1 python=$2
	shift 2
	[[ $(cat "$folder/complete" 2>/dev/null) == "$*" ]] && return
	rm -rf "$folder"
	mkdir -p dist
	"$python" -m venv "$folder" || die "python3 with its venv module is needed (Debian: python3-venv)"
	"$folder/bin/pip" install --quiet --disable-pip-version-check "$@" || die "could not install $*"
	printf '%s\n' "$*" >"$folder/complete"
}

# AppInspect tells file types by libmagic, which pip does not bring.
libmagic() {
	"$venv"/bin/python -c 'import magic' 2>/dev/null && return
	say "libmagic is missing: installing libmagic1"
	{ apt-get update -q && apt-get install -q -y libmagic1; } >dist/libmagic.log 2>&1 || die "libmagic1 could not be installed, see dist/libmagic.log"
}

inspect() {
	local tarball failed=0 code=0
	tarball=$(package | tail -n 1)
	environment "$venv" python3 "$appinspect" "$slim"
	libmagic

	# Left out is one check that fails for every package with an x86_64 program
	# in it, whatever else it holds. --ci makes findings count in the exit code.
	"$venv"/bin/splunk-appinspect inspect "$tarball" --excluded-tags aarch64_compatibility --ci \
		--skip-trusted-libraries-update --max-messages all --data-format json --output-file dist/appinspect.json \
		>dist/appinspect.log 2>&1 || code=$?
	if [[ $code == 0 ]]; then
		say "AppInspect: clean"
	else
		say "AppInspect: exit code $code (3: not a valid package, 101: failures, 104: future failures, 103: warnings)"
		failed=1
		code=0
	fi
	"$venv"/bin/python - dist/appinspect.json <<-'PYTHON' || { cat dist/appinspect.log >&2; failed=1; }
		import json, sys
		report = json.load(open(sys.argv[1]))
		print("AppInspect:", ", ".join(f"{n} {what}" for what, n in sorted(report["summary"].items()) if n))
		# 251 checks in 4.3.1. A tag that it does not know is no error for it: it
		# would run a dozen checks and be green.
		clean = sum(report["summary"].values()) >= 250
		for group in report["reports"][0]["groups"]:
		    for check in group["checks"]:
		        if check["result"] in ("failure", "error", "warning", "future_failure"):
		            clean = False
		            for message in check["messages"]:
		                print(f'  {check["result"]} {check["name"]}: {message["message"]}')
		sys.exit(0 if clean else 1)
	PYTHON

	tar -xzf "$tarball" -C "$scratch"
	# slim knows Splunk up to 8.0 and warns about what came later: those few
	# warnings are expected, every other one is a misspelt key.
	"$venv"/bin/slim validate "$scratch/tordetect" >dist/slim.log 2>&1 || code=$?
	if [[ $code == 0 ]] && ! grep -E 'WARNING|ERROR' dist/slim.log | grep -vE 'allow_skew$|\[shclustering\]|\[replicationDenylist\]' >&2; then
		say "slim validate: clean"
	else
		say "slim validate: failed, see dist/slim.log"
		failed=1
	fi
	conf || failed=1
	return $failed
}

# conf: do the conf files say what ESCU's would say of the same detections, and can
# ksconf read them? An environment of its own, as slim and contentctl each insist on
# another version of setuptools.
conf() {
	local candidate python= folder=dist/.venv-contentctl failed=0
	while read -r candidate; do
		"$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null || continue
		python=$candidate
		break
	done < <(pythons)
	[[ -n $python ]] || die "$contentctl needs Python 3.11 to 3.13 with its venv module: name one by PYTHON=..."
	environment "$folder" "$python" "$contentctl" "$ksconf"
	if CONTENTCTL=$PWD/$folder/bin/contentctl go test -count=1 ./tests/contentctl; then
		say "contentctl: builds what our conf files say, but for the table in tests/contentctl"
	else
		say "contentctl: differs, see above"
		failed=1
	fi
	if "$folder/bin/ksconf" check --quiet default/*.conf metadata/*.meta >dist/ksconf.log 2>&1; then
		say "ksconf: clean"
	else
		say "ksconf: exit code $?"
		cat dist/ksconf.log >&2
		failed=1
	fi
	return $failed
}

# pythons lists what may run splunklib: the caller's choice, or what is here,
# the newest first.
pythons() {
	local minor
	if [[ -n ${PYTHON:-} ]]; then
		printf '%s\n' "$PYTHON"
		return
	fi
	for minor in 16 15 14 13 12 11 10 9; do
		type -aP "python3.$minor" || true
		if command -v pyenv >/dev/null; then
			compgen -G "$(pyenv root)/versions/3.$minor.*/bin/python3" || true
		fi
	done
	type -aP python3 || true
}

# python_with NAME PACKAGE MODULE makes dist/.venv-NAME, a Python with that package, of the
# newest one on which it installs. Without any, what needs it is not measured.
python_with() {
	local candidate want venv=dist/.venv-$1
	while read -r candidate; do
		want="$2 on $candidate"
		[[ $(cat "$venv"/complete 2>/dev/null) == "$want" ]] && return
		"$candidate" -c 'import venv, ensurepip' 2>/dev/null || continue
		rm -rf "$venv"
		"$candidate" -m venv "$venv" &&
			"$venv"/bin/python -m pip install --quiet --disable-pip-version-check "$2" >&2 &&
			"$venv"/bin/python -c "import $3" &&
			printf '%s\n' "$want" >"$venv"/complete && return
	done < <(pythons)
	say "build.sh: $2 could not be installed"
	return 1
}

bench() {
	local arg args=() python=dist/.venv-bench/bin/python
	# Paths are the caller's, not ours; names of workloads are no paths.
	for arg in "$@"; do
		[[ $arg == */* && $arg != /* ]] && arg=$here/$arg
		args+=("$arg")
	done
	mkdir -p dist/bin
	if [[ " $* " == *" scan "* ]]; then
		compile torctl dist/bin/torctl
		python=dist/.venv-duckdb/bin/python
		python_with duckdb "$duckdb" duckdb || python=
		go build -o dist/bin/bench ./tests/bench
		dist/bin/bench -torctl dist/bin/torctl -duckdb "$python" -runs "${RUNS:-5}" ${args[@]+"${args[@]}"}
		return
	fi
	compile tordetect dist/bin/tordetect
	python_with bench "$splunklib" splunklib.searchcommands || python=
	go build -o dist/bin/bench ./tests/bench
	dist/bin/bench -tordetect dist/bin/tordetect -python "$python" -runs "${RUNS:-5}" -json dist/bench.json ${args[@]+"${args[@]}"}
}

evaluate() {
	local arg args=()
	if [[ ${1:-} == day ]]; then
		shift
		args=(day)
		TORDETECT_PACKAGE=$PWD/$(package | tail -n 1)
		export TORDETECT_PACKAGE
	fi
	args+=(-out dist)
	# Paths are the caller's, not ours.
	for arg in "$@"; do
		[[ $arg != /* && -e $here/$arg ]] && arg=$here/$arg
		args+=("$arg")
	done
	go run ./tests/evaluate "${args[@]}"
}

arm64() {
	TORDETECT_PACKAGE=$PWD/$(package | tail -n 1)
	export TORDETECT_PACKAGE
	go test -count=1 -v ./tests/arm64
}

realtor() {
	TORDETECT_PACKAGE=$PWD/$(package | tail -n 1)
	export TORDETECT_PACKAGE
	mkdir -p dist/bin
	compile torctl dist/bin/torctl
	go build -o dist/bin/evaluate ./tests/evaluate
	go build -o dist/bin/realtor ./tests/realtor
	dist/bin/realtor -out dist/realtor -torctl dist/bin/torctl -evaluate dist/bin/evaluate
}

verb=${1:-}
[[ $# -gt 0 ]] && shift
case $verb in
build)
	case ${1:-} in
	'') build ;;
	all)
		build
		build_torctl
		;;
	*) die "build '$1': want build, or build all" ;;
	esac
	;;
package) package "$@" ;;
release) release "$@" ;;
test) check ;;
demo) demo "$@" ;;
inspect) inspect ;;
bench) bench "$@" ;;
evaluate) evaluate "$@" ;;
arm64) arm64 ;;
realtor) realtor ;;
fuzz) fuzz "$@" ;;
faults) faults ;;
soak) soak "$@" ;;
scale) scale "$@" ;;
'' | help | -h | --help) usage ;;
*) usage >&2; die "unknown verb '$verb'" ;;
esac

#!/usr/bin/env bash
# Build a real kube-apiserver and lay etcd beside it, from Debian's packages alone; for `make test-apiserver`.
#
# Debian ships only kubectl of its source package `kubernetes`, but the package is the whole upstream tree with its
# vendored modules. Nothing is installed: compiler and etcd are unpacked in the cache, apt keeps lists of its own.
# Prints the folder that holds both programs; a second call finds them there.
set -euo pipefail

readonly SUITE=bookworm RELEASE=1.20 RECIPE=3 # a new recipe is built anew
cache=${MODELCAR_TUI_APISERVER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/modelcar-tui/apiserver}
ready=$cache/$SUITE-$RECIPE
work=$cache/work

say() { printf 'apiserver: %s\n' "$*" >&2; }
fail() { say "$1"; [ $# -lt 2 ] || say "  fix: $2"; exit 1; }

finished() { [ -x "$ready/kube-apiserver" ] && [ -x "$ready/etcd" ]; }

if finished; then
  echo "$ready"
  exit
fi

command -v apt-get >/dev/null || fail "apt-get is missing: the source comes from Debian's archive" "run this on Debian"
missing=()
for program in dpkg-source:dpkg-dev make:make rsync:rsync perl:perl flock:util-linux; do
  command -v "${program%%:*}" >/dev/null || missing+=("${program##*:}")
done
[ ${#missing[@]} -eq 0 ] || fail "needs ${missing[*]}" "apt-get install ${missing[*]}"

mkdir -p "$work"
exec 9>"$cache/lock"
flock 9
if finished; then
  echo "$ready"
  exit
fi
[ "$(df -Pk "$work" | awk 'NR == 2 { print $4 }')" -gt 4000000 ] || fail "needs 4 GB of room in $cache" "df -h $cache"

# The machine's own mirror of Debian; apt's own settings stay as they are.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' 'Label: Debian' | sed -n 1p)
[ -n "$mirror" ] || fail "apt knows no Debian archive" "apt-get update, or run this on Debian"
key=/usr/share/keyrings/debian-archive-keyring.gpg
[ -e "$key" ] || fail "the archive's key $key is missing" "apt-get install debian-archive-keyring"
mkdir -p "$work"/apt/lists/partial "$work"/apt/cache/archives/partial "$work"/packages "$work"/root
for kind in deb deb-src; do
  echo "$kind [signed-by=$key] $mirror $SUITE main"
done >"$work/apt/sources.list"
cat >"$work/apt/apt.conf" <<END
Dir::Etc::sourcelist "$work/apt/sources.list";
Dir::Etc::sourceparts "-";
Dir::State::lists "$work/apt/lists";
Dir::Cache "$work/apt/cache";
APT::Sandbox::User "$(id -un)";
END
export APT_CONFIG=$work/apt/apt.conf

say "asking Debian $SUITE for its packages"
apt-get update -qq >&2 || fail "apt-get update failed for $mirror $SUITE" "check the network"
packages=(golang-1.19-go golang-1.19-src etcd-server golang-github-modern-go-reflect2-dev)
(cd "$work/packages" && apt-get download -qq "${packages[@]}" >&2) || fail "Debian $SUITE lacks one of ${packages[*]}"
for package in "$work"/packages/*.deb; do
  dpkg -x "$package" "$work/root"
done

if [ ! -e "$work/source/.patched" ]; then
  say "fetching the source of Kubernetes $RELEASE"
  rm -rf "$work/source" "$work/fetched"
  mkdir -p "$work/fetched"
  (cd "$work/fetched" && apt-get source -qq --download-only kubernetes >&2) || fail "no source package kubernetes"
  (cd "$work/fetched" && dpkg-source --no-check -x ./*.dsc "$work/source" >&2)
  # reflect2 1.0.1 reads maps as Go before 1.18 laid them out: the server would crash on the first custom resource.
  vendored=$work/source/vendor/github.com/modern-go/reflect2
  rm -rf "$vendored"
  cp -r "$work/root/usr/share/gocode/src/github.com/modern-go/reflect2" "$vendored"
  find "$vendored" -name '*_test.go' -delete
  # Newer Go finds an empty string equal to its type's zero value, which stands for null here.
  sed -i 's/if data == nil || reflect.DeepEqual(reflect.Zero(.*{$/if data == nil {/' \
    "$work/source/vendor/k8s.io/kube-openapi/pkg/validation/validate/type.go"
  touch "$work/source/.patched"
fi

say "building kube-apiserver; this takes some minutes of two cores (log: $work/build.log)"
cat >"$work/version" <<END
KUBE_GIT_COMMIT='debian'
KUBE_GIT_TREE_STATE='archive'
KUBE_GIT_VERSION='v$RELEASE.2'
KUBE_GIT_MAJOR='${RELEASE%%.*}'
KUBE_GIT_MINOR='${RELEASE##*.}'
END
began=$SECONDS
env -u GOFLAGS -u GOROOT -u GOPATH PATH="$work/root/usr/lib/go-1.19/bin:$PATH" GOROOT="$work/root/usr/lib/go-1.19" \
  GOCACHE="$work/gocache" GOTOOLCHAIN=local GOPROXY=off CGO_ENABLED=0 KUBE_GIT_VERSION_FILE="$work/version" \
  nice -n 15 make -C "$work/source" WHAT=cmd/kube-apiserver >"$work/build.log" 2>&1 ||
  fail "the build failed: $(tail -n 3 "$work/build.log" | tr '\n' ' ')" "read $work/build.log, then run this again"
say "built in $((SECONDS - began)) s"

mkdir -p "$ready.new"
cp "$(find "$work/source/_output" -name kube-apiserver -type f -perm -u+x | head -n 1)" "$ready.new/kube-apiserver"
cp "$work/root/usr/bin/etcd" "$ready.new/etcd"
rm -rf "$ready"
mv "$ready.new" "$ready"
chmod -R u+w "$work"
rm -rf "$work"
echo "$ready"

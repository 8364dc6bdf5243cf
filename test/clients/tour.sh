# What every tour in shell begins with: an empty folder to work in, and a tree of files whose names
# and sizes are hard on a client. The environment says where the store is (AWS_ENDPOINT_URL, keys).
set -euo pipefail
SKIPPED=77

need() { command -v "$1" >/dev/null || { echo "skipped: $1 is not installed"; exit $SKIPPED; }; }
die() { echo "FAILED: $*" >&2; exit 1; }
refused() {
  if ("$@") >refused.log 2>&1; then cat refused.log; die "this should have failed: $*"; fi
  if grep "does not end" refused.log >&2; then exit 1; fi
}
same() { diff -r "$1" "$2" >&2 || die "$1 and $2 differ"; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
unset AWS_CA_BUNDLE
export HOME=$work AWS_CONFIG_FILE=$work/none AWS_SHARED_CREDENTIALS_FILE=$work/none AWS_PAGER=
mkdir -p "tree/with space/ünï çödé 日本 🙂" tree/deep/a/b/c
: >tree/empty
echo plain >tree/plain.txt
echo odd >"tree/with space/odd + % # & = ; ' ( ) ~ ! @ \$ , : *.txt"
echo unicode >"tree/with space/ünï çödé 日本 🙂/ø.txt"
echo deep >tree/deep/a/b/c/file
head -c 21000001 /dev/urandom >tree/big.bin

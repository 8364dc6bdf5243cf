#!/usr/bin/env bash
# restic: many small packs and locks, listings by prefix, check of every byte, forget and prune.
. "$(dirname "$0")/tour.sh"
need restic
export RESTIC_REPOSITORY=s3:$AWS_ENDPOINT_URL/restic-tour/repository RESTIC_PASSWORD=tour \
  RESTIC_CACHE_DIR=$work/cache
q() { restic --quiet "$@"; }

q init
q backup tree
q check --read-data
q restore latest --target back
same tree back/tree
echo changed >>tree/plain.txt
rm tree/empty
q backup tree
[ "$(restic snapshots --json | grep -o '"short_id"' | wc -l)" = 2 ] || die "two snapshots"
restic cat config >/dev/null
restic dump latest /tree/big.bin | cmp - tree/big.bin
q forget --keep-last 1 --prune
q check --read-data
rm -r back
q restore latest --target back
same tree back/tree
RESTIC_PASSWORD=wrong refused restic snapshots

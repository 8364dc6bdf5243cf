#!/usr/bin/env bash
# Quarry's own commands. `npm test` runs this tour too.
. "$(dirname "$0")/tour.sh"
bin=$QUARRY_BIN
quarry() { timeout 20 node "$bin" "$@" || { [ $? != 124 ] || die "$* does not end"; false; }; }
b=s3://quarry-tour

quarry mb $b >/dev/null
quarry put -r tree $b/tree | grep "stored 6 files" >/dev/null || die "put -r"
quarry get -r $b/tree back >/dev/null
same tree back
[ "$(quarry ls -r --json $b/tree/ | wc -l)" = 6 ] || die "ls -r"
quarry ls $b/tree/ | grep "PRE  tree/with space/" >/dev/null || die "ls shows no folder"
quarry put tree/plain.txt $b/folder/ >/dev/null
quarry get $b/folder/plain.txt again >/dev/null
same tree/plain.txt again

# Keys that have no place of their own in a folder are named; all the others come.
quarry put tree/plain.txt $b/odd/../up >/dev/null
quarry put tree/plain.txt $b/odd//b >/dev/null
quarry put tree/big.bin $b/odd/a >/dev/null
quarry put tree/empty $b/odd/a.part >/dev/null
refused quarry get -r $b/odd odd
grep -q "odd/../up" refused.log && grep -q "odd//b" refused.log || die "$(cat refused.log)"
same tree/big.bin odd/a
same tree/empty odd/a.part
[ "$(find odd -type f | wc -l)" = 2 ] || die "get -r wrote $(find odd)"
[ ! -e up ] || die "get -r left its folder"

# A key that is also a folder: said at once, and no pieces are left behind.
quarry put tree/plain.txt $b/both >/dev/null
quarry put tree/plain.txt $b/both/x >/dev/null
quarry get $b/both both >/dev/null
refused quarry get $b/both/x both/x
grep -q "a file is where a folder is needed" refused.log || die "$(cat refused.log)"
[ -z "$(find . -name 'quarry-*.part')" ] || die "a failed get left $(find . -name '*.part')"
refused quarry get -r --parallel many $b/odd never
refused quarry mb $b/key

# A folder is no prefix: what only begins alike stays.
quarry put tree/plain.txt $b/folder2 >/dev/null
quarry rm -r $b/folder >/dev/null
quarry ls $b/folder2 | grep folder2 >/dev/null || die "rm -r took a neighbour"
quarry rm $b/tree/plain.txt >/dev/null
refused quarry get $b/tree/plain.txt nothing
[ ! -e nothing ] || die "a failed get left a file"
quarry undelete $b/tree/plain.txt >/dev/null
quarry get $b/tree/plain.txt undeleted >/dev/null
same tree/plain.txt undeleted
quarry rm -r $b >/dev/null
[ -z "$(quarry ls -r $b)" ] || die "rm -r left something"

#!/usr/bin/env bash
# Quarry's own commands. `npm test` runs this tour too.
. "$(dirname "$0")/tour.sh"
bin=$QUARRY_BIN
quarry() { timeout 60 node "$bin" "$@" || { [ $? != 124 ] || die "$* does not end"; false; }; }
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

# Streams, ranges, and what is known of an object.
head -c 9000000 tree/big.bin | quarry put - $b/streamed >/dev/null
quarry get $b/streamed - | cmp - <(head -c 9000000 tree/big.bin) || die "get -"
quarry cat --range 1000000-1000076 $b/tree/big.bin | cmp - <(tail -c +1000001 tree/big.bin | head -c 77)
quarry cat --range -5 $b/tree/big.bin | cmp - <(tail -c 5 tree/big.bin)
quarry put - $b/nothing </dev/null >/dev/null
[ "$(quarry cat $b/nothing | wc -c)" = 0 ] || die "an empty stream"
quarry put --metadata colour=blue --content-type text/x-tour tree/plain.txt $b/described >/dev/null
quarry stat $b/described >stat.log
grep -q "colour *blue" stat.log && grep -q "text/x-tour" stat.log || die "$(cat stat.log)"
quarry stat --json $b/described | grep '"ChecksumCRC32C":' >/dev/null || die "stat --json"
[ "$(quarry du --bytes --json -d 1 $b/odd | wc -l)" = 2 ] || die "du: $(quarry du -d 1 $b/odd)"
curl --version >/dev/null 2>&1 && {
  curl -sf "$(quarry presign $b/described)" | cmp - tree/plain.txt || die "presign"
  curl -sf -T tree/plain.txt "$(quarry presign --method PUT --expires 1m $b/signed)"
  quarry cat $b/signed | cmp - tree/plain.txt || die "presign --method PUT"
}

# sync: nothing the second time; both ways; only with --delete something goes.
quarry sync tree $b/sync | grep "synced 6 files" >/dev/null || die sync
quarry sync tree $b/sync | grep "synced 0 files" >/dev/null || die "the second sync had something to do"
quarry sync --checksum tree $b/sync | grep "synced 0 files" >/dev/null || die "sync --checksum"
echo changed and longer >tree/plain.txt
rm tree/empty
[ "$(quarry sync --delete --dry-run tree $b/sync | grep -c '^would \(store\|delete\)')" = 2 ] || die "sync --dry-run"
quarry sync tree $b/sync >/dev/null
quarry stat $b/sync/empty >/dev/null || die "sync without --delete deleted"
quarry sync --delete tree $b/sync >/dev/null
refused quarry stat $b/sync/empty
echo other >back/only-here
quarry sync --delete --exclude only-here $b/sync back >/dev/null
[ -e back/only-here ] || die "sync --exclude deleted what it should not see"
quarry sync --delete $b/sync back >/dev/null
same tree back
quarry sync $b/sync back | grep "synced 0 files" >/dev/null || die "the second sync down"

# Moves and copies.
cp tree/plain.txt moving
quarry mv moving $b/moved >/dev/null
[ ! -e moving ] || die "mv left its source"
quarry mv $b/moved moving >/dev/null
same moving tree/plain.txt
refused quarry stat $b/moved
quarry cp moving $b/cp/ >/dev/null
quarry cp $b/cp/moving cp-back >/dev/null
same moving cp-back
quarry cp $b/cp/moving $b/cp/second >/dev/null
quarry cat $b/cp/second | cmp - moving
quarry cp -r $b/cp $b/cp2 >/dev/null
quarry mv $b/cp2/moving $b/cp2/third >/dev/null
[ "$(quarry ls -r $b/cp2/ | wc -l)" = 2 ] || die "cp -r and mv: $(quarry ls -r $b/cp2/)"
quarry sync --delete $b/cp $b/cp2 >/dev/null
[ "$(quarry ls -r $b/cp2/ | grep -c third)" = 0 ] || die "sync within the store"
refused quarry cp -r $b/cp $b/cp/below

# Versions: older ones are read, listed and deleted by their ids.
v=s3://quarry-tour-versions
quarry mb --versioning $v >/dev/null
echo one | quarry put - $v/doc >/dev/null
echo two | quarry put - $v/doc >/dev/null
quarry rm $v/doc >/dev/null
[ "$(quarry ls --versions $v | wc -l)" = 3 ] || die "ls --versions: $(quarry ls --versions $v)"
first=$(quarry ls --versions --json $v/doc | tail -1 | sed 's/.*"versionId":"\([^"]*\)".*/\1/')
[ "$(quarry cat --version-id "$first" $v/doc)" = one ] || die "cat --version-id"
quarry cp --version-id "$first" $v/doc $v/doc >/dev/null
[ "$(quarry cat $v/doc)" = one ] || die "cp --version-id brings an old version back"
quarry rm -r --versions $v | grep "deleted 4 versions" >/dev/null || die "rm --versions"
echo three | quarry put - $v/doc >/dev/null
quarry rb --force $v >/dev/null

# Names that are hard: on the terminal, on the disk, and behind links.
quarry put moving "$b/hard/line
end" >/dev/null
quarry ls "$b/hard/" | grep 'line\\x0aend' >/dev/null || die "ls of a line end"
quarry put moving $b/hard/link/inside >/dev/null
quarry put moving $b/hard/file >/dev/null
quarry put moving $b/hard/file/below >/dev/null
quarry put moving $b/hard/$(printf 'n%.0s' {1..300}) >/dev/null
mkdir hard outside
ln -s ../outside hard/link
refused quarry get -r $b/hard hard
grep -q "outside" refused.log && grep -q "longer than this disk takes" refused.log || die "$(cat refused.log)"
[ -z "$(ls outside)" ] || die "get -r went through a link"
[ -e "hard/line
end" ] || die "get -r: no line end"
[ -z "$(find . -name '.quarry-*')" ] || die "get -r left $(find . -name '.quarry-*')"

# Exit codes and words.
code() { local want=$1; shift; local got=0; "$@" >code.log 2>&1 || got=$?; [ $got = "$want" ] || die "$* ended with $got, not $want: $(cat code.log)"; }
q() { timeout 60 node "$bin" "$@"; }
code 2 q frobnicate
code 2 q get moving moving
code 3 q ls --secret-key wrong $b
code 4 q get $b/none none
code 4 q ls s3://quarry-none
code 5 q ls --endpoint http://127.0.0.1:1
code 6 q get $b/described /dev/full
code 0 q get $b/described /dev/null
[ -c /dev/null ] || die "get replaced /dev/null"
code 4 q get --json $b/none none
grep -q '^{"error":"No' code.log || die "get --json of nothing: $(cat code.log)"

# What was begun elsewhere and never finished goes with the bucket.
refused quarry rb $b
quarry rm -r --exclude '*' --include '*/x' $b >/dev/null
refused quarry stat $b/both/x
quarry stat $b/both >/dev/null || die "rm --exclude"
quarry rm -r $b/tree >/dev/null
[ -z "$(quarry ls -r $b/tree/)" ] || die "rm -r left something"
quarry rb --force $b | grep "removed s3://quarry-tour" >/dev/null || die "rb --force"
refused quarry ls $b

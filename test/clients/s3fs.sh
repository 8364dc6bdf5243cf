#!/usr/bin/env bash
# s3fs: a bucket as a folder. Copies onto themselves for modes and times, renames, parts by copy.
. "$(dirname "$0")/tour.sh"
need s3fs
[ -w /dev/fuse ] || { echo "skipped: this machine has no FUSE"; exit $SKIPPED; }
export AWSACCESSKEYID=$AWS_ACCESS_KEY_ID AWSSECRETACCESSKEY=$AWS_SECRET_ACCESS_KEY
mkdir mounted
mounts() {
  s3fs s3fs-tour mounted -o url="$AWS_ENDPOINT_URL" -o use_path_request_style -o sigv4 \
    -o endpoint=us-east-1 -o retries=2 -o multipart_size=5 -o singlepart_copy_limit=10 "$@"
}
unmounts() { fusermount -u mounted || umount mounted; }
trap 'unmounts 2>/dev/null || true; rm -rf "$work"' EXIT

node "$QUARRY_BIN" mb s3://s3fs-tour >/dev/null
mounts
cp -r tree mounted/tree
same tree mounted/tree
chmod 600 mounted/tree/plain.txt
[ "$(stat -c %a mounted/tree/plain.txt)" = 600 ] || die "chmod"
touch -d 2020-02-02T02:02:02Z mounted/tree/plain.txt
mv mounted/tree/big.bin mounted/tree/moved.bin
mv mounted/tree/deep mounted/tree/down
echo appended >>mounted/tree/plain.txt
truncate -s 6000000 mounted/tree/moved.bin
ln -s plain.txt mounted/tree/link
unmounts
mounts
[ "$(stat -c %Y mounted/tree/plain.txt)" -gt 1580608922 ] || die "the time of the last change"
[ "$(cat mounted/tree/link)" = "$(printf 'plain\nappended')" ] || die "append, or the link"
cmp mounted/tree/moved.bin <(head -c 6000000 tree/big.bin) || die "rename and truncate"
[ "$(cat mounted/tree/down/a/b/c/file)" = deep ] || die "a folder renamed"
dd if=/dev/urandom of=patch bs=4096 count=1 status=none
dd if=patch of=mounted/tree/moved.bin bs=4096 seek=700 conv=notrunc status=none
head -c 6000000 tree/big.bin >model
dd if=patch of=model bs=4096 seek=700 conv=notrunc status=none
unmounts
mounts
cmp mounted/tree/moved.bin model || die "a write in the middle"
rm -r mounted/tree
[ -z "$(ls mounted)" ] || die "rm -r"
unmounts

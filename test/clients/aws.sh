#!/usr/bin/env bash
# The aws cli: trees, sync, listings, deletes, presigned addresses, metadata, conditions, ranges.
. "$(dirname "$0")/tour.sh"
need aws
b=s3://aws-tour
printf '[default]\ns3 =\n  signature_version = s3v4\n' >"$AWS_CONFIG_FILE"
say() { aws "$@" --only-show-errors; }

aws s3 mb $b >/dev/null
say s3 cp --recursive tree $b/tree
[ -z "$(aws s3 sync tree $b/tree)" ] || die "the second sync had something to do"
say s3 cp --recursive $b/tree back
same tree back
[ "$(aws s3 ls --recursive $b/tree/ | wc -l)" = "$(find tree -type f | wc -l)" ] || die "ls -r"
aws s3 ls $b/tree/ | grep "PRE with space/" >/dev/null || die "ls shows no folder"
aws s3 ls $b/tree/ | grep "21000001 big.bin" >/dev/null || die "ls shows no size"

echo changed >>tree/plain.txt
rm tree/empty
[ "$(aws s3 sync --delete tree $b/tree | grep -c -e upload: -e delete:)" = 2 ] || die "sync --delete"
rm -r back
say s3 sync $b/tree back
same tree back

echo streamed | say s3 cp - $b/streamed
[ "$(aws s3 cp $b/streamed -)" = streamed ] || die "streams"
url=$(aws s3 presign $b/tree/big.bin --expires-in 60)
[[ $url == *X-Amz-Signature* ]] || die "not signed with version 4: $url"
curl -sf "$url" | cmp - tree/big.bin
refused curl -sf "${url%?}0x"

at="--bucket aws-tour --key about"
api() { aws s3api "$@"; }
api put-object $at --body tree/plain.txt --content-type text/x-tour --cache-control max-age=5 \
  --content-disposition 'attachment; filename="a b"' --metadata colour=green,size=5 \
  --checksum-algorithm SHA256 >/dev/null
head=$(api head-object $at --checksum-mode ENABLED)
for part in text/x-tour max-age=5 'filename=\\"a b\\"' '"size": "5"' ChecksumSHA256; do
  grep -q -e "$part" <<<"$head" || die "head-object has no $part: $head"
done
api get-object $at --range bytes=2-4 range >/dev/null
[ "$(cat range)" = ain ] || die "range: $(cat range)"
refused api put-object $at --body tree/plain.txt --if-none-match '*'
grep -q PreconditionFailed refused.log || die "the wrong error: $(cat refused.log)"
refused api get-object $at --if-match '"0"' nothing

refused aws s3 rb $b
say s3 rm --recursive $b
[ -z "$(aws s3 ls --recursive $b)" ] || die "rm --recursive left something"
aws s3 rb $b >/dev/null
refused aws s3 ls $b

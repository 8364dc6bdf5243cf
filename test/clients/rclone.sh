#!/usr/bin/env bash
# rclone: parallel parts, times in metadata, check by hash, streams of unknown length.
. "$(dirname "$0")/tour.sh"
need rclone
export RCLONE_CONFIG=/dev/null RCLONE_CONFIG_Q_TYPE=s3 RCLONE_CONFIG_Q_PROVIDER=Other \
  RCLONE_CONFIG_Q_ENDPOINT=$AWS_ENDPOINT_URL RCLONE_CONFIG_Q_REGION=us-east-1 \
  RCLONE_CONFIG_Q_ACCESS_KEY_ID=$AWS_ACCESS_KEY_ID \
  RCLONE_CONFIG_Q_SECRET_ACCESS_KEY=$AWS_SECRET_ACCESS_KEY \
  RCLONE_S3_UPLOAD_CUTOFF=5M RCLONE_S3_CHUNK_SIZE=5M RCLONE_RETRIES=1 RCLONE_LOW_LEVEL_RETRIES=1
b=q:rclone-tour

rclone mkdir $b
rclone copy tree $b/tree
rclone check tree $b/tree 2>check.log || die "$(cat check.log)"
rclone copy -v tree $b/tree 2>again.log
grep -q "There was nothing to transfer" again.log || die "the second copy: $(cat again.log)"
rclone copy $b/tree back
same tree back
[ "$(rclone lsf -R --files-only $b/tree | wc -l)" = "$(find tree -type f | wc -l)" ] || die lsf
echo changed >>tree/plain.txt
rm tree/empty
rclone sync tree $b/tree
rclone sync $b/tree back
same tree back
head -c 12000000 tree/big.bin | rclone rcat $b/streamed
rclone cat $b/streamed | cmp - <(head -c 12000000 tree/big.bin)
rclone cat --offset 1000000 --count 77 $b/tree/big.bin | cmp - <(tail -c +1000001 tree/big.bin | head -c 77)
rclone size $b --json | grep '"count":' >/dev/null || die size

# Within the store: nothing passes through here, large objects go by parts.
RCLONE_S3_COPY_CUTOFF=5M rclone copy -v $b/tree $b/copied 2>copied.log
grep -q "big.bin: Copied (server-side copy)" copied.log || die "the copy: $(cat copied.log)"
rclone move $b/copied $b/moved
rclone check tree $b/moved 2>check.log || die "$(cat check.log)"
[ -z "$(rclone lsf $b/copied)" ] || die "move left something"
url=$(rclone link --expire 1m $b/moved/plain.txt)
curl -sf "$url" | cmp - tree/plain.txt || die "link"

refused rclone rmdir $b
rclone delete $b
rclone rmdir $b

# Older versions as files beside the newest.
v=q:rclone-versions
node "$QUARRY_BIN" mb --versioning s3://rclone-versions >/dev/null
for text in one two; do echo $text | rclone rcat $v/text; done
rclone deletefile $v/text
[ -z "$(rclone lsf $v)" ] || die "a deleted file is listed"
[ "$(rclone lsf --s3-versions $v | wc -l)" = 2 ] || die "versions: $(rclone lsf --s3-versions $v)"
[ "$(rclone cat --s3-versions $v | sort | xargs)" = "one two" ] || die "the content of versions"
rclone backend cleanup-hidden $v
[ -z "$(rclone lsf --s3-versions $v)" ] || die cleanup-hidden
rclone rmdir $v

#!/usr/bin/env bash
# s3cmd: its own signer, MD5 sync, parts of 5 MiB.
. "$(dirname "$0")/tour.sh"
need s3cmd
b=s3://s3cmd-tour
host=${AWS_ENDPOINT_URL#http://}
s3() {
  s3cmd --config /dev/null --no-progress --no-ssl --host "$host" --host-bucket "$host" --region us-east-1 \
    --access_key "$AWS_ACCESS_KEY_ID" --secret_key "$AWS_SECRET_ACCESS_KEY" \
    --multipart-chunk-size-mb 5 "$@"
}

s3 mb $b >/dev/null
s3 put --recursive tree/ $b/tree/ >/dev/null
[ -z "$(s3 sync tree/ $b/tree/)" ] || die "the second sync had something to do"
mkdir back
s3 get --recursive $b/tree/ back/ >/dev/null
same tree back
[ "$(s3 ls --recursive $b/tree/ | wc -l)" = "$(find tree -type f | wc -l)" ] || die "ls --recursive"
s3 ls $b/tree/ | grep "DIR .*with space/" >/dev/null || die "ls shows no folder"
echo changed >>tree/plain.txt
rm tree/empty
s3 sync --delete-removed tree/ $b/tree/ >/dev/null
rm -r back && mkdir back
s3 sync $b/tree/ back/ >/dev/null
same tree back
s3 info $b/tree/plain.txt | grep "MIME type" >/dev/null || die "info"

# Within the store, with what belongs to an object.
s3 cp $b/tree/big.bin $b/copied >/dev/null
s3 mv $b/copied $b/moved >/dev/null
s3 get $b/moved moved >/dev/null
cmp moved tree/big.bin || die "cp and mv"
refused s3 get $b/copied
refused curl -sf "$AWS_ENDPOINT_URL/s3cmd-tour/moved"
s3 setacl --acl-public $b/moved >/dev/null
curl -sf "$AWS_ENDPOINT_URL/s3cmd-tour/moved" | cmp - tree/big.bin || die "setacl --acl-public"
s3 setacl --acl-private $b/moved >/dev/null
refused curl -sf "$AWS_ENDPOINT_URL/s3cmd-tour/moved"
s3 modify --add-header=x-amz-meta-colour:blue $b/moved >/dev/null
s3 settagging $b/moved "team=a" >/dev/null
s3 info $b/moved | grep "x-amz-meta-colour: blue" >/dev/null || die "modify: $(s3 info $b/moved)"
s3 gettagging $b/moved | grep team >/dev/null || die "gettagging"
refused s3 get $b/nothing
refused s3 rb $b
s3 del --recursive --force $b >/dev/null
s3 rb $b >/dev/null

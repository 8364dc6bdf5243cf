#!/usr/bin/env bash
# The aws cli's s3api: copies, parts by copy, versions, tags, CORS, ACLs, attributes, users' keys.
. "$(dirname "$0")/tour.sh"
need aws
printf '[default]\ns3 =\n  signature_version = s3v4\n' >"$AWS_CONFIG_FILE"
B=aws-verbs
api() { local verb=$1; shift; aws s3api "$verb" --bucket $B --output text "$@"; }
cat_of() { aws s3 cp "s3://$B/$1" -; }

aws s3 mb s3://$B >/dev/null
aws s3 cp tree/big.bin s3://$B/source --only-show-errors
api copy-object --key copy --copy-source $B/source >/dev/null
cat_of copy | cmp - tree/big.bin || die copy-object
aws s3 mv s3://$B/copy s3://$B/moved --only-show-errors
cat_of moved | cmp - tree/big.bin || die "s3 mv in the store"
refused cat_of copy

upload=$(api create-multipart-upload --key joined --query UploadId)
copy_part() {
  api upload-part-copy --key joined --upload-id "$upload" --part-number "$1" \
    --copy-source $B/source --copy-source-range "bytes=$2" --query CopyPartResult.ETag
}
first=$(copy_part 1 10000000-20999999)
second=$(copy_part 2 0-77)
[ "$(api list-parts --key joined --upload-id "$upload" --query 'length(Parts)')" = 2 ] || die list-parts
api list-multipart-uploads --query 'Uploads[].Key' | grep joined >/dev/null || die list-multipart-uploads
parts="{\"Parts\":[{\"PartNumber\":1,\"ETag\":$first},{\"PartNumber\":2,\"ETag\":$second}]}"
api complete-multipart-upload --key joined --upload-id "$upload" --multipart-upload "$parts" >/dev/null
cat_of joined | cmp - <(tail -c +10000001 tree/big.bin | head -c 11000000; head -c 78 tree/big.bin) ||
  die upload-part-copy
[ "$(api get-object-attributes --key joined --object-attributes ObjectParts ObjectSize \
  --query '[ObjectSize,ObjectParts.TotalPartsCount]' | xargs)" = "11000078 2" ] || die get-object-attributes
[ "$(api head-object --key joined --part-number 2 --query ContentLength)" = 78 ] || die "head of a part"

api put-bucket-versioning --versioning-configuration Status=Enabled
[ "$(api get-bucket-versioning --query Status)" = Enabled ] || die get-bucket-versioning
for text in one two; do echo $text | aws s3 cp - s3://$B/text --only-show-errors; done
aws s3 rm s3://$B/text >/dev/null
refused cat_of text
versions() { api list-object-versions --prefix text --query "$1"; }
[ "$(versions '[length(Versions),length(DeleteMarkers)]' | xargs)" = "2 1" ] || die list-object-versions
api get-object --key text --version-id "$(versions 'Versions[1].VersionId')" old >/dev/null
[ "$(cat old)" = one ] || die "an older version: $(cat old)"
api copy-object --key text --copy-source "$B/text?versionId=$(versions 'Versions[1].VersionId')" >/dev/null
[ "$(cat_of text)" = one ] || die "an older version copied over the newest"
api delete-object --key text --version-id "$(versions 'Versions[0].VersionId')" >/dev/null
refused cat_of text
api delete-object --key text --version-id "$(versions 'DeleteMarkers[0].VersionId')" >/dev/null
[ "$(cat_of text)" = two ] || die "the delete marker removed: $(cat_of text)"

api put-object-tagging --key text --tagging 'TagSet=[{Key=colour,Value=dark green}]' >/dev/null
[ "$(api get-object-tagging --key text --query 'TagSet[].Value')" = "dark green" ] || die object-tagging
api put-bucket-tagging --tagging 'TagSet=[{Key=team,Value=a}]'
[ "$(api get-bucket-tagging --query 'TagSet[].Value')" = a ] || die bucket-tagging
api delete-bucket-tagging
refused api get-bucket-tagging

api put-bucket-cors --cors-configuration '{"CORSRules":[{"AllowedOrigins":["https://*.example.com"],
  "AllowedMethods":["PUT"],"AllowedHeaders":["*"],"MaxAgeSeconds":60}]}'
preflight() {
  curl -s -o /dev/null -w '%{http_code}' -X OPTIONS -H "Origin: $1" \
    -H 'Access-Control-Request-Method: PUT' "$AWS_ENDPOINT_URL/$B/text"
}
[ "$(preflight https://a.example.com)" = 200 ] || die "a preflight that is granted"
[ "$(preflight https://example.org)" = 403 ] || die "a preflight that is not"
api delete-bucket-cors
refused api get-bucket-cors

refused curl -sf "$AWS_ENDPOINT_URL/$B/text"
api put-object-acl --key text --acl public-read >/dev/null
[ "$(curl -sf "$AWS_ENDPOINT_URL/$B/text")" = two ] || die "public-read"
api get-object-acl --key text | grep AllUsers >/dev/null || die get-object-acl
api put-object-acl --key text --acl private >/dev/null
refused curl -sf "$AWS_ENDPOINT_URL/$B/text"

refused aws s3 rb s3://$B
node "$QUARRY_BIN" rb --force s3://$B >/dev/null

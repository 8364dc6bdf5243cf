#!/bin/sh
# Backs a folder up into a bucket with the aws cli, so that every earlier state can be had again.
#
#   set -a; . ./data/root-credentials; set +a # endpoint and keys, from where `quarry serve` runs
#   examples/backup.sh save ~/documents documents
#   examples/backup.sh list documents
#   examples/backup.sh restore documents ~/as-it-is-now
#   examples/backup.sh restore documents ~/as-it-was 2026-11-21T12:00:00Z
set -eu

save() { # FOLDER BUCKET
  aws s3api head-bucket --bucket "$2" 2>/dev/null || aws s3 mb "s3://$2"
  # What is overwritten or deleted stays as an earlier version.
  aws s3api put-bucket-versioning --bucket "$2" --versioning-configuration Status=Enabled
  aws s3 sync --only-show-errors --delete "$1" "s3://$2"
  # A second look finds nothing to do, or the backup is not the folder.
  left=$(aws s3 sync --delete --dryrun "$1" "s3://$2")
  [ -z "$left" ] || { echo "changed while it was backed up, run again: $left" >&2; exit 1; }
  echo "saved $1 at $(date -u +%Y-%m-%dT%H:%M:%SZ)"
}

restore() { # BUCKET FOLDER [TIME]
  [ $# -eq 3 ] || { aws s3 sync --only-show-errors "s3://$1" "$2"; return; }
  # Of each key the newest version that is not after TIME; a delete marker says that it was gone by then.
  aws s3api list-object-versions --bucket "$1" --output text --query "
    [Versions[?LastModified<='$3'].[Key, LastModified, VersionId], DeleteMarkers[?LastModified<='$3'].[Key, LastModified, 'gone']][] | [?@]" |
    LC_ALL=C sort -t "$(printf '\t')" -k1,1 -k2,2r | awk -F '\t' '$1 != last { print; last = $1 }' |
    while IFS="$(printf '\t')" read -r key _ version; do
      [ "$version" != gone ] || continue
      mkdir -p "$2/$(dirname "$key")"
      aws s3api get-object --bucket "$1" --key "$key" --version-id "$version" "$2/$key" >/dev/null
    done
}

case "${1:-}$#" in
  save3) save "$2" "$3" ;;
  list2) aws s3 ls --recursive --human-readable --summarize "s3://$2" ;;
  restore3 | restore4) shift && restore "$@" ;;
  *) sed -n '2,8s/^# \{0,1\}//p' "$0" && exit 2 ;;
esac

#!/usr/bin/env bash
# FastDFS' own tools, unmodified, against the tracker and storage ports: every one of them, with what it
# brought or said compared. They are found on the PATH; FDFS_TOOLS names another folder.
. "$(dirname "$0")/tour.sh"
PATH=${FDFS_TOOLS:-$PATH}:$PATH
need fdfs_upload_file

conf=$work/client.conf
printf '%s\n' "base_path = $work" "tracker_server = $FASTDFS_TRACKER" >"$conf"
passed=0 total=0
check() { # name, command …
  total=$((total + 1))
  if (shift; "$@") >check.log 2>&1; then passed=$((passed + 1)); else
    echo "not passed: $1" >&2
    tail -n 20 check.log >&2
  fi
}
says() { local wanted=$1; shift; "$@" >said.log 2>&1; grep -qF -- "$wanted" said.log || { cat said.log; false; }; }
fails() { local code=$1; shift; local got=0; "$@" || got=$?; [ "$got" = "$code" ]; }
id() { sed -n 's/.*\(group1\/M00\/[^ ]*\).*/\1/p' | tail -n 1; }
reads() { rm -f got; fdfs_download_file "$conf" "$1" got && cmp got "$2"; }
size() { says "file size: $2" fdfs_file_info "$conf" "$1"; }
crc() { says "$(fdfs_crc32 "$2")" fdfs_file_info "$conf" "$1"; }

big=tree/big.bin
head -c 5000 $big >small.bin
: >nothing.bin

# Files.
big_id=$(fdfs_upload_file "$conf" $big | id)
check "upload and download of 21 MB" reads "$big_id" $big
check "the name tells size" size "$big_id" 21000001
check "the name tells CRC32, as fdfs_crc32 computes it" crc "$big_id" $big
part() { fdfs_download_file "$conf" "$big_id" part 1000000 7000; cmp part <(tail -c +1000001 $big | head -c 7000); }
check "download from an offset" part
check "the extension is kept" grep -q '\.bin$' <<<"$big_id"
to_storage() { local one; one=$(fdfs_upload_file "$conf" small.bin "$FASTDFS_STORAGE" | id); reads "$one" small.bin; }
check "upload to a named storage" to_storage
empty() { local one; one=$(fdfs_upload_file "$conf" nothing.bin | id); size "$one" 0; }
check "an empty file" empty
check "delete" fdfs_delete_file "$conf" "$big_id"
check "a file that is gone is not there (2)" fails 2 fdfs_delete_file "$conf" "$big_id"
check "… nor can it be read (2)" says "error no: 2" fdfs_download_file "$conf" "$big_id" gone

# Appender files.
log_id=$(fdfs_upload_appender "$conf" small.bin | id)
check "upload of an appender" reads "$log_id" small.bin
cat small.bin $big >joined.bin
append() { fdfs_append_file "$conf" "$log_id" $big && reads "$log_id" joined.bin; }
check "append" append
check "an appender's size comes from the storage" size "$log_id" 21005001
check "an appender's CRC32 is computed" crc "$log_id" joined.bin
normal_id=$(fdfs_regenerate_filename "$conf" "$log_id" | id)
check "an appender made a normal file" reads "$normal_id" joined.bin
check "… whose name tells size" size "$normal_id" 21005001
check "… and CRC32" crc "$normal_id" joined.bin
check "… and whose old name is gone (2)" says "error no: 2" fdfs_file_info "$conf" "$log_id"
check "a normal file takes no append (22)" fails 22 fdfs_append_file "$conf" "$normal_id" small.bin

# FastDFS' own test programs: upload, slaves, truncate, append, modify, by name and by id.
for how in FILE BUFF CALLBACK; do
  check "fdfs_test upload $how" says "storage_upload_slave_by" fdfs_test "$conf" upload small.bin $how
  check "fdfs_test1 upload $how" says "storage_upload_slave_by" fdfs_test1 "$conf" upload small.bin $how
  check "fdfs_appender_test $how" says "file size=12500" fdfs_appender_test "$conf" small.bin $how
  check "fdfs_appender_test1 $how" says "file size=10000" fdfs_appender_test1 "$conf" small.bin $how
done

# What the tracker and the storage say of a file, and its metadata.
file_id=$(fdfs_upload_file "$conf" small.bin | id)
key=${file_id#group1/}
on() { local what=$1; shift; fdfs_test "$conf" "$what" group1 "$key" "$@"; }
check "servers that have a file" says "$FASTDFS_STORAGE" on query_servers
check "download by group and name" says "file size=5000" on download got.bin
check "metadata set" says "set meta data success" on setmeta O "width=160,height=80"
check "metadata read" says "width=160" on getmeta
check "metadata merged" says "set meta data success" on setmeta M "width=200,title=x"
check "… takes the place of what has its name" says "width=200" on getmeta
check "… and leaves the rest" says "height=80" on getmeta
check "metadata overwritten" says "set meta data success" on setmeta O "a=b"
check "… is all that there is" says "meta count=1" on getmeta
check "delete by group and name" says "delete file success" on delete
check "metadata of what is gone" says "error no: 2" on getmeta

# Monitors.
check "fdfs_monitor" says "ACTIVE" fdfs_monitor "$conf"
check "fdfs_monitor of one group" says "storage server count = 1" fdfs_monitor "$conf" list group1
check "fdfs_tracker_stat" says "is_leader: 1" fdfs_tracker_stat -c "$conf"
check "fdfs_storage_stat" says "ACTIVE" fdfs_storage_stat -c "$conf"
check "fdfs_volumn_stat" says "disk_available: 1" fdfs_volumn_stat -c "$conf"

# What it stored is there for other faces, too.
over_http() { curl -sf -o got.http "$FASTDFS_URL/$normal_id" && cmp got.http joined.bin; }
if command -v curl >/dev/null; then check "the same file over HTTP" over_http; fi

echo "FastDFS tools: $passed of $total passed"
[ "$passed" = "$total" ]

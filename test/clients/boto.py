"""boto3: transfer manager, streams, conditions, paginators, parts by hand, checksums, every character."""

import hashlib
import io
import os
import sys

try:
    import boto3
    from boto3.s3.transfer import TransferConfig
    from botocore.awsrequest import AWSRequest
    from botocore.client import Config
    from botocore.exceptions import ClientError
    from botocore.httpsession import URLLib3Session
    from urllib3.filepost import encode_multipart_formdata
except ImportError:
    print("skipped: boto3 is not installed")
    sys.exit(77)

os.environ.pop("AWS_CA_BUNDLE", None)
s3 = boto3.client("s3", config=Config(signature_version="s3v4", retries={"max_attempts": 1}))
B = "boto3-tour"
MIB = 1024 * 1024


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        found = error.response["Error"]["Code"]
        assert found == code, f"{found} instead of {code}: {error}"
        return error.response
    raise AssertionError(f"{call.__name__} should have failed with {code}")


def put(key, body=b"", **more):
    return s3.put_object(Bucket=B, Key=key, Body=body, **more)


def get(key, **more):
    return s3.get_object(Bucket=B, Key=key, **more)


def keys(method="list_objects_v2", **more):
    pages = s3.get_paginator(method).paginate(Bucket=B, **more)
    return [one["Key"] for page in pages for one in page.get("Contents", [])]


def transfers():
    content = os.urandom(20 * MIB + 7)
    config = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)
    s3.upload_fileobj(io.BytesIO(content), B, "big", Config=config)
    back = io.BytesIO()
    s3.download_fileobj(B, "big", back, Config=config)
    assert back.getvalue() == content
    body = get("big")["Body"]
    digest = hashlib.sha256()
    for view in body.iter_chunks(65_537):
        digest.update(view)
    assert digest.digest() == hashlib.sha256(content).digest()
    assert get("big", Range="bytes=5242879-5242881")["Body"].read() == content[5242879:5242882]
    assert get("big", Range="bytes=-3")["Body"].read() == content[-3:]
    refused("InvalidRange", get, key="big", Range="bytes=99999999-")


def conditions():
    etag = put("c", b"one")["ETag"]
    refused("PreconditionFailed", put, key="c", body=b"two", IfNoneMatch="*")
    refused("PreconditionFailed", put, key="c", body=b"two", IfMatch='"0"')
    put("c", b"two", IfMatch=etag)
    put("new", b"", IfNoneMatch="*")
    head = s3.head_object(Bucket=B, Key="c")
    refused("PreconditionFailed", get, key="c", IfMatch=etag)
    refused("304", get, key="c", IfNoneMatch=head["ETag"])
    refused("304", get, key="c", IfModifiedSince=head["LastModified"])
    refused("PreconditionFailed", get, key="c", IfUnmodifiedSince="2001-01-01T00:00:00Z")


def descriptions():
    sent = {
        "ContentType": "text/x-tour",
        "CacheControl": "no-cache",
        "ContentDisposition": 'inline; filename="a"',
        "ContentEncoding": "x-own",
        "ContentLanguage": "de",
        "Metadata": {"a": "1", "under_score": "b  c"},
    }
    put("described", b"", **sent)
    found = s3.head_object(Bucket=B, Key="described")
    assert {name: found[name] for name in sent} == sent, found
    assert found["ContentLength"] == 0 and found["ETag"] == '"d41d8cd98f00b204e9800998ecf8427e"'
    assert get("described", ResponseContentType="text/y")["ContentType"] == "text/y"
    for algorithm in ("CRC32", "SHA1", "SHA256"):
        name = f"Checksum{algorithm}"
        summed = put("summed", b"abc", ChecksumAlgorithm=algorithm)[name]
        assert get("summed", ChecksumMode="ENABLED")[name] == summed
    refused("BadDigest", put, key="x", body=b"abc", ChecksumCRC32="AAAAAA==")
    refused("BadDigest", put, key="x", body=b"abc", ContentMD5="AAAAAAAAAAAAAAAAAAAAAA==")
    refused("NoSuchKey", get, key="x")


def strange_keys():
    # XML 1.0 has no way to say most control characters: they are listed with encoding-type=url.
    alphabet = [chr(code) for code in range(1, 0x100)] + ["日", "🙂", "\ufffd", "e\u0301"]
    strange = [f"every/{one}" for one in alphabet]
    strange += ["every/" + path for path in ("..", "../x", "a//b", "//", "%2F", "%", "a?b=c&d")]
    strange += ["every/" + "k" * 1018, "every/ lead", "every/trail ", "every/+", "every/a\\b"]
    strange = sorted(set(strange), key=lambda key: key.encode())
    for number, key in enumerate(strange):
        put(key, str(number).encode())
    for number, key in enumerate(strange):
        assert get(key)["Body"].read() == str(number).encode(), repr(key)
    assert keys(Prefix="every/") == strange
    refused("KeyTooLongError", put, key="k" * 1025)
    for key in strange:
        s3.delete_object(Bucket=B, Key=key)
    assert keys(Prefix="every/") == []


def listings():
    names = [f"list/{folder}/{number:03}" for folder in "abc" for number in range(40)]
    for name in names:
        put(name)
    for method in ("list_objects", "list_objects_v2"):
        assert keys(method, Prefix="list/", PaginationConfig={"PageSize": 7}) == names
        pages = s3.get_paginator(method).paginate(
            Bucket=B, Prefix="list/", Delimiter="/", PaginationConfig={"PageSize": 2}
        )
        folders = [one["Prefix"] for page in pages for one in page.get("CommonPrefixes", [])]
        assert folders == ["list/a/", "list/b/", "list/c/"], folders
    assert keys(Prefix="list/", StartAfter="list/c/038") == ["list/c/039"]
    s3.delete_objects(Bucket=B, Delete={"Objects": [{"Key": name} for name in names]})
    assert keys(Prefix="list/") == []


def parts_by_hand():
    def start(key):
        return {"Bucket": B, "Key": key, "UploadId": s3.create_multipart_upload(Bucket=B, Key=key)["UploadId"]}

    def send(upload, number, body):
        return {"PartNumber": number, "ETag": s3.upload_part(**upload, PartNumber=number, Body=body)["ETag"]}

    def complete(parts):
        return s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})

    upload = start("parts")
    first, second = os.urandom(5 * MIB), b"end"
    send(upload, 7, b"overwritten")
    parts = [send(upload, 2, first), send(upload, 7, second)]
    refused("InvalidPartOrder", complete, parts=parts[::-1])
    refused("InvalidPart", complete, parts=[parts[0], {**parts[1], "ETag": '"0"'}])
    refused("InvalidPart", complete, parts=[*parts, {**parts[1], "PartNumber": 9}])
    refused("InvalidArgument", send, upload=upload, number=10_001, body=b"")
    listed = s3.list_parts(**upload)["Parts"]
    assert [(part["PartNumber"], part["Size"]) for part in listed] == [(2, 5 * MIB), (7, 3)]
    assert complete(parts)["ETag"].endswith('-2"')
    assert get("parts")["Body"].read() == first + second
    upload = start("small")
    refused("EntityTooSmall", complete, parts=[send(upload, 1, b"a"), send(upload, 2, b"b")])
    assert [one["Key"] for one in s3.list_multipart_uploads(Bucket=B)["Uploads"]] == ["small"]
    s3.abort_multipart_upload(**upload)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=B)
    refused("NoSuchUpload", s3.list_parts, **upload)


def tags_and_pages():
    tag_set = {"TagSet": [{"Key": "a b", "Value": "ü=1"}]}
    put("tagged", b"", Tagging="x=1&y=2")
    assert s3.head_object(Bucket=B, Key="tagged")["TagCount"] == 2
    s3.put_object_tagging(Bucket=B, Key="tagged", Tagging=tag_set)
    assert s3.get_object_tagging(Bucket=B, Key="tagged")["TagSet"] == tag_set["TagSet"]
    s3.delete_object_tagging(Bucket=B, Key="tagged")
    assert s3.get_object_tagging(Bucket=B, Key="tagged")["TagSet"] == []
    refused("NoSuchTagSet", s3.get_bucket_tagging, Bucket=B)
    s3.put_bucket_tagging(Bucket=B, Tagging=tag_set)
    assert s3.get_bucket_tagging(Bucket=B)["TagSet"] == tag_set["TagSet"]
    s3.delete_bucket_tagging(Bucket=B)
    rules = [{"AllowedOrigins": ["https://*.test"], "AllowedMethods": ["GET"], "MaxAgeSeconds": 5}]
    refused("NoSuchCORSConfiguration", s3.get_bucket_cors, Bucket=B)
    s3.put_bucket_cors(Bucket=B, CORSConfiguration={"CORSRules": rules})
    assert s3.get_bucket_cors(Bucket=B)["CORSRules"] == rules
    url = s3.generate_presigned_url("get_object", Params={"Bucket": B, "Key": "tagged"})
    page = {"Origin": "https://a.test", "Access-Control-Request-Method": "GET"}
    for method in ("GET", "OPTIONS"):
        answer = URLLib3Session().send(AWSRequest(method, url, page).prepare())
        shown = answer.headers.get("Access-Control-Allow-Origin")
        assert (answer.status_code, shown) == (200, "https://a.test"), answer.content
    s3.delete_bucket_cors(Bucket=B)


def forms():
    for version in ("s3", "s3v4"):
        signer = boto3.client("s3", config=Config(signature_version=version))
        conditions = [["content-length-range", 1, 9], {"success_action_status": "201"}]
        form = signer.generate_presigned_post(B, "form/${filename}", Conditions=conditions)
        fields = {**form["fields"], "success_action_status": "201"}
        for content, status in ((b"123456789", 201), (b"1234567890", 400), (b"", 400)):
            body, head = encode_multipart_formdata({**fields, "file": (f"{version} ü", content)})
            request = AWSRequest("POST", form["url"], {"Content-Type": head}, data=body)
            answer = URLLib3Session().send(request.prepare())
            assert answer.status_code == status, answer.content
        assert get(f"form/{version} ü")["Body"].read() == b"123456789"


def buckets():
    refused("NoSuchBucket", s3.list_objects_v2, Bucket="boto3-none")
    refused("404", s3.head_bucket, Bucket="boto3-none")
    refused("NoSuchKey", get, key="none")
    refused("404", s3.head_object, Bucket=B, Key="none")
    refused("BucketNotEmpty", s3.delete_bucket, Bucket=B)
    for name in ("ab", "Upper", "a..b", "192.168.1.1"):
        refused("InvalidBucketName", s3.create_bucket, Bucket=name)


s3.create_bucket(Bucket=B)
tours = (transfers, conditions, descriptions, strange_keys, listings, parts_by_hand)
for tour in (*tours, tags_and_pages, forms, buckets):
    tour()
for key in keys():
    s3.delete_object(Bucket=B, Key=key)
s3.delete_bucket(Bucket=B)

/** POST /bucket: an upload by a form, as browsers send it. The pipeline has read and judged its fields. */
import { assert } from "../../base/errors.ts";
import { type Answer, emptyAnswer } from "../answer.ts";
import { type Call, header } from "../call.ts";
import { redirectTo } from "../form/redirect.ts";
import { encodeKey } from "../percent.ts";
import { element, wrap, XML_HEAD } from "../xml-write.ts";
import { storeObject } from "./put-object.ts";

export async function postObject(call: Call): Promise<Answer> {
  const { form } = call;
  assert(form !== undefined, "only a form is posted to a bucket");
  const { bucket, key } = call.target;
  const { etag, headers } = await storeObject(call);
  const address = form.get("success_action_redirect") ?? form.get("redirect");
  const there = address === undefined ? undefined : redirectTo(address, { bucket, key, etag });
  if (there !== undefined) return emptyAnswer(303, { ...headers, Location: there });
  const Location = locationOf(call);
  const all = { ...headers, Location };
  switch (form.get("success_action_status")) {
    case "200":
      return emptyAnswer(200, all);
    case "201": {
      const rows =
        element("Location", Location) +
        element("Bucket", bucket) +
        element("Key", key) +
        element("ETag", `"${etag}"`);
      const text = XML_HEAD + wrap("PostResponse", rows);
      return { status: 201, headers: all, body: { kind: "xml", text } };
    }
    default:
      return emptyAnswer(204, all);
  }
}

/** Below the address that the form was sent to, which has the bucket in its path or in its host. */
function locationOf(call: Call): string {
  const { path, key } = call.target;
  return `http://${header(call, "host") ?? ""}${path.endsWith("/") ? path : `${path}/`}${encodeKey(key)}`;
}

/** The bucket that the load works in. */

import { systemClock } from "../../base/clock.ts";
import { QuarryError } from "../../base/errors.ts";
import { HttpConnection } from "./http-connection.ts";
import type { Target } from "./request.ts";
import { signer } from "./sign.ts";

/** Makes it when it is not there. */
export async function ensureBucket(target: Target): Promise<void> {
  using connection = await HttpConnection.open(target.url);
  const http = {
    method: "PUT",
    path: `/${target.bucket}`,
    query: "",
    body: Buffer.alloc(0),
  } as const;
  const headers = Object.entries(signer(target, systemClock.nowMs())(http));
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const head = Buffer.from(`PUT ${http.path} HTTP/1.1\r\n${lines}\r\n`);
  const { status, text } = await connection.send(head, http.body, true);
  // 409: it is there already.
  if (status !== 200 && status !== 409)
    throw new QuarryError(
      "Unavailable",
      `the bucket ${target.bucket} cannot be made at ${target.url}: status ${status}: ${text}`,
    );
}

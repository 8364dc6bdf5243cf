/** One signed request on a connection of its own, as somebody who uses no SDK would send it. */
import { type Signer, sha256, signRequest } from "./sign-request.ts";

export interface Told {
  readonly status: number;
  /** Which gateway answered. */
  readonly host: string | null;
}

export async function tell(
  endpoint: string,
  who: Signer,
  method: string,
  url: string,
  body: object | string = "",
  headers: Record<string, string> = {},
): Promise<Told> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const all = { host: new URL(endpoint).host, ...headers };
  const signed = signRequest(who, method, url, all, sha256(text), Date.now()).headers;
  const answer = await fetch(endpoint + url, {
    method,
    headers: { ...signed, connection: "close" },
    ...(text !== "" && { body: text }),
  });
  await answer.arrayBuffer();
  return { status: answer.status, host: answer.headers.get("x-amz-id-2") };
}

/** Signed requests to one gateway, without a library between: nothing is repeated, nothing is hidden. */
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { buffer } from "node:stream/consumers";
import { rootKeys } from "../server-process.ts";
import { type Signer, sha256, signRequest } from "../sign-request.ts";

const PATIENCE_MS = 60_000;
const NOTHING = Buffer.alloc(0);
/** What is said of an answer that ended early, though it began well. */
export const CUT_OFF = "cut off";
const root: Signer = {
  ...{ accessKey: rootKeys.accessKeyId, secretKey: rootKeys.secretAccessKey },
  region: "us-east-1",
};

export interface WireAnswer {
  /** 0: no answer came, or not all of it. */
  readonly status: number;
  readonly body: Buffer;
}

export class S3Wire {
  readonly #endpoint: URL;
  readonly #agent = new Agent({ keepAlive: true });
  /** How often an answer was that the store cannot do this now, or none came. */
  readonly refusals = new Map<string, number>();

  constructor(endpoint: string) {
    this.#endpoint = new URL(endpoint);
  }

  close(): void {
    this.#agent.destroy();
  }

  async ask(
    method: string,
    url: string,
    body: Buffer = NOTHING,
    more: Readonly<Record<string, string>> = {},
  ): Promise<WireAnswer> {
    const headers = { host: this.#endpoint.host, "content-length": `${body.length}`, ...more };
    const signed = signRequest(root, method, url, headers, sha256(body), Date.now()).headers;
    let response: IncomingMessage | undefined;
    try {
      response = await this.#send(method, url, signed, body);
      const answer = { status: response.statusCode ?? 0, body: await buffer(response) };
      if (answer.status >= 500) this.#refused(`${answer.status} ${codeOf(answer)}`);
      return answer;
    } catch (error) {
      this.#refused(`no answer: ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
      const how = response?.statusCode === 200 ? `${CUT_OFF}: ${error}` : String(error);
      return { status: 0, body: Buffer.from(how) };
    }
  }

  #refused(how: string): void {
    this.refusals.set(how, (this.refusals.get(how) ?? 0) + 1);
  }

  #send(
    method: string,
    path: string,
    headers: Record<string, string>,
    body: Buffer,
  ): Promise<IncomingMessage> {
    const { hostname, port } = this.#endpoint;
    return new Promise((resolve, reject) => {
      const sent = httpRequest(
        { method, path, headers, hostname, port, agent: this.#agent, timeout: PATIENCE_MS },
        resolve,
      );
      sent.once("timeout", () => sent.destroy(new Error(`no answer in ${PATIENCE_MS} ms`)));
      sent.once("error", reject);
      sent.end(body);
    });
  }
}

/** What an error of S3 is called. */
export const codeOf = ({ body }: Pick<WireAnswer, "body">): string =>
  /<Code>([^<]*)/.exec(body.toString())?.[1] ?? "";

export function sumOf(all: readonly ReadonlyMap<string, number>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [what, count] of all.flatMap((one) => [...one]))
    sums[what] = (sums[what] ?? 0) + count;
  return sums;
}

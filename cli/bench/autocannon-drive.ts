/** The same operations driven by autocannon, where it is installed: a second opinion about the load. */
import { systemClock } from "../../base/clock.ts";
import { QuarryError } from "../../base/errors.ts";
import type { Drive, Driven, Span } from "./drive.ts";
import { inTime } from "./drive.ts";
import { httpOf } from "./http-request.ts";
import type { Target } from "./request.ts";
import { signer } from "./sign.ts";
import type { Single, Work } from "./workload.ts";

/** As much of autocannon as is used here. */
interface Instance extends Promise<{ readonly errors: number }> {
  on(
    event: "response",
    listener: (client: object, status: number, bytes: number, milliseconds: number) => void,
  ): void;
}

interface RequestToSet {
  method: string;
  path: string;
  headers: Readonly<Record<string, string>>;
  body: Buffer;
}

interface Options {
  readonly url: string;
  readonly connections: number;
  readonly duration: number;
  readonly requests: readonly {
    setupRequest(request: RequestToSet): RequestToSet;
  }[];
}

type Autocannon = (options: Options) => Instance;

async function loadAutocannon(): Promise<Autocannon> {
  const name = "autocannon";
  try {
    const found = (await import(name)) as { readonly default: Autocannon };
    return found.default;
  } catch (error) {
    throw new QuarryError(
      "InvalidArgument",
      "autocannon is not installed: npm install autocannon, or --client lean",
      { cause: error },
    );
  }
}

/** For workloads whose operations are single requests; answers are judged by their status. */
export function autocannonDrive(target: Target, connections: number): Drive {
  return async (work: Work, span: Span) => {
    const { single } = work;
    if (single === undefined)
      throw new QuarryError("InvalidArgument", "autocannon sends single requests: --client lean");
    const autocannon = await loadAutocannon();
    return await inTime(shoot(autocannon, target, connections, single, span), span.milliseconds);
  };
}

async function shoot(
  autocannon: Autocannon,
  target: Target,
  connections: number,
  single: Single,
  span: Span,
): Promise<Driven> {
  const sign = signer(target, systemClock.nowMs());
  const latenciesMs: number[] = [];
  const sum = { next: span.from, bytes: 0, keys: 0, failures: 0 };
  let firstFailure: string | undefined;
  const setupRequest = (request: RequestToSet): RequestToSet => {
    const http = httpOf(target.bucket, single.request(sum.next++));
    const { method, body } = http;
    const query = http.query === "" ? "" : `?${http.query}`;
    const headers = { ...sign(http), ...(http.range !== undefined && { range: http.range }) };
    return { ...request, method, path: http.path + query, headers, body };
  };
  const startMs = systemClock.monotonicMs();
  const shooting = autocannon({
    url: target.url,
    connections,
    duration: span.milliseconds / 1000,
    requests: [{ setupRequest }],
  });
  shooting.on("response", (_client, status, _bytes, milliseconds) => {
    if (status < 200 || status > 299) {
      sum.failures++;
      firstFailure ??= `status ${status}`;
      return;
    }
    // Which of the requests under way it was is not told.
    const { bytes, keys } = single.moves(span.from + latenciesMs.length);
    sum.bytes += bytes;
    sum.keys += keys;
    latenciesMs.push(milliseconds);
  });
  const { errors } = await shooting;
  const elapsedMs = systemClock.monotonicMs() - startMs;
  return { ...sum, failures: sum.failures + errors, latenciesMs, elapsedMs, firstFailure };
}

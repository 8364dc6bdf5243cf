/**
 * The one pipeline of every S3 request: parse target → authenticate → authorize → decode payload →
 * handler → answer. No step reads what the steps before have not allowed.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "pino";
import type { Clock } from "../base/clock.ts";
import { limits } from "../base/limits.ts";
import type { Random } from "../base/random.ts";
import type { Store } from "../client/store.ts";
import type { ObjectJudge } from "./acl/object-judge.ts";
import { permitUpload } from "./acl/upload-judge.ts";
import { type Admitted, credentialsOf } from "./admitted.ts";
import type { Answer } from "./answer.ts";
import { authorize, refuseUnknownWishes } from "./authorize.ts";
import { corsHeaders } from "./cors/headers.ts";
import { preflight } from "./cors/preflight.ts";
import { DigestThread } from "./digests/digest-thread.ts";
import { Exchange, type GatewayState } from "./exchange.ts";
import { admitForm } from "./form/admit-form.ts";
import { withHoisted } from "./hoisted-headers.ts";
import { isAnonymous } from "./identity.ts";
import { judgedStore } from "./judged-store.ts";
import type { GatewayMetrics } from "./metrics.ts";
import { Payload } from "./payload.ts";
import { RefusalLog } from "./refusal-log.ts";
import { type Route, routeOf } from "./routes.ts";
import { asS3Error, S3Error } from "./s3/errors.ts";
import { sendAnswer, sendError } from "./send.ts";
import {
  authenticate,
  claimOf,
  type SignedHead,
  type Verifier,
  withoutSignature,
} from "./sigv4/authenticate.ts";
import type { Claim } from "./sigv4/credential-scope.ts";
import { SigningKeys } from "./sigv4/signing-key.ts";
import { parseTarget } from "./target.ts";

export interface PipelineOptions {
  readonly store: Store;
  readonly region: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Buckets are also served as `bucket.domain`. */
  readonly domain?: string;
}

/** A claim that cannot be read is refused when the bucket is known, whose CORS rules the refusal follows too. */
function claimOrRefusal(head: SignedHead): Claim | S3Error | undefined {
  try {
    return claimOf(head);
  } catch (error) {
    if (error instanceof S3Error) return error;
    throw error;
  }
}

export class Pipeline implements GatewayState, AsyncDisposable {
  readonly #options: PipelineOptions;
  readonly #verifier: Verifier;
  readonly #metrics: GatewayMetrics;
  readonly #log: RefusalLog;
  readonly #digests = new DigestThread();
  readonly hostId: string;
  readonly region: string;
  #closing = false;

  constructor(options: PipelineOptions, metrics: GatewayMetrics) {
    this.#options = options;
    this.#metrics = metrics;
    this.#log = new RefusalLog(options.logger, options.clock);
    this.#verifier = { region: options.region, keys: new SigningKeys() };
    this.hostId = options.random.bytes(24).toString("base64");
    this.region = options.region;
  }

  get closing(): boolean {
    return this.#closing;
  }

  /** From now on every answer closes its connection. */
  drain(): void {
    this.#closing = true;
  }

  /** When nothing is under way any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#digests[Symbol.asyncDispose]();
  }

  requestId(): string {
    return this.#options.random.bytes(8).toString("hex").toUpperCase();
  }

  /** Answers one request; `url` is the target as it was sent. Never throws. */
  async serve(request: IncomingMessage, response: ServerResponse, url: string): Promise<void> {
    const exchange = new Exchange(request, response, this.requestId(), this, this.#options.clock);
    this.#metrics.began();
    try {
      await sendAnswer(exchange, await this.#run(exchange, url));
    } catch (error) {
      await this.#refuse(exchange, error);
    } finally {
      exchange.body.close();
      const tookMs = this.#options.clock.monotonicMs() - exchange.startedMs;
      const { receivedBytes } = exchange.body;
      const { statusCode } = response;
      this.#metrics.ended(exchange.verb, statusCode, tookMs, receivedBytes, exchange.sentBytes);
    }
  }

  async #run(exchange: Exchange, url: string): Promise<Answer> {
    if (this.#metrics.inFlight > limits.requests) throw new S3Error("SlowDown");
    const { store, clock, domain } = this.#options;
    const { request } = exchange;
    const { method = "", headers } = request;
    if (headers.host === undefined && request.httpVersion === "1.1")
      throw new S3Error("BadRequest", "A request of HTTP/1.1 must have a Host header.");
    const target = parseTarget(url, headers.host ?? "", domain);
    exchange.path = target.path;
    const route = routeOf(method, target, headers);
    if (!(route instanceof S3Error)) exchange.verb = route.verb;
    else if (method === "OPTIONS") exchange.verb = "Preflight";
    const head = { method, target, headers };
    const claim = method === "OPTIONS" ? undefined : claimOrRefusal(head);
    const claimed = claim !== undefined && !(claim instanceof S3Error);
    const { user, bucket } = await store.names.access({
      ...(claimed && { accessKey: claim.accessKey }),
      ...(target.bucket !== "" && { bucket: target.bucket }),
    });
    if (method === "OPTIONS") return preflight(bucket, headers);
    exchange.everyAnswer = corsHeaders(bucket, method, headers);
    if (claim instanceof S3Error) throw claim;
    if (exchange.verb === "PostObject" && claim !== undefined)
      throw new S3Error(
        "InvalidArgument",
        "A form is signed by its fields, not in a header or URL.",
      );
    const { identity, payload: plan } =
      claim === undefined
        ? withoutSignature(head)
        : authenticate(head, claim, user, this.#verifier, clock.nowMs());
    if (route instanceof S3Error) throw isAnonymous(identity) ? new S3Error("AccessDenied") : route;
    if (route.verb === "PostObject") {
      refuseUnknownWishes(headers);
      const posted = { headers, target, body: exchange.body };
      const form = await admitForm(posted, store.names, this.#verifier, clock.nowMs());
      return await this.#handle(route, form);
    }
    const wishes = claim?.expiresS === undefined ? headers : withHoisted(headers, target.query);
    const bytes = exchange.body;
    const admitted = { identity, target, bucket, headers: wishes, plan, bytes };
    return await this.#handle(route, { ...admitted, ...credentialsOf(claim, user) });
  }

  async #handle(route: Route, admitted: Admitted): Promise<Answer> {
    const { store, region, clock } = this.#options;
    const { identity, target, bucket, headers, plan, bytes, form } = admitted;
    refuseUnknownWishes(headers);
    const judge = this.#judge(route, admitted);
    if (route.access === "upload") await this.#permitUpload(admitted);
    const judgeAgain = () => this.#judgeAgain(route, admitted);
    const answer = route.handle({
      ...{ identity, target, bucket, headers, region, clock },
      ...(form !== undefined && { form }),
      store: judgedStore({ store, bucket, clock, judgeAgain }),
      permit: (object) => judge?.permit(object),
      payload: (wanted) =>
        new Payload(wanted.headers ?? headers, plan, bytes, wanted, this.#digests),
    });
    return await (judge === undefined ? answer : judge.guard(answer));
  }

  #judge(route: Route, admitted: Admitted): ObjectJudge | undefined {
    const { identity, target, bucket, headers } = admitted;
    const expected = headers["x-amz-expected-bucket-owner"];
    const expectedOwner = typeof expected === "string" ? expected : undefined;
    return authorize(route, { identity, target, bucket, expectedOwner });
  }

  #permitUpload({ identity, target, bucket }: Admitted): Promise<void> {
    return permitUpload(this.#options.store.names, identity, bucket?.owner, target);
  }

  /** By what holds now of the key that signed and of the bucket. */
  async #judgeAgain(route: Route, admitted: Admitted): Promise<void> {
    const { credentials, target } = admitted;
    const { accessKey, secretKey } = credentials ?? {};
    const { user, bucket } = await this.#options.store.names.access({
      ...(accessKey !== undefined && { accessKey }),
      ...(target.bucket !== "" && { bucket: target.bucket }),
    });
    if (user?.secretKey !== secretKey || (user !== undefined && user.id !== admitted.identity.id))
      throw new S3Error("InvalidAccessKeyId");
    this.#judge(route, { ...admitted, bucket });
    if (route.access === "upload") await this.#permitUpload({ ...admitted, bucket });
  }

  async #refuse(exchange: Exchange, error: unknown): Promise<void> {
    const { logger } = this.#options;
    const { requestId, response, verb, path } = exchange;
    if (exchange.gone) {
      logger.debug({ requestId, verb, path }, "the client went away");
      response.destroy();
      return;
    }
    const told = asS3Error(error);
    this.#log.refused({ requestId, verb, path }, told, error);
    if (response.headersSent) {
      // The answer cannot be taken back: cutting it short is the only way to say that it is wrong.
      response.destroy();
      return;
    }
    try {
      await sendError(exchange, told);
    } catch (second) {
      logger.debug({ requestId, verb, err: second }, "the error could not be told");
      response.destroy();
    }
  }
}

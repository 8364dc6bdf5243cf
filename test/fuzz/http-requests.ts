/**
 * Whole requests on a socket of a running gateway: any bytes get answers that are whole, well-formed
 * and never a 500; what was stored comes back; whatever one client does, the next one is served.
 */
import { connect } from "node:net";
import type { Store } from "../../client/store.ts";
import { type Field, FORM_TYPE, formBody, policyText, signed2, signed4 } from "../form-request.ts";
import { headText, other, type RunningGateway, runGateway, user } from "../gateway-running.ts";
import type { Chance } from "./chance.ts";
import { checkAnswer, type Heard, heardAnswers } from "./heard-answers.ts";
import { randomVerb } from "./random-verb.ts";
import { check, type Round, type Target } from "./rounds.ts";
import { type ValidRequest, validRequest } from "./valid-request.ts";

const PATIENCE_MS = 20_000;

interface Running {
  readonly gateway: RunningGateway;
  readonly store: Store;
  readonly uploads: readonly string[];
}

export interface StoreSource {
  /** A fresh store; disposing it removes all it kept. */
  open(): Promise<Store>;
}

export class HttpRequests implements Target {
  readonly name: string;
  readonly #source: StoreSource;
  #running: Running | undefined;

  constructor(name: string, source: StoreSource) {
    this.name = name;
    this.#source = source;
  }

  async run(round: Round): Promise<string> {
    this.#running ??= await this.#start();
    const { gateway } = this.#running;
    gateway.logged.length = 0;
    try {
      if (round.chance.once(4)) return await this.#storeAndGet(this.#running, round);
      if (round.chance.once(8)) return await this.#form(this.#running, round);
      return await this.#anything(this.#running, round);
    } finally {
      const failed = gateway.logged.find((line) => /"level":(50|60)/.test(line));
      check(failed === undefined, `logged as an error: ${failed}`);
    }
  }

  async #start(): Promise<Running> {
    const store = await this.#source.open();
    const gateway = await runGateway(store);
    for (const [bucket, owner] of [
      ["bucket", "user-1"],
      ["kept", "user-1"],
      ["other", "user-2"],
    ] as const)
      await store.names.execute({ type: "createBucket", bucket, owner });
    const uploads: string[] = [];
    for (const key of ["k", "../x"]) {
      const attributes = { owner: "user-1" };
      const made = await store.names.execute({
        type: "createUpload",
        bucket: "bucket",
        key,
        attributes,
      });
      if (made.type === "upload") uploads.push(made.upload);
    }
    return { gateway, store, uploads };
  }

  async #storeAndGet({ gateway }: Running, { chance, trying }: Round): Promise<string> {
    const content = chance.bytes(
      chance.upTo(chance.one([0, 100, 5000, chance.once(20) ? 300_000 : 10])),
    );
    const target = {
      signer: user,
      host: gateway.host,
      nowMs: Date.now(),
      bucket: "kept",
      key: `${chance.text(12)}k`,
      query: {},
    };
    const put = validRequest(chance, { ...target, method: "PUT", headers: close, content });
    trying(put);
    const stored = await this.#one(gateway, chance, put);
    check(stored.status === 200, `not stored: ${stored.status} ${stored.body}`);
    const get = validRequest(chance, {
      ...target,
      method: "GET",
      headers: close,
      content: Buffer.alloc(0),
    });
    const got = await this.#one(gateway, chance, get);
    check(got.body === content.toString("latin1"), "other bytes came back");
    return "stored and got";
  }

  /** A form is stored as it is sent; one that was changed is stored only below what its policy allows. */
  async #form({ gateway, store }: Running, { chance, trying }: Round): Promise<string> {
    const content = chance.bytes(chance.upTo(chance.one([0, 100, 5000])));
    const key = `form/${chance.text(12)}k`;
    const conditions = [{ bucket: "kept" }, ["starts-with", "$key", "form/"], { acl: "private" }];
    const proof = chance.once(2)
      ? signed4(user, conditions)
      : signed2(user, policyText(conditions));
    const fields: Field[] = [["key", key], ["acl", "private"], ...proof, ["file", content, "f"]];
    const form = formBody(fields);
    const changes = chance.one([0, 1, 3]);
    let body = form;
    for (let i = 0; i < changes; i++) body = chance.change(body);
    const headers = { host: gateway.host, "content-type": FORM_TYPE, ...close };
    const head = headText("POST", "/kept", { ...headers, "content-length": String(body.length) });
    trying(Buffer.concat([Buffer.from(head), body]));
    const text = await exchange(gateway.port, [Buffer.from(head), ...chance.pieces(body)], "asks");
    const [answer] = heardAnswers(text, false);
    check(answer !== undefined, "no answer");
    checkAnswer(answer);
    if (changes > 0) return `form: ${/<Code>(\w+)/.exec(answer.body)?.[1] ?? answer.status}`;
    check(answer.status === 204, `a form was not stored: ${answer.status} ${answer.body}`);
    const { object } = await store.open({ bucket: "kept", key });
    check(object.lengthBytes === content.length, "another file was stored");
    return "form stored";
  }

  /** The answer to a request that nothing happens to. */
  async #one(gateway: RunningGateway, chance: Chance, request: ValidRequest): Promise<Heard> {
    const headers = { ...request.headers, ...close };
    const head = Buffer.from(headText(request.method, request.url, headers), "latin1");
    const text = await exchange(gateway.port, [head, ...chance.pieces(request.body)], "asks");
    const answers = heardAnswers(text, false);
    const [answer] = answers;
    check(answers.length === 1 && answer !== undefined, `${answers.length} answers`);
    checkAnswer(answer);
    return answer;
  }

  async #anything({ gateway, uploads }: Running, { chance, trying }: Round): Promise<string> {
    const verb = randomVerb(chance, uploads);
    const signer = chance.once(8) ? other : user;
    const request = validRequest(chance, {
      ...verb,
      signer,
      host: gateway.host,
      nowMs: Date.now(),
    });
    const changes = chance.one([0, 0, 1, 1, 2, 5]);
    const asks = changes === 0 || !chance.once(4);
    const headers: Record<string, string> = { ...request.headers, ...(asks ? close : {}) };
    if (chance.once(8)) delete headers["authorization"];
    const head = Buffer.from(headText(request.method, request.url, headers), "latin1");
    let bytes: Buffer = chance.once(30)
      ? chance.bytes(chance.upTo(500))
      : Buffer.concat([head, request.body]);
    const whole = changes === 0 && bytes.length === head.length + request.body.length;
    for (let i = 0; i < changes; i++) bytes = chance.change(bytes);
    trying(bytes);
    const vanishes = chance.once(12);
    if (vanishes) bytes = bytes.subarray(0, chance.below(bytes.length + 1));
    const end = vanishes ? "vanishes" : whole ? "asks" : "says";
    const text = await exchange(gateway.port, chance.pieces(bytes), end);
    const answers = heardAnswers(text, end !== "asks");
    for (const answer of answers) checkAnswer(answer);
    if (vanishes) return "vanished";
    const [first] = answers;
    if (end === "asks" && request.method !== "CONNECT") check(first !== undefined, "no answer");
    if (first === undefined) return "no answer";
    return /<Code>(\w+)/.exec(first.body)?.[1] ?? String(first.status);
  }

  /** Begins anew, once nothing is under way any more. */
  async renew(): Promise<void> {
    await this.close();
  }

  async close(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    if (running === undefined) return;
    await running.gateway.gateway.close();
    await running.store[Symbol.asyncDispose]();
  }
}

const close = { connection: "close" };

/**
 * How a client ends: by asking the server to, by saying that no more comes (Node then takes what it has
 * not answered yet for given up), by going away in the middle.
 */
type End = "asks" | "says" | "vanishes";

/** For a server that waits for what was cut off; one that says that it will close is told at once. */
const SAYS_AFTER_MS = 30;

/** Sends the pieces one by one, and hears what there is to hear. */
function exchange(port: number, pieces: readonly Uint8Array[], end: End): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let heard = "";
    let saying: NodeJS.Timeout | undefined;
    const late = setTimeout(() => {
      socket.destroy();
      reject(new Error(`no end after ${PATIENCE_MS} ms, heard: ${heard}`));
    }, PATIENCE_MS);
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => {
      heard += text;
      if (end === "says" && /\r\nconnection: close\r\n/i.test(heard)) socket.end();
    });
    socket.on("error", () => undefined); // a reset is the end like any other: what was heard counts
    socket.on("close", () => {
      clearTimeout(late);
      clearTimeout(saying);
      resolve(heard);
    });
    for (const piece of pieces) socket.write(piece);
    if (end === "vanishes") socket.write("", () => socket.destroy());
    else if (end === "says") saying = setTimeout(() => socket.end(), SAYS_AFTER_MS);
  });
}

/**
 * MD5 of several streams at once, a window of each at a time. What it gives is what `node:crypto` gives;
 * eight streams together take a third of the time that they take one after the other.
 */
import { assert } from "../errors.ts";
import { kernelModule } from "./module.ts";

/** Streams that one call takes. */
export const LANES = 8;
/** Bytes of each stream that one call takes. */
export const WINDOW_BYTES = 64 * 1024;

const BLOCK_BYTES = 64;
/** From so many streams on four lanes are faster than one stream after the other. */
export const FEWEST_LANES = 3;
const PAGE_BYTES = 65_536;

/** Where what stands in the kernel's memory, behind the page that is its own. */
const CONSTANTS_AT = PAGE_BYTES;
const WORDS_AT = CONSTANTS_AT + 64 * 16;
const STATE_AT = WORDS_AT + 2 * 256;
const SOURCES_AT = STATE_AT + LANES * 16;
const WINDOWS_AT = SOURCES_AT + LANES * 4 + 32;
/** What was left of the last window, and this one: an odd number of cache lines. */
const WINDOW_STEP = BLOCK_BYTES + WINDOW_BYTES;
const END = WINDOWS_AT + LANES * WINDOW_STEP;

interface Kernel {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  one(state: number, source: number, blocks: number): void;
  four(state: number, sources: number, blocks: number, words: number, constants: number): void;
  eight(state: number, sources: number, blocks: number, words: number, constants: number): void;
}

/** A stream whose MD5 is under way. */
export class Md5Stream {
  readonly state = Uint32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
  /** Bytes that do not fill a block yet. */
  readonly rest = new Uint8Array(BLOCK_BYTES);
  restBytes = 0;
  lengthBytes = 0;
}

/** The next bytes of a stream: at most {@link WINDOW_BYTES}. */
export interface Md5Run {
  readonly stream: Md5Stream;
  readonly bytes: Uint8Array;
}

/** Whole blocks of a stream that stand in the kernel's memory. */
interface Lane {
  readonly state: Uint32Array;
  at: number;
  blocks: number;
}

export class Md5Lanes {
  readonly #kernel: Kernel;
  readonly #bytes: Uint8Array;
  readonly #states: Uint32Array;
  readonly #sources: Uint32Array;

  private constructor(kernel: Kernel) {
    this.#kernel = kernel;
    kernel.memory.grow(Math.ceil((END - PAGE_BYTES) / PAGE_BYTES));
    const { buffer } = kernel.memory;
    this.#bytes = new Uint8Array(buffer);
    this.#states = new Uint32Array(buffer, STATE_AT, LANES * 4);
    this.#sources = new Uint32Array(buffer, SOURCES_AT, LANES);
    const constants = new Uint32Array(buffer, CONSTANTS_AT, 64 * 4);
    for (let i = 0; i < 64; i++)
      constants.fill(Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32), i * 4, i * 4 + 4);
  }

  /** Whether the engine has vectors. Where it has none, `node:crypto` gives the same. */
  static isPossible(): boolean {
    return WebAssembly.validate(binary());
  }

  static open(): Md5Lanes {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(binary()), {});
    return new Md5Lanes(exports as unknown as Kernel);
  }

  /** Takes the next bytes of up to {@link LANES} streams, each of which is there once. */
  update(runs: readonly Md5Run[]): void {
    assert(runs.length <= LANES, "there is a lane for each stream");
    let lanes = runs.map((run, i) => this.#load(run, WINDOWS_AT + i * WINDOW_STEP));
    for (;;) {
      lanes = lanes.filter((lane) => lane.blocks > 0);
      if (lanes.length === 0) return;
      const blocks = lanes.reduce((least, lane) => Math.min(least, lane.blocks), Infinity);
      if (lanes.length < FEWEST_LANES) for (const lane of lanes) this.#alone(lane, blocks);
      else this.#together(lanes, blocks);
      for (const lane of lanes) {
        lane.at += blocks * BLOCK_BYTES;
        lane.blocks -= blocks;
      }
    }
  }

  /** In hex; the stream has ended. */
  digest(stream: Md5Stream): string {
    const padding = new Uint8Array(stream.restBytes < 56 ? 64 : 128).subarray(stream.restBytes);
    padding[0] = 0x80;
    const bits = BigInt(stream.lengthBytes) * 8n;
    new DataView(padding.buffer).setBigUint64(padding.buffer.byteLength - 8, bits, true);
    this.update([{ stream, bytes: padding }]);
    return Buffer.from(stream.state.buffer).toString("hex");
  }

  /** Puts what was left and what comes into a window; keeps what does not fill a block. */
  #load({ stream, bytes }: Md5Run, at: number): Lane {
    assert(bytes.length <= WINDOW_BYTES, "a run fits into its window");
    this.#bytes.set(stream.rest.subarray(0, stream.restBytes), at);
    this.#bytes.set(bytes, at + stream.restBytes);
    const lengthBytes = stream.restBytes + bytes.length;
    stream.restBytes = lengthBytes % BLOCK_BYTES;
    stream.lengthBytes += bytes.length;
    const end = at + lengthBytes;
    stream.rest.set(this.#bytes.subarray(end - stream.restBytes, end));
    return { state: stream.state, at, blocks: (lengthBytes - stream.restBytes) / BLOCK_BYTES };
  }

  #alone({ state, at }: Lane, blocks: number): void {
    this.#states.set(state);
    this.#kernel.one(STATE_AT, at, blocks);
    state.set(this.#states.subarray(0, 4));
  }

  #together(lanes: readonly Lane[], blocks: number): void {
    const width = lanes.length > 4 ? 8 : 4;
    for (let i = 0; i < width; i++) {
      // A lane without a stream repeats the first one, for nobody.
      const lane = lanes[i] ?? lanes[0];
      assert(lane !== undefined, "there are lanes");
      this.#sources[i] = lane.at;
      for (let word = 0; word < 4; word++) this.#states[placeOf(i, word)] = lane.state[word] ?? 0;
    }
    const run = width === 8 ? this.#kernel.eight : this.#kernel.four;
    run(STATE_AT, SOURCES_AT, blocks, WORDS_AT, CONSTANTS_AT);
    lanes.forEach(({ state }, i) => {
      for (let word = 0; word < 4; word++) state[word] = this.#states[placeOf(i, word)] ?? 0;
    });
  }
}

const binary = () => Uint8Array.from(Buffer.from(kernelModule, "base64"));

/** Where a word of a lane's state stands: four lanes side by side. */
const placeOf = (lane: number, word: number): number => (lane >> 2) * 16 + word * 4 + (lane & 3);

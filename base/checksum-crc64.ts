/**
 * CRC64NVME: polynomial AD93D23594C93659 reflected, all ones in and out. Sliced by eight, on pairs of
 * 32-bit numbers: BigInt would be a hundred times slower. Vectors: test/vectors/crc.
 */

const POLY_HIGH = 0x9a6c9329;
const POLY_LOW = 0xac4bc9b5;

/** Table t, byte b at t * 256 + b: the CRC of b followed by t zero bytes. */
const lowTable = new Uint32Array(8 * 256);
const highTable = new Uint32Array(8 * 256);

for (let byte = 0; byte < 256; byte++) {
  let low = byte;
  let high = 0;
  for (let bit = 0; bit < 8; bit++) {
    const odd = (low & 1) === 1;
    low = ((low >>> 1) | (high << 31)) >>> 0;
    high >>>= 1;
    if (odd) {
      low = (low ^ POLY_LOW) >>> 0;
      high = (high ^ POLY_HIGH) >>> 0;
    }
  }
  lowTable[byte] = low;
  highTable[byte] = high;
}
for (let i = 256; i < lowTable.length; i++) {
  const low = lowTable[i - 256] ?? 0;
  const high = highTable[i - 256] ?? 0;
  const first = low & 255;
  lowTable[i] = ((low >>> 8) | (high << 24)) ^ (lowTable[first] ?? 0);
  highTable[i] = (high >>> 8) ^ (highTable[first] ?? 0);
}

/** A CRC under way. */
export class Crc64Nvme {
  #low = -1;
  #high = -1;

  update(data: Uint8Array): void {
    let low = this.#low;
    let high = this.#high;
    const L = lowTable;
    const H = highTable;
    let at = 0;
    for (const end = data.length - 7; at < end; at += 8) {
      const a = 1792 + ((elementOf(data, at) ^ low) & 255);
      const b = 1536 + ((elementOf(data, at + 1) ^ (low >>> 8)) & 255);
      const c = 1280 + ((elementOf(data, at + 2) ^ (low >>> 16)) & 255);
      const d = 1024 + ((elementOf(data, at + 3) ^ (low >>> 24)) & 255);
      const e = 768 + ((elementOf(data, at + 4) ^ high) & 255);
      const f = 512 + ((elementOf(data, at + 5) ^ (high >>> 8)) & 255);
      const g = 256 + ((elementOf(data, at + 6) ^ (high >>> 16)) & 255);
      const h = (elementOf(data, at + 7) ^ (high >>> 24)) & 255;
      low =
        elementOf(L, a) ^
        elementOf(L, b) ^
        elementOf(L, c) ^
        elementOf(L, d) ^
        elementOf(L, e) ^
        elementOf(L, f) ^
        elementOf(L, g) ^
        elementOf(L, h);
      high =
        elementOf(H, a) ^
        elementOf(H, b) ^
        elementOf(H, c) ^
        elementOf(H, d) ^
        elementOf(H, e) ^
        elementOf(H, f) ^
        elementOf(H, g) ^
        elementOf(H, h);
    }
    for (; at < data.length; at++) {
      const i = (elementOf(data, at) ^ low) & 255;
      low = ((low >>> 8) | (high << 24)) ^ elementOf(L, i);
      high = (high >>> 8) ^ elementOf(H, i);
    }
    this.#low = low;
    this.#high = high;
  }

  /** The eight bytes of the CRC so far, big-endian. */
  digest(): Buffer {
    const out = Buffer.allocUnsafe(8);
    out.writeUInt32BE(~this.#high >>> 0, 0);
    out.writeUInt32BE(~this.#low >>> 0, 4);
    return out;
  }
}

/** An element that is known to be there. */
function elementOf(table: Uint8Array | Uint32Array, index: number): number {
  return table[index] as number;
}

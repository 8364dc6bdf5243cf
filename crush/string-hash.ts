/**
 * The hash of an object's name (`ceph_str_hash_rjenkins`): Jenkins' mix over 12 bytes at a time,
 * little-endian, the length in the last round. Result: unsigned 32 bits.
 */
const GOLDEN = 0x9e3779b9 | 0;
const CHUNK = 12;

const state = new Int32Array(3);

function mix(): void {
  let a = state[0] ?? 0;
  let b = state[1] ?? 0;
  let c = state[2] ?? 0;
  a = (a - b - c) ^ (c >>> 13);
  b = (b - c - a) ^ (a << 8);
  c = (c - a - b) ^ (b >>> 13);
  a = (a - b - c) ^ (c >>> 12);
  b = (b - c - a) ^ (a << 16);
  c = (c - a - b) ^ (b >>> 5);
  a = (a - b - c) ^ (c >>> 3);
  b = (b - c - a) ^ (a << 10);
  c = (c - a - b) ^ (b >>> 15);
  state[0] = a;
  state[1] = b;
  state[2] = c;
}

/**
 * Hash of the bytes of a name; names are hashed as UTF-8.
 *
 * The third word of the last round keeps its lowest byte for the length, so its bytes start one
 * place higher than those of the first two.
 */
export function stringHash(name: Uint8Array): number {
  state[0] = GOLDEN;
  state[1] = GOLDEN;
  state[2] = 0;
  let at = 0;
  for (; at + CHUNK <= name.length; at += CHUNK) {
    for (let i = 0; i < CHUNK; i++) addByte(i, name[at + i] ?? 0);
    mix();
  }
  state[2] = (state[2] ?? 0) + name.length;
  for (let i = 0; at + i < name.length; i++) addByte(i < 8 ? i : i + 1, name[at + i] ?? 0);
  mix();
  return (state[2] ?? 0) >>> 0;
}

function addByte(place: number, byte: number): void {
  const word = place >> 2;
  state[word] = (state[word] ?? 0) + (byte << (8 * (place & 3)));
}

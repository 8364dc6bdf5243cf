/**
 * MD5 (RFC 1321) of whole blocks of 64 bytes: of one stream in integers, of four streams at once in the
 * four lanes of vectors, of eight in two sets of vectors that take turns. A step of MD5 waits for the
 * step before it, so one stream leaves most of a core idle, and others fill it. `build.ts` assembles it.
 *
 * A state is the numbers a, b, c, d; that of four lanes is four vectors, that of eight two times four.
 * `sources` is a list of addresses, one for each lane. `constants`: the 64 numbers of the steps, each
 * four times. `words`: room for the blocks of all lanes, word by word.
 */

@inline
function rotated(x: v128, bits: i32): v128 {
  return v128.or(i32x4.shl(x, bits), i32x4.shr_u(x, 32 - bits));
}

/** One step; `x` is message plus constant, `f` the round's function of b, c, d. */
@inline
function step(a: v128, b: v128, f: v128, x: v128, bits: i32): v128 {
  return i32x4.add(b, rotated(i32x4.add(i32x4.add(a, x), f), bits));
}

@inline
function f1(b: v128, c: v128, d: v128): v128 { return v128.xor(d, v128.and(b, v128.xor(c, d))); }
@inline
function f2(b: v128, c: v128, d: v128): v128 { return i32x4.add(v128.andnot(c, d), v128.and(b, d)); }
@inline
function f3(b: v128, c: v128, d: v128): v128 { return v128.xor(b, v128.xor(c, d)); }
@inline
function f4(b: v128, c: v128, d: v128): v128 { return v128.xor(c, v128.or(b, v128.not(d))); }

/** Word `word` of the message of all lanes, plus the constant of step `i`. */
@inline
function word(words: usize, constants: usize, i: i32, index: i32): v128 {
  return i32x4.add(
    v128.load(words + (<usize>(index & 15) << 4)),
    v128.load(constants + (<usize>i << 4)),
  );
}

/** Puts the 16 words of a block of each of four lanes side by side. */
@inline
function transpose(s0: usize, s1: usize, s2: usize, s3: usize, words: usize): void {
  for (let at: usize = 0; at < 64; at += 16) {
    const a = v128.load(s0 + at), b = v128.load(s1 + at);
    const c = v128.load(s2 + at), d = v128.load(s3 + at);
    const ab0 = v128.shuffle<i32>(a, b, 0, 4, 1, 5), ab1 = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
    const cd0 = v128.shuffle<i32>(c, d, 0, 4, 1, 5), cd1 = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
    const to = words + (at << 2);
    v128.store(to, v128.shuffle<i64>(ab0, cd0, 0, 2));
    v128.store(to, v128.shuffle<i64>(ab0, cd0, 1, 3), 16);
    v128.store(to, v128.shuffle<i64>(ab1, cd1, 0, 2), 32);
    v128.store(to, v128.shuffle<i64>(ab1, cd1, 1, 3), 48);
  }
}

/** `blocks` blocks of four streams; `words` are 256 bytes of room. */
export function four(
  state: usize, sources: usize, blocks: i32, words: usize, constants: usize,
): void {
  let a = v128.load(state), b = v128.load(state, 16), c = v128.load(state, 32), d = v128.load(state, 48);
  let s0 = load<usize>(sources), s1 = load<usize>(sources, 4);
  let s2 = load<usize>(sources, 8), s3 = load<usize>(sources, 12);
  for (let block = 0; block < blocks; block++) {
    transpose(s0, s1, s2, s3, words);
    const a0 = a, b0 = b, c0 = c, d0 = d;
    for (let i = 0; i < 16; i += 4) {
      a = step(a, b, f1(b, c, d), word(words, constants, i, i), 7);
      d = step(d, a, f1(a, b, c), word(words, constants, i + 1, i + 1), 12);
      c = step(c, d, f1(d, a, b), word(words, constants, i + 2, i + 2), 17);
      b = step(b, c, f1(c, d, a), word(words, constants, i + 3, i + 3), 22);
    }
    for (let i = 16; i < 32; i += 4) {
      a = step(a, b, f2(b, c, d), word(words, constants, i, 5 * i + 1), 5);
      d = step(d, a, f2(a, b, c), word(words, constants, i + 1, 5 * i + 6), 9);
      c = step(c, d, f2(d, a, b), word(words, constants, i + 2, 5 * i + 11), 14);
      b = step(b, c, f2(c, d, a), word(words, constants, i + 3, 5 * i + 16), 20);
    }
    for (let i = 32; i < 48; i += 4) {
      a = step(a, b, f3(b, c, d), word(words, constants, i, 3 * i + 5), 4);
      d = step(d, a, f3(a, b, c), word(words, constants, i + 1, 3 * i + 8), 11);
      c = step(c, d, f3(d, a, b), word(words, constants, i + 2, 3 * i + 11), 16);
      b = step(b, c, f3(c, d, a), word(words, constants, i + 3, 3 * i + 14), 23);
    }
    for (let i = 48; i < 64; i += 4) {
      a = step(a, b, f4(b, c, d), word(words, constants, i, 7 * i), 6);
      d = step(d, a, f4(a, b, c), word(words, constants, i + 1, 7 * i + 7), 10);
      c = step(c, d, f4(d, a, b), word(words, constants, i + 2, 7 * i + 14), 15);
      b = step(b, c, f4(c, d, a), word(words, constants, i + 3, 7 * i + 21), 21);
    }
    a = i32x4.add(a, a0); b = i32x4.add(b, b0); c = i32x4.add(c, c0); d = i32x4.add(d, d0);
    s0 += 64; s1 += 64; s2 += 64; s3 += 64;
  }
  v128.store(state, a); v128.store(state, b, 16); v128.store(state, c, 32); v128.store(state, d, 48);
}

/** `blocks` blocks of eight streams; `words` are 512 bytes of room. */
export function eight(
  state: usize, sources: usize, blocks: i32, words: usize, constants: usize,
): void {
  let a = v128.load(state), b = v128.load(state, 16), c = v128.load(state, 32), d = v128.load(state, 48);
  let e = v128.load(state, 64), f = v128.load(state, 80), g = v128.load(state, 96), h = v128.load(state, 112);
  const others = words + 256;
  for (let block = 0; block < blocks; block++) {
    const at = <usize>block << 6;
    transpose(load<usize>(sources) + at, load<usize>(sources, 4) + at, load<usize>(sources, 8) + at, load<usize>(sources, 12) + at, words);
    transpose(load<usize>(sources, 16) + at, load<usize>(sources, 20) + at, load<usize>(sources, 24) + at, load<usize>(sources, 28) + at, others);
    const a0 = a, b0 = b, c0 = c, d0 = d, e0 = e, f0 = f, g0 = g, h0 = h;
    for (let i = 0; i < 16; i += 4) {
      a = step(a, b, f1(b, c, d), word(words, constants, i, i), 7);
      e = step(e, f, f1(f, g, h), word(others, constants, i, i), 7);
      d = step(d, a, f1(a, b, c), word(words, constants, i + 1, i + 1), 12);
      h = step(h, e, f1(e, f, g), word(others, constants, i + 1, i + 1), 12);
      c = step(c, d, f1(d, a, b), word(words, constants, i + 2, i + 2), 17);
      g = step(g, h, f1(h, e, f), word(others, constants, i + 2, i + 2), 17);
      b = step(b, c, f1(c, d, a), word(words, constants, i + 3, i + 3), 22);
      f = step(f, g, f1(g, h, e), word(others, constants, i + 3, i + 3), 22);
    }
    for (let i = 16; i < 32; i += 4) {
      a = step(a, b, f2(b, c, d), word(words, constants, i, 5 * i + 1), 5);
      e = step(e, f, f2(f, g, h), word(others, constants, i, 5 * i + 1), 5);
      d = step(d, a, f2(a, b, c), word(words, constants, i + 1, 5 * i + 6), 9);
      h = step(h, e, f2(e, f, g), word(others, constants, i + 1, 5 * i + 6), 9);
      c = step(c, d, f2(d, a, b), word(words, constants, i + 2, 5 * i + 11), 14);
      g = step(g, h, f2(h, e, f), word(others, constants, i + 2, 5 * i + 11), 14);
      b = step(b, c, f2(c, d, a), word(words, constants, i + 3, 5 * i + 16), 20);
      f = step(f, g, f2(g, h, e), word(others, constants, i + 3, 5 * i + 16), 20);
    }
    for (let i = 32; i < 48; i += 4) {
      a = step(a, b, f3(b, c, d), word(words, constants, i, 3 * i + 5), 4);
      e = step(e, f, f3(f, g, h), word(others, constants, i, 3 * i + 5), 4);
      d = step(d, a, f3(a, b, c), word(words, constants, i + 1, 3 * i + 8), 11);
      h = step(h, e, f3(e, f, g), word(others, constants, i + 1, 3 * i + 8), 11);
      c = step(c, d, f3(d, a, b), word(words, constants, i + 2, 3 * i + 11), 16);
      g = step(g, h, f3(h, e, f), word(others, constants, i + 2, 3 * i + 11), 16);
      b = step(b, c, f3(c, d, a), word(words, constants, i + 3, 3 * i + 14), 23);
      f = step(f, g, f3(g, h, e), word(others, constants, i + 3, 3 * i + 14), 23);
    }
    for (let i = 48; i < 64; i += 4) {
      a = step(a, b, f4(b, c, d), word(words, constants, i, 7 * i), 6);
      e = step(e, f, f4(f, g, h), word(others, constants, i, 7 * i), 6);
      d = step(d, a, f4(a, b, c), word(words, constants, i + 1, 7 * i + 7), 10);
      h = step(h, e, f4(e, f, g), word(others, constants, i + 1, 7 * i + 7), 10);
      c = step(c, d, f4(d, a, b), word(words, constants, i + 2, 7 * i + 14), 15);
      g = step(g, h, f4(h, e, f), word(others, constants, i + 2, 7 * i + 14), 15);
      b = step(b, c, f4(c, d, a), word(words, constants, i + 3, 7 * i + 21), 21);
      f = step(f, g, f4(g, h, e), word(others, constants, i + 3, 7 * i + 21), 21);
    }
    a = i32x4.add(a, a0); b = i32x4.add(b, b0); c = i32x4.add(c, c0); d = i32x4.add(d, d0);
    e = i32x4.add(e, e0); f = i32x4.add(f, f0); g = i32x4.add(g, g0); h = i32x4.add(h, h0);
  }
  v128.store(state, a); v128.store(state, b, 16); v128.store(state, c, 32); v128.store(state, d, 48);
  v128.store(state, e, 64); v128.store(state, f, 80); v128.store(state, g, 96); v128.store(state, h, 112);
}

@inline
function next(a: u32, b: u32, f: u32, word: u32, constant: u32, bits: u32): u32 {
  return b + rotl<u32>(a + word + constant + f, bits);
}
@inline
function i1(b: u32, c: u32, d: u32): u32 { return d ^ (b & (c ^ d)); }
@inline
function i2(b: u32, c: u32, d: u32): u32 { return (c & ~d) + (b & d); }
@inline
function i3(b: u32, c: u32, d: u32): u32 { return b ^ (c ^ d); }
@inline
function i4(b: u32, c: u32, d: u32): u32 { return c ^ (b | ~d); }

/** `blocks` blocks of one stream. The steps one by one: an eighth faster than in loops. */
export function one(state: usize, source: usize, blocks: i32): void {
  let a = load<u32>(state), b = load<u32>(state, 4), c = load<u32>(state, 8), d = load<u32>(state, 12);
  for (const end = source + (<usize>blocks << 6); source < end; source += 64) {
    const a0 = a, b0 = b, c0 = c, d0 = d;
    a = next(a, b, i1(b, c, d), load<u32>(source, 0), 0xd76aa478, 7);
    d = next(d, a, i1(a, b, c), load<u32>(source, 4), 0xe8c7b756, 12);
    c = next(c, d, i1(d, a, b), load<u32>(source, 8), 0x242070db, 17);
    b = next(b, c, i1(c, d, a), load<u32>(source, 12), 0xc1bdceee, 22);
    a = next(a, b, i1(b, c, d), load<u32>(source, 16), 0xf57c0faf, 7);
    d = next(d, a, i1(a, b, c), load<u32>(source, 20), 0x4787c62a, 12);
    c = next(c, d, i1(d, a, b), load<u32>(source, 24), 0xa8304613, 17);
    b = next(b, c, i1(c, d, a), load<u32>(source, 28), 0xfd469501, 22);
    a = next(a, b, i1(b, c, d), load<u32>(source, 32), 0x698098d8, 7);
    d = next(d, a, i1(a, b, c), load<u32>(source, 36), 0x8b44f7af, 12);
    c = next(c, d, i1(d, a, b), load<u32>(source, 40), 0xffff5bb1, 17);
    b = next(b, c, i1(c, d, a), load<u32>(source, 44), 0x895cd7be, 22);
    a = next(a, b, i1(b, c, d), load<u32>(source, 48), 0x6b901122, 7);
    d = next(d, a, i1(a, b, c), load<u32>(source, 52), 0xfd987193, 12);
    c = next(c, d, i1(d, a, b), load<u32>(source, 56), 0xa679438e, 17);
    b = next(b, c, i1(c, d, a), load<u32>(source, 60), 0x49b40821, 22);
    a = next(a, b, i2(b, c, d), load<u32>(source, 4), 0xf61e2562, 5);
    d = next(d, a, i2(a, b, c), load<u32>(source, 24), 0xc040b340, 9);
    c = next(c, d, i2(d, a, b), load<u32>(source, 44), 0x265e5a51, 14);
    b = next(b, c, i2(c, d, a), load<u32>(source, 0), 0xe9b6c7aa, 20);
    a = next(a, b, i2(b, c, d), load<u32>(source, 20), 0xd62f105d, 5);
    d = next(d, a, i2(a, b, c), load<u32>(source, 40), 0x02441453, 9);
    c = next(c, d, i2(d, a, b), load<u32>(source, 60), 0xd8a1e681, 14);
    b = next(b, c, i2(c, d, a), load<u32>(source, 16), 0xe7d3fbc8, 20);
    a = next(a, b, i2(b, c, d), load<u32>(source, 36), 0x21e1cde6, 5);
    d = next(d, a, i2(a, b, c), load<u32>(source, 56), 0xc33707d6, 9);
    c = next(c, d, i2(d, a, b), load<u32>(source, 12), 0xf4d50d87, 14);
    b = next(b, c, i2(c, d, a), load<u32>(source, 32), 0x455a14ed, 20);
    a = next(a, b, i2(b, c, d), load<u32>(source, 52), 0xa9e3e905, 5);
    d = next(d, a, i2(a, b, c), load<u32>(source, 8), 0xfcefa3f8, 9);
    c = next(c, d, i2(d, a, b), load<u32>(source, 28), 0x676f02d9, 14);
    b = next(b, c, i2(c, d, a), load<u32>(source, 48), 0x8d2a4c8a, 20);
    a = next(a, b, i3(b, c, d), load<u32>(source, 20), 0xfffa3942, 4);
    d = next(d, a, i3(a, b, c), load<u32>(source, 32), 0x8771f681, 11);
    c = next(c, d, i3(d, a, b), load<u32>(source, 44), 0x6d9d6122, 16);
    b = next(b, c, i3(c, d, a), load<u32>(source, 56), 0xfde5380c, 23);
    a = next(a, b, i3(b, c, d), load<u32>(source, 4), 0xa4beea44, 4);
    d = next(d, a, i3(a, b, c), load<u32>(source, 16), 0x4bdecfa9, 11);
    c = next(c, d, i3(d, a, b), load<u32>(source, 28), 0xf6bb4b60, 16);
    b = next(b, c, i3(c, d, a), load<u32>(source, 40), 0xbebfbc70, 23);
    a = next(a, b, i3(b, c, d), load<u32>(source, 52), 0x289b7ec6, 4);
    d = next(d, a, i3(a, b, c), load<u32>(source, 0), 0xeaa127fa, 11);
    c = next(c, d, i3(d, a, b), load<u32>(source, 12), 0xd4ef3085, 16);
    b = next(b, c, i3(c, d, a), load<u32>(source, 24), 0x04881d05, 23);
    a = next(a, b, i3(b, c, d), load<u32>(source, 36), 0xd9d4d039, 4);
    d = next(d, a, i3(a, b, c), load<u32>(source, 48), 0xe6db99e5, 11);
    c = next(c, d, i3(d, a, b), load<u32>(source, 60), 0x1fa27cf8, 16);
    b = next(b, c, i3(c, d, a), load<u32>(source, 8), 0xc4ac5665, 23);
    a = next(a, b, i4(b, c, d), load<u32>(source, 0), 0xf4292244, 6);
    d = next(d, a, i4(a, b, c), load<u32>(source, 28), 0x432aff97, 10);
    c = next(c, d, i4(d, a, b), load<u32>(source, 56), 0xab9423a7, 15);
    b = next(b, c, i4(c, d, a), load<u32>(source, 20), 0xfc93a039, 21);
    a = next(a, b, i4(b, c, d), load<u32>(source, 48), 0x655b59c3, 6);
    d = next(d, a, i4(a, b, c), load<u32>(source, 12), 0x8f0ccc92, 10);
    c = next(c, d, i4(d, a, b), load<u32>(source, 40), 0xffeff47d, 15);
    b = next(b, c, i4(c, d, a), load<u32>(source, 4), 0x85845dd1, 21);
    a = next(a, b, i4(b, c, d), load<u32>(source, 32), 0x6fa87e4f, 6);
    d = next(d, a, i4(a, b, c), load<u32>(source, 60), 0xfe2ce6e0, 10);
    c = next(c, d, i4(d, a, b), load<u32>(source, 24), 0xa3014314, 15);
    b = next(b, c, i4(c, d, a), load<u32>(source, 52), 0x4e0811a1, 21);
    a = next(a, b, i4(b, c, d), load<u32>(source, 16), 0xf7537e82, 6);
    d = next(d, a, i4(a, b, c), load<u32>(source, 44), 0xbd3af235, 10);
    c = next(c, d, i4(d, a, b), load<u32>(source, 8), 0x2ad7d2bb, 15);
    b = next(b, c, i4(c, d, a), load<u32>(source, 36), 0xeb86d391, 21);
    a += a0; b += b0; c += c0; d += d0;
  }
  store<u32>(state, a); store<u32>(state, b, 4); store<u32>(state, c, 8); store<u32>(state, d, 12);
}

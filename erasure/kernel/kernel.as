/**
 * The one hot loop of Reed-Solomon coding: several outputs, each a sum of products of all inputs
 * with constants of GF(2^8), in one pass over the inputs. AssemblyScript; `build.ts` assembles it
 * three times: with relaxed SIMD, with plain SIMD, without SIMD. All three give the same bytes.
 *
 * A product by a constant c is linear over XOR, so c·x = c·(low nibble) ^ c·(high nibble · 16): two
 * look-ups in tables of 16 bytes, which is what a byte shuffle does for 16 bytes at once.
 *
 * Rows (outputs) go in groups of GROUP; the last group may be smaller. Tables, in the order in which
 * they are read: for each group, for each input, for each row of the group 32 bytes: the products
 * of the 16 low nibbles, then those of the 16 high nibbles.
 */

const GROUP: i32 = 4;
/** Bytes of each piece that one turn of the loop takes: two vectors, to halve the table loads. */
const STEP: usize = 32;
const TABLE: usize = 32;
/** Inputs of one block of columns stay in the cache while all groups of rows pass over them. */
const BLOCK_BYTES: usize = 128 * 1024;

/** Numbers of rows as types, so that each gets a loop of its own: the size of a type is constant. */
@unmanaged class One { a: u8; }
@unmanaged class Two extends One { b: u8; }
@unmanaged class Three extends Two { c: u8; }
@unmanaged class Four extends Three { d: u8; }

/**
 * outputs[r][from, to) = sum over c of coefficient[r][c] * inputs[c][from, to)
 *
 * `inputs` and `outputs` point at lists of addresses. `from` and `to` are multiples of 32. With
 * `add` the sum is added to what stands in the outputs. No output may be an input.
 */
export function product(
  tables: usize,
  inputs: usize,
  inputCount: i32,
  outputs: usize,
  outputCount: i32,
  from: usize,
  to: usize,
  add: bool,
): void {
  let block = to - from;
  if (outputCount > GROUP) block = max((BLOCK_BYTES / <usize>inputCount) & ~(STEP - 1), 512);
  for (let start = from; start < to; start += block) {
    const end = min(start + block, to);
    let table = tables;
    for (let row = 0; row < outputCount; row += GROUP) {
      const rows = min(outputCount - row, GROUP);
      const group = outputs + <usize>row * sizeof<usize>();
      if (rows == 4) columns<Four>(table, inputs, inputCount, group, start, end, add);
      else if (rows == 3) columns<Three>(table, inputs, inputCount, group, start, end, add);
      else if (rows == 2) columns<Two>(table, inputs, inputCount, group, start, end, add);
      else columns<One>(table, inputs, inputCount, group, start, end, add);
      table += <usize>rows * <usize>inputCount * TABLE;
    }
  }
}

/** Address number `i` of a list. */
@inline
function address(list: usize, i: i32): usize {
  return load<usize>(list + <usize>i * sizeof<usize>());
}

/** One group of rows over all columns from `start` to `end`. */
function columns<Rows>(
  tables: usize,
  inputs: usize,
  inputCount: i32,
  outputs: usize,
  start: usize,
  end: usize,
  add: bool,
): void {
  if (ASC_FEATURE_SIMD) vectors<Rows>(tables, inputs, inputCount, outputs, start, end, add);
  else integers<Rows>(tables, inputs, inputCount, outputs, start, end, add);
}

/** table[index] for 16 bytes at once; every index is 0 … 15, where both instructions agree. */
@inline
function look(table: v128, index: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? i8x16.relaxed_swizzle(table, index) : i8x16.swizzle(table, index);
}

/**
 * The sums of all rows of the group stay in registers while the inputs pass: a… left, b… right. With
 * four rows 8 sums, 4 runs of nibbles, the mask, one table and one product fill the 15 registers
 * that V8 has to give on x64; hence one table at a time.
 */
@inline
function vectors<Rows>(
  tables: usize,
  inputs: usize,
  inputCount: i32,
  outputs: usize,
  start: usize,
  end: usize,
  add: bool,
): void {
  const rows = offsetof<Rows>();
  const nibble = i8x16.splat(0x0f);
  const inputsEnd = inputs + <usize>inputCount * sizeof<usize>();
  for (let at = start; at < end; at += STEP) {
    let a0 = i8x16.splat(0), a1 = a0, a2 = a0, a3 = a0;
    let b0 = a0, b1 = a0, b2 = a0, b3 = a0;
    if (add) {
      a0 = v128.load(address(outputs, 0) + at); b0 = v128.load(address(outputs, 0) + at, 16);
      if (rows > 1) { a1 = v128.load(address(outputs, 1) + at); b1 = v128.load(address(outputs, 1) + at, 16); }
      if (rows > 2) { a2 = v128.load(address(outputs, 2) + at); b2 = v128.load(address(outputs, 2) + at, 16); }
      if (rows > 3) { a3 = v128.load(address(outputs, 3) + at); b3 = v128.load(address(outputs, 3) + at, 16); }
    }
    let table = tables;
    for (let input = inputs; input < inputsEnd; input += sizeof<usize>()) {
      const source = load<usize>(input) + at;
      const a = v128.load(source), b = v128.load(source, 16);
      const aLow = v128.and(a, nibble), aHigh = v128.and(i16x8.shr_u(a, 4), nibble);
      const bLow = v128.and(b, nibble), bHigh = v128.and(i16x8.shr_u(b, 4), nibble);
      let products = v128.load(table);
      a0 = v128.xor(a0, look(products, aLow)); b0 = v128.xor(b0, look(products, bLow));
      products = v128.load(table, 16);
      a0 = v128.xor(a0, look(products, aHigh)); b0 = v128.xor(b0, look(products, bHigh));
      if (rows > 1) {
        products = v128.load(table, 32);
        a1 = v128.xor(a1, look(products, aLow)); b1 = v128.xor(b1, look(products, bLow));
        products = v128.load(table, 48);
        a1 = v128.xor(a1, look(products, aHigh)); b1 = v128.xor(b1, look(products, bHigh));
      }
      if (rows > 2) {
        products = v128.load(table, 64);
        a2 = v128.xor(a2, look(products, aLow)); b2 = v128.xor(b2, look(products, bLow));
        products = v128.load(table, 80);
        a2 = v128.xor(a2, look(products, aHigh)); b2 = v128.xor(b2, look(products, bHigh));
      }
      if (rows > 3) {
        products = v128.load(table, 96);
        a3 = v128.xor(a3, look(products, aLow)); b3 = v128.xor(b3, look(products, bLow));
        products = v128.load(table, 112);
        a3 = v128.xor(a3, look(products, aHigh)); b3 = v128.xor(b3, look(products, bHigh));
      }
      table += <usize>rows * TABLE;
    }
    v128.store(address(outputs, 0) + at, a0); v128.store(address(outputs, 0) + at, b0, 16);
    if (rows > 1) { v128.store(address(outputs, 1) + at, a1); v128.store(address(outputs, 1) + at, b1, 16); }
    if (rows > 2) { v128.store(address(outputs, 2) + at, a2); v128.store(address(outputs, 2) + at, b2, 16); }
    if (rows > 3) { v128.store(address(outputs, 3) + at, a3); v128.store(address(outputs, 3) + at, b3, 16); }
  }
}

/** A one in each byte. */
const ONES: u64 = 0x0101010101010101;

/**
 * The same for engines without SIMD, 8 bytes in one integer, from the same tables. A byte is the sum
 * of its bits, so c·x = Σ bit · (c·2^i): the bits number i of all 8 bytes, times the byte c·2^i.
 */
@inline
function integers<Rows>(
  tables: usize,
  inputs: usize,
  inputCount: i32,
  outputs: usize,
  start: usize,
  end: usize,
  add: bool,
): void {
  const rows = <i32>offsetof<Rows>();
  for (let row = 0; row < rows; row++) {
    const output = address(outputs, row);
    for (let at = start; at < end; at += sizeof<u64>()) {
      let sum: u64 = add ? load<u64>(output + at) : 0;
      let table = tables + <usize>row * TABLE;
      for (let c = 0; c < inputCount; c++) {
        const x = load<u64>(address(inputs, c) + at);
        sum ^= (x & ONES) * load<u8>(table, 1);
        sum ^= ((x >> 1) & ONES) * load<u8>(table, 2);
        sum ^= ((x >> 2) & ONES) * load<u8>(table, 4);
        sum ^= ((x >> 3) & ONES) * load<u8>(table, 8);
        sum ^= ((x >> 4) & ONES) * load<u8>(table, 16 + 1);
        sum ^= ((x >> 5) & ONES) * load<u8>(table, 16 + 2);
        sum ^= ((x >> 6) & ONES) * load<u8>(table, 16 + 4);
        sum ^= ((x >> 7) & ONES) * load<u8>(table, 16 + 8);
        table += <usize>rows * TABLE;
      }
      store<u64>(output + at, sum);
    }
  }
}

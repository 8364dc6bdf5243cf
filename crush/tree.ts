/**
 * The weights of a tree bucket: a binary tree over the items, numbered so that item i is node
 * 2i + 1 and the parent of two nodes lies between them. A node's height is the number of zeros at
 * the end of its number:
 *
 *             4
 *          /     \
 *         2       6
 *        / \     / \
 *       1   3   5   7      ← items 0, 1, 2, 3
 */

/** Weight of every node; the length is the number of nodes, a power of two, root at half of it. */
export function treeNodes(weights: readonly number[]): Float64Array {
  if (weights.length === 0) return new Float64Array(0);
  let levels = 1;
  while (2 ** (levels - 1) < weights.length) levels++;
  const nodes = new Float64Array(2 ** levels);
  weights.forEach((weight, i) => {
    let node = 2 * i + 1;
    for (let level = 0; level < levels; level++) {
      nodes[node] = (nodes[node] ?? 0) + weight;
      node = parent(node);
    }
  });
  return nodes;
}

/** Lowest set bit: two to the node's height. */
const unit = (node: number): number => node & -node;

function parent(node: number): number {
  const size = unit(node);
  return (node & (2 * size)) === 0 ? node + size : node - size;
}

export const leftOf = (node: number): number => node - (unit(node) >> 1);
export const rightOf = (node: number): number => node + (unit(node) >> 1);

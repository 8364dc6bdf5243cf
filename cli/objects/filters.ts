/**
 * `--exclude` and `--include`, as in the aws cli: patterns of the shell (`*` and `?` match slashes
 * too) on the name below the source; the last one that matches decides; all is included at first.
 */

export interface Filter {
  readonly include: boolean;
  readonly pattern: RegExp;
}

export type Includes = (name: string) => boolean;

/** `*`, `?`, `[abc]`, `[!abc]`; all else stands for itself. */
export function globPattern(glob: string): RegExp {
  let out = "";
  for (let i = 0; i < glob.length; i++) {
    const char = glob[i] ?? "";
    if (char === "*") out += "[^]*";
    else if (char === "?") out += "[^]";
    else if (char === "[" && glob.indexOf("]", i + 2) > 0) {
      const end = glob.indexOf("]", i + 2);
      const inside = glob.slice(i + 1, end).replace(/[\\^[\]]/g, "\\$&");
      out += `[${inside.startsWith("!") ? `^${inside.slice(1)}` : inside}]`;
      i = end;
    } else out += char.replace(/[\\^$.|+(){}[\]]/g, "\\$&");
  }
  return new RegExp(`^${out}$`, "u");
}

/** For commander: gathers both options in the order in which they were typed. */
export function filterParser(filters: Filter[], include: boolean): (glob: string) => Filter[] {
  return (glob) => {
    filters.push({ include, pattern: globPattern(glob) });
    return filters;
  };
}

export function includesAll(filters: readonly Filter[]): Includes {
  return (name) => filters.findLast(({ pattern }) => pattern.test(name))?.include ?? true;
}

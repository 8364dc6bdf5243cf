/** A part of Quarry that is measured alone, each of its cases done in several ways: ours first. */

export interface Micro {
  readonly what: string;
  /** Makes what it needs, files below `folder`. */
  open(folder: string): Promise<OpenMicro>;
}

export interface OpenMicro extends AsyncDisposable {
  readonly cases: readonly Case[];
}

export interface Case {
  readonly name: string;
  /** So many calls are under way at once. */
  readonly lanes: number;
  /** What an operation moves. */
  readonly bytes?: number;
  readonly keys?: number;
  readonly ways: readonly Way[];
}

export interface Way {
  readonly name: string;
  /** Operations of one call; default 1. */
  readonly batch?: number;
  run(): unknown;
}

/** What is ours in all tables. */
export const OURS = "quarry";

/** A package that is there in a checkout only; undefined elsewhere: that way is left out. */
export async function besides<Module>(name: string): Promise<Module | undefined> {
  try {
    return (await import(name)) as Module;
  } catch {
    console.error(`${name} is not installed: it is left out`);
    return undefined;
  }
}

/**
 * A service's table: its methods with their numbers on the wire, and which argument and which field
 * of the answer is the raw payload. The types make a table follow its interface: a missing method,
 * a payload forgotten or named wrongly do not compile.
 *
 * Numbers are for ever: a method that goes leaves a gap, a new one takes a new number.
 */
import { assert } from "../base/errors.ts";

/** Fields of (a member of) an answer that hold raw bytes. */
type PayloadField<Answer> = Answer extends
  | undefined
  | string
  | number
  | bigint
  | boolean
  | readonly unknown[]
  ? never
  : { [F in keyof Answer]-?: Answer[F] extends Uint8Array ? F : never }[keyof Answer];

interface MethodNumber {
  /** 1 … 255, unique in the service. */
  readonly id: number;
}

type ArgumentSpec<Args extends readonly unknown[]> = Args extends readonly [
  ...unknown[],
  Uint8Array,
]
  ? { /** The last argument travels raw. */ readonly payload: "last argument" }
  : { readonly payload?: never };

type AnswerSpec<Args extends readonly unknown[], Answer> = [PayloadField<Answer>] extends [never]
  ? { readonly answerPayload?: never }
  : {
      /** The field that travels raw, where the answer has it. */
      readonly answerPayload: PayloadField<Answer>;
      /** About how long it will be: the server makes room before it begins. */
      readonly answerBytes: (...args: Args) => number;
    };

type MethodSpec<Method> = Method extends (...args: infer Args) => Promise<infer Answer>
  ? MethodNumber & ArgumentSpec<Args> & AnswerSpec<Args, Answer>
  : never;

export interface ServiceTable<Service> {
  readonly name: string;
  /** 1 … 255, unique among services. */
  readonly id: number;
  readonly methods: { readonly [Name in keyof Service]-?: MethodSpec<Service[Name]> };
}

/** One method, with the types forgotten. */
export interface Method {
  /** service << 8 | method. */
  readonly code: number;
  readonly name: string;
  readonly rawArgument: boolean;
  readonly rawField: string | undefined;
  /** About how many raw bytes the answer to these arguments has. */
  readonly answerBytes: ((...args: unknown[]) => number) | undefined;
}

interface AnySpec {
  readonly id: number;
  readonly payload?: string;
  readonly answerPayload?: PropertyKey;
  readonly answerBytes?: (...args: never[]) => number;
}

export function methodsOf<Service>(table: ServiceTable<Service>): Method[] {
  const entries = Object.entries<AnySpec>(table.methods);
  const methods = entries.map(([name, spec]) => ({
    code: (table.id << 8) | spec.id,
    name,
    rawArgument: spec.payload !== undefined,
    rawField: spec.answerPayload === undefined ? undefined : String(spec.answerPayload),
    answerBytes: spec.answerBytes as ((...args: unknown[]) => number) | undefined,
  }));
  assert(new Set(methods.map((m) => m.code)).size === methods.length, "method ids are unique");
  assert(
    entries.every(([, { id }]) => id >= 1 && id <= 255) && table.id >= 1 && table.id <= 255,
    "ids are 1 … 255",
  );
  return methods;
}

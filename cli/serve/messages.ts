/** What the storing process and its gateway processes tell each other. */
import type { Face } from "./face.ts";
import type { ServeSettings } from "./settings.ts";

export type ToGateway =
  | {
      readonly kind: "start";
      readonly settings: ServeSettings;
      readonly socketPath: string;
      /** Hex. */
      readonly secret: string;
    }
  | { readonly kind: "scraped"; readonly id: number; readonly text: string }
  /** Answer what is under way and end. */
  | { readonly kind: "stop" };

export type FromGateway =
  | { readonly kind: "started" }
  | ({ readonly kind: "ready" } & Pick<Face, "url" | "more">)
  /** Asks for the numbers of all processes. */
  | { readonly kind: "scrape"; readonly id: number }
  | { readonly kind: "failed"; readonly message: string };

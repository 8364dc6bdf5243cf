/**
 * TLS below the framing: both sides show a certificate of one authority; the cluster secret is proved
 * on top. A certificate can be changed while connections are open: those go on, new ones use the new.
 */
import { X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContext, type SecureContextOptions } from "node:tls";
import type { Clock } from "../base/clock.ts";
import { QuarryError } from "../base/errors.ts";

/** Everything in PEM. */
export interface Certificates {
  /** This process's, and those between it and the authority. */
  readonly cert: string;
  readonly key: string;
  /** The authorities that sign the certificates of peers. */
  readonly ca: string;
}

/** Who this process is, and whom it believes. */
export class TlsIdentity {
  readonly #clock: Clock;
  #options: SecureContextOptions;
  #context: SecureContext;
  readonly #onChange = new Set<() => void>();

  /** @throws QuarryError `InvalidArgument` when the certificates are of no use. */
  constructor(certificates: Certificates, clock: Clock) {
    this.#clock = clock;
    this.#options = optionsOf(certificates);
    this.#context = contextOf(this.#options, certificates, clock);
  }

  get options(): SecureContextOptions {
    return this.#options;
  }

  get context(): SecureContext {
    return this.#context;
  }

  /**
   * Takes other certificates for new connections.
   * @throws QuarryError `InvalidArgument` when they are of no use; the old ones stay.
   */
  replace(certificates: Certificates): void {
    const options = optionsOf(certificates);
    this.#context = contextOf(options, certificates, this.#clock);
    this.#options = options;
    for (const tell of this.#onChange) tell();
  }

  /** Calls `tell` at every change; answers how to stop that. */
  onChange(tell: () => void): () => void {
    this.#onChange.add(tell);
    return () => this.#onChange.delete(tell);
  }
}

const optionsOf = ({ cert, key, ca }: Certificates): SecureContextOptions => ({
  ...{ cert, key, ca },
  minVersion: "TLSv1.3",
});

function contextOf(
  options: SecureContextOptions,
  { cert, ca }: Certificates,
  clock: Clock,
): SecureContext {
  try {
    const own = new X509Certificate(cert);
    const authority = new X509Certificate(ca);
    for (const [what, one] of [
      ["certificate", own],
      ["authority's certificate", authority],
    ] as const) {
      const words = outOfTime(one, clock.nowMs());
      if (words !== undefined) throw new Error(`the ${what} (${one.subject}) ${words}`);
    }
    return createSecureContext(options);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new QuarryError("InvalidArgument", `certificate, key or authority: ${why}`, {
      cause: error,
    });
  }
}

function outOfTime({ validFrom, validTo }: X509Certificate, nowMs: number): string | undefined {
  if (Date.parse(validTo) < nowMs) return `expired on ${validTo}`;
  if (Date.parse(validFrom) > nowMs) return `is not valid before ${validFrom}`;
  return undefined;
}

/** What went wrong with the certificate of a peer, in words; undefined for other errors. */
export function certificateFault(code: string, message: string): string | undefined {
  switch (code) {
    case "CERT_HAS_EXPIRED":
      return "the peer's certificate has expired: give it a new one";
    case "CERT_NOT_YET_VALID":
      return "the peer's certificate is not valid yet: check the clocks of both machines";
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return `the peer's certificate is for another name: it must name the address under which the peer is called (${message})`;
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "UNABLE_TO_GET_ISSUER_CERT":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
    case "CERT_SIGNATURE_FAILURE":
    case "INVALID_CA":
      return `the peer's certificate is not signed by an authority that this process believes (${code})`;
    case "ECONNRESET":
    case "ERR_SSL_WRONG_VERSION_NUMBER":
    case "ERR_SSL_PACKET_LENGTH_TOO_LONG":
      return "the peer ended the connection, or did not speak TLS: does it use certificates too?";
    default:
      return undefined;
  }
}

/** Why a connection with TLS failed. */
export function tlsFailure(error: NodeJS.ErrnoException): string {
  return certificateFault(error.code ?? "", error.message) ?? error.message;
}

/** Throws `Protocol` for the first bytes of a peer that speaks TLS, where nothing below has taken them. */
export function checkNoTls(bytes: Buffer): void {
  // records of TLS: an alert or a greeting, version 3.x
  if ((bytes[0] === 0x15 || bytes[0] === 0x16) && bytes[1] === 3)
    throw new QuarryError(
      "Protocol",
      "the peer speaks TLS: give this process certificates too (or none to the peer)",
    );
}

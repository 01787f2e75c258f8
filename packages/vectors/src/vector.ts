/** A body: text in UTF-8, or base64 of other bytes. */
export type VectorBody = { readonly text: string } | { readonly base64: string }

/** A request as it is received. */
export interface VectorRequest {
  readonly method: string
  /** The raw request target. */
  readonly target: string
  /** Header lines in their order, as `[name, value]`. */
  readonly headers: ReadonlyArray<readonly [string, string]>
  readonly body?: VectorBody
}

/** A request with its body as bytes. */
export interface ReceivedVectorRequest extends Omit<VectorRequest, 'body'> {
  readonly body?: Uint8Array
}

/** A token and its receiver. */
export interface VectorToken {
  /** The compact JWS. */
  readonly token: string
  /** The identifier of the receiver. */
  readonly audience: string
}

/** One operation of JSON Patch (RFC 6902). */
export type VectorPatch =
  | { readonly op: 'add' | 'replace'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string }

/** What an accepted vector leads to: `result`, and the facts of its kind. */
export interface AcceptedResult {
  readonly result: 'accept'
  readonly [fact: string]: unknown
}

/** How a refused vector is refused. */
export interface RefusedResult {
  readonly result: 'refuse'
  /** A name of docs/reasons.md. */
  readonly reason: string
  /** The value of `error` (protocol §8). */
  readonly code: string
  readonly status: number
  /** Where the check stands: `time`, `coverage`, `token`, … */
  readonly where: string
}

/** An answer that an agent drops. It tells nobody, so there is no code. */
export interface DroppedAnswer {
  readonly result: 'refuse'
  /** The header, the member or the claim at fault. */
  readonly member: string
}

/** One vector. `Input` is what its kind takes, and `Refused` how it is refused. */
export interface Vector<Input = unknown, Refused = RefusedResult | DroppedAnswer> {
  readonly id: string
  /** The rule that it shows, as a sentence. */
  readonly title: string
  /** The clauses of docs/protocol.md that it shows. */
  readonly clauses: readonly string[]
  /** Words of the sentence that it shows, by clause: of each clause that has several sentences. */
  readonly words?: Readonly<Record<string, string>>
  /** The clock, Unix seconds. */
  readonly at?: number
  /** The name of a receiver in world.json. */
  readonly receiver?: string
  readonly input: Input
  /** The recipe of which `input` was made. */
  readonly made?: unknown
  /** Of a refused vector: the accepted one that it differs from in one place. */
  readonly of?: string
  /** That difference in words. */
  readonly change?: string
  /** That difference as data. With a path below `/made`, `input` is made anew of the changed recipe. */
  readonly patch?: VectorPatch
  readonly expect: AcceptedResult | Refused
}

/** How a receiver is set up. */
export interface VectorReceiver {
  readonly identifier: string
  readonly authorities: readonly string[]
  /** Most seconds between `created` and now. */
  readonly window: number
  /** The kinds of credentials that are taken. */
  readonly accept: ReadonlyArray<'hwk' | 'jwks_uri' | 'agent+jwt' | 'auth+jwt'>
  readonly auth_servers: readonly string[]
  readonly agents: readonly string[] | 'any'
  readonly additional_signature_components: readonly string[]
  /** The bots that a route takes. */
  readonly bots?: readonly string[]
  /** Whether it is a resource that takes auth tokens without `agent`: those of its own agent. */
  readonly own_agent: boolean
}

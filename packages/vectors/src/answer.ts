import type { VectorBody, VectorReceiver } from './vector.js'

/** A response as it is received. */
export interface VectorResponse {
  readonly status: number
  /** Header lines in their order, as `[name, value]`. */
  readonly headers: ReadonlyArray<readonly [string, string]>
  readonly body: VectorBody
}

/** An answer that refuses a request, and the request that it is to. */
export interface VectorRefusal {
  /** The level of the request. */
  readonly level: 'anonymous' | 'pseudonymous' | 'identified' | 'authorized'
  /** Whether its method is safe. */
  readonly safe: boolean
  readonly answer: VectorResponse
}

/** What an agent asked of a token endpoint. */
export interface VectorAsked {
  readonly request_type: string
  readonly auth_server: string
  readonly resource: string
  readonly agent: string
  readonly delegate?: string
  /** The thumbprint of the key that signed the request. */
  readonly jkt: string
  readonly scope: readonly string[]
  readonly purposes?: string
  readonly operation_digest?: string
}

/** An answer of a token endpoint, and what the agent asked for. */
export interface VectorTokenAnswer {
  readonly asked: VectorAsked
  readonly answer: { readonly status: number; readonly json: Readonly<Record<string, unknown>> }
}

/** A directory of the keys of a bot as it is fetched, and the key that is asked for. */
export interface VectorBotDirectory {
  readonly bot: string
  /** The thumbprint of the key. */
  readonly keyid: string
  readonly response: VectorResponse
}

/** world.json: who takes part. */
export interface VectorWorld {
  readonly warning: string
  /** The usual clock, Unix seconds. */
  readonly time: number
  /** Private JWKs by the name of their holder. They are published: anyone can sign with them. */
  readonly keys: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** What participants publish, by URL. */
  readonly documents: Readonly<Record<string, unknown>>
  /** What is fetched with its header lines, by URL. */
  readonly responses: Readonly<Record<string, VectorResponse>>
  readonly receivers: Readonly<Record<string, VectorReceiver>>
}

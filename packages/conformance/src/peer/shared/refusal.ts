/** What a peer answers. */
export interface PeerAnswer {
  readonly status: number
  /** The reason phrase, where it is not the usual one. */
  readonly phrase?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** What is sent in place of a body, bit by bit. */
  readonly events?: AsyncIterable<string>
  /** Keeps the answer open until it calls `end`, and returns what is called once it has ended. */
  readonly open?: (end: () => void) => () => void
}

/** What a refusal says beside its code. */
export interface RefusalDetails {
  /** A stable name of what is wrong. */
  readonly reason: string
  /** Names the claim, component or condition at fault. */
  readonly text: string
  readonly headers?: Readonly<Record<string, string>>
  /** Further members of the body. */
  readonly members?: Readonly<Record<string, unknown>>
}

/** A request that is refused. @see protocol §8 */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly status: number
  readonly error: string
  readonly details: RefusalDetails

  constructor(status: number, error: string, details: RefusalDetails) {
    super(`${error}: ${details.text}`)
    this.status = status
    this.error = error
    this.details = details
  }

  /** The same refusal with more headers or members. */
  with(more: Partial<Pick<RefusalDetails, 'headers' | 'members'>>): Refusal {
    const headers = { ...this.details.headers, ...more.headers }
    const members = { ...this.details.members, ...more.members }
    return new Refusal(this.status, this.error, { ...this.details, headers, members })
  }
}

/** Makes refusals of one status and code. */
export type Refusing = (reason: string, text: string) => Refusal

/** The refusals of one status and code. */
export const refusing =
  (status: number, error: string): Refusing =>
  (reason, text) =>
    new Refusal(status, error, { reason, text })

export const badRequest: Refusing = refusing(400, 'invalid_request')
export const badSignature: Refusing = refusing(401, 'invalid_signature')
export const badScheme: Refusing = refusing(401, 'unsupported_scheme')
export const badKey: Refusing = refusing(401, 'unsupported_algorithm')
export const replayed: Refusing = refusing(401, 'replay_detected')
export const badDocument: Refusing = refusing(401, 'discovery_failed')
export const deniedByPolicy: Refusing = refusing(403, 'policy_denied')
export const tooLarge: Refusing = refusing(413, 'invalid_request')
export const badMediaType: Refusing = refusing(415, 'invalid_request')
export const headerTooLarge: Refusing = refusing(431, 'invalid_request')

/** A refusal as it is answered. */
export function refusalAnswer({ status, error, details }: Refusal): PeerAnswer {
  const { reason, text, headers, members } = details
  return {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', vary: 'Signature-Key', ...headers },
    body: JSON.stringify({ error, reason, error_description: text, ...members }),
  }
}

/** JSON that no cache keeps. */
export function jsonAnswer(body: object, status = 200): PeerAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: JSON.stringify(body),
  }
}

import { parseJson } from '@countersign/protocol/internal'

/** Characters of a credential in a form: one without certificates has a few thousand at most. */
const longest = 8192
const base64url = /^[A-Za-z0-9_-]+$/

/** A credential as `PublicKeyCredential.toJSON` gives it: all texts are base64url. */
export interface PasskeyCredential {
  readonly id: string
  readonly rawId: string
  readonly type: 'public-key'
  readonly clientExtensionResults: Readonly<Record<string, never>>
  readonly response: {
    readonly clientDataJSON: string
    /** Of a new passkey. */
    readonly attestationObject?: string
    /** Of a signature. */
    readonly authenticatorData?: string
    readonly signature?: string
    readonly userHandle?: string
  }
}

/** What a browser says of the page on which a passkey was used. */
export interface ClientData {
  readonly challenge: string
  /** The page was framed by another origin. */
  readonly crossOrigin: boolean
}

/** Reads a credential from a form; undefined for anything else. */
export function readCredential(text: string | undefined): PasskeyCredential | undefined {
  if (text === undefined || text.length > longest) return undefined
  const { id, type, response } = membersOf(text)
  if (!isText(id) || type !== 'public-key' || typeof response !== 'object' || response === null) return undefined
  const given: Readonly<Record<string, unknown>> = { ...response }
  const { clientDataJSON } = given
  if (!isText(clientDataJSON)) return undefined
  const texts = ['attestationObject', 'authenticatorData', 'signature', 'userHandle'].flatMap(name =>
    isText(given[name]) ? [[name, given[name]] as const] : [],
  )
  return {
    id,
    rawId: id,
    type,
    clientExtensionResults: {},
    response: { clientDataJSON, ...Object.fromEntries(texts) },
  }
}

/** Reads the challenge that a credential answers. It is trusted only once the credential's signature is verified. */
export function clientDataOf({ response }: PasskeyCredential): ClientData | undefined {
  const { challenge, crossOrigin, topOrigin } = membersOf(
    Buffer.from(response.clientDataJSON, 'base64url').toString('utf8'),
  )
  if (!isText(challenge)) return undefined
  return { challenge, crossOrigin: topOrigin !== undefined || (crossOrigin !== undefined && crossOrigin !== false) }
}

function membersOf(json: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = parseJson(json)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && base64url.test(value)
}

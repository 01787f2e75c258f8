import { createHash, createPrivateKey, sign } from 'node:crypto'
import {
  HttpSigError,
  importVerifyKey,
  type OpenOptions,
  openSignature,
  type ReceivedMessage,
  verifySignature,
} from './index.js'

// A signer of its own, so that a fault in the signer under test cannot hide one in the verifier.

export const NOW: number = 1_750_000_000

// RFC 9421 appendix B.1.4.
export const privateMembers = {
  kty: 'OKP',
  crv: 'Ed25519',
  x: 'JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs',
  d: 'n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU',
} as const
export const inlineKey: string = `hwk;alg="Ed25519";kty="OKP";crv="Ed25519";x="${privateMembers.x}"`

const privateKey = createPrivateKey({ format: 'jwk', key: { ...privateMembers } })

/** What is signed: every part can be bent. */
export interface Draft {
  readonly method: string
  readonly target: string
  readonly authority: string
  readonly label: string
  /** Identifiers as written, quotes included. */
  readonly components: readonly string[]
  readonly parameters: string
  readonly signatureKey: string
  readonly headers: ReadonlyArray<readonly [string, string]>
  readonly body?: string
  /** Values of components the fixture cannot derive. */
  readonly values: Readonly<Record<string, string>>
}

export const get: Draft = {
  method: 'GET',
  target: '/events',
  authority: 'calendar.example',
  label: 'sig',
  components: ['"@method"', '"@authority"', '"@path"', '"signature-key"'],
  parameters: `;created=${NOW}`,
  signatureKey: inlineKey,
  headers: [['Host', 'calendar.example']],
  values: {},
}

export function digestOf(body: string, algorithm = 'sha256'): string {
  return createHash(algorithm).update(body).digest('base64')
}

/** A POST that is in order. */
export function post(body = '{"title":"lunch"}'): Draft {
  return {
    ...get,
    method: 'POST',
    components: [...get.components, '"content-type"', '"content-digest"'],
    headers: [...get.headers, ['Content-Type', 'application/json'], ['Content-Digest', `sha-256=:${digestOf(body)}:`]],
    body,
  }
}

function componentOf(draft: Draft, identifier: string): string {
  const given = draft.values[identifier]
  if (given !== undefined) return given
  const name = identifier.slice(1, identifier.indexOf('"', 1))
  const [path = ''] = draft.target.split('?')
  const derived: Record<string, string> = {
    '@method': draft.method,
    '@authority': draft.authority,
    '@path': path,
    '@query': draft.target.slice(path.length),
    '@scheme': 'https',
    '@request-target': draft.target,
    '@target-uri': `https://${draft.authority}${draft.target}`,
    'signature-key': `${draft.label}=${draft.signatureKey}`,
  }
  return (
    derived[name] ??
    draft.headers
      .filter(([key]) => key.toLowerCase() === name)
      .map(([, value]) => value.trim())
      .join(', ')
  )
}

/** Signs a draft whatever it says. */
export function send(draft: Draft): ReceivedMessage {
  const input = `(${draft.components.join(' ')})${draft.parameters}`
  const lines = draft.components.map(identifier => `${identifier}: ${componentOf(draft, identifier)}`)
  const base = [...lines, `"@signature-params": ${input}`].join('\n')
  const signature = sign(null, Buffer.from(base, 'latin1'), privateKey).toString('base64')
  return {
    method: draft.method,
    target: draft.target,
    headers: [
      ...draft.headers,
      ['Signature-Input', `${draft.label}=${input}`],
      ['Signature', `${draft.label}=:${signature}:`],
      ['Signature-Key', `${draft.label}=${draft.signatureKey}`],
    ],
    ...(draft.body === undefined ? {} : { body: new TextEncoder().encode(draft.body) }),
  }
}

/** The message with every line of a header set to `value`, or removed. */
export function withHeader(message: ReceivedMessage, name: string, value: string | undefined): ReceivedMessage {
  const rest = message.headers.filter(([key]) => key.toLowerCase() !== name)
  return { ...message, headers: value === undefined ? rest : [...rest, [name, value]] }
}

/** The message with one more header line. */
export function withLine(message: ReceivedMessage, name: string, value: string): ReceivedMessage {
  return { ...message, headers: [...message.headers, [name, value]] }
}

export function headerOf(message: ReceivedMessage, name: string): string {
  return message.headers.find(([key]) => key.toLowerCase() === name)?.[1] ?? ''
}

export const options: OpenOptions = { authorities: ['calendar.example'], scheme: 'https', now: () => NOW }

/** `accepted`, or status and code of the refusal. Anything but an HttpSigError is thrown on. */
export async function verdict(message: ReceivedMessage, change: Partial<OpenOptions> = {}): Promise<string> {
  try {
    const opened = openSignature(message, { ...options, ...change })
    const jwk =
      opened.signatureKey.scheme === 'hwk'
        ? opened.signatureKey.jwk
        : ({ kty: 'OKP', crv: 'Ed25519', alg: 'Ed25519', x: privateMembers.x } as const)
    await verifySignature(opened, await importVerifyKey(jwk))
    return 'accepted'
  } catch (error) {
    if (error instanceof HttpSigError) return `${error.status} ${error.code}`
    throw error
  }
}

export const refused: string = '401 invalid_signature'

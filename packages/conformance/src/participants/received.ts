import { createHash, createPublicKey, verify } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import { headerValue } from '../wire/message.js'
import { parseDictionary } from '../wire/structured-field.js'
import type { Visit } from './origin.js'

/** What the signature of a request shows. */
export interface ReceivedSignature {
  readonly scheme: string
  /** Parameters of the one member of `Signature-Key`. */
  readonly keyParameters: Readonly<Record<string, unknown>>
  readonly components: readonly string[]
  readonly parameters: Readonly<Record<string, unknown>>
  /** The bytes that were signed. */
  readonly base: string
  readonly signature: Buffer
}

/** Reads the signature of a request; undefined where it has none that can be read. */
export function receivedSignature(visit: Visit, authority: string): ReceivedSignature | undefined {
  try {
    const [label, key] = [...parseDictionary(headerValue(visit, 'signature-key') ?? '')][0] ?? []
    const input = headerValue(visit, 'signature-input') ?? ''
    const found = label === undefined ? undefined : parseDictionary(input).get(label)
    const bytes =
      label === undefined ? undefined : parseDictionary(headerValue(visit, 'signature') ?? '').get(label)?.[0]
    if (key === undefined || found === undefined || !Array.isArray(found[0]) || !Buffer.isBuffer(bytes))
      return undefined
    const components = found[0].map(([name]) => String(name))
    const lines = components.map(name => `"${name}": ${valueIn(visit, authority, name)}\n`)
    return {
      scheme: String(key[0]),
      keyParameters: Object.fromEntries(key[1]),
      components,
      parameters: Object.fromEntries(found[1]),
      // Agents write one member, as it is serialised.
      base: `${lines.join('')}"@signature-params": ${input.slice(input.indexOf('=') + 1)}`,
      signature: bytes,
    }
  } catch {
    return undefined
  }
}

function valueIn(visit: Visit, authority: string, name: string): string {
  const [path = '', ...query] = visit.target.split('?')
  if (name === '@method') return visit.method
  if (name === '@authority') return authority
  if (name === '@path') return path
  if (name === '@query') return `?${query.join('?')}`
  // The suite plays its participants on loopback.
  if (name === '@scheme') return 'http'
  if (name === '@request-target') return visit.target
  if (name === '@target-uri') return `http://${authority}${visit.target}`
  return headerValue(visit, name) ?? ''
}

/** Whether the signature verifies under a public Ed25519 or ES256 key. */
export function verifies({ base, signature }: ReceivedSignature, jwk: Readonly<Record<string, unknown>>): boolean {
  try {
    const key = createPublicKey({ key: { ...jwk }, format: 'jwk' })
    const data = Buffer.from(base, 'latin1')
    return jwk['kty'] === 'OKP'
      ? verify(null, data, key, signature)
      : verify('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, signature)
  } catch {
    return false
  }
}

/** Whether `Content-Digest` has the sha-256 of the body. */
export function hasRightDigest(visit: Visit): boolean {
  const digest = createHash('sha256').update(visit.body).digest('base64')
  return (headerValue(visit, 'content-digest') ?? '').includes(`sha-256=:${digest}:`)
}

/** What a request was answered, as text like that of {@link visitBytes}; no byte where nothing was answered. */
export function replyBytes({ reply }: Visit): Buffer {
  if (reply === undefined) return Buffer.alloc(0)
  const { status = 200, headers = {}, body } = reply
  const head = Object.entries(headers).flatMap(([name, values]) =>
    [values].flat().map(value => `${name}: ${value}\r\n`),
  )
  const line = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`
  return Buffer.concat([Buffer.from(`${line}${head.join('')}\r\n`, 'latin1'), Buffer.from(body)])
}

/** A request as it came, to show it: Node has read its head already. */
export function visitBytes({ method, target, headers, body }: Visit): Buffer {
  const head = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  return Buffer.concat([Buffer.from(`${method} ${target} HTTP/1.1\r\n${head}\r\n`, 'latin1'), body])
}

import { importSigningKey, type SignatureKey, type SigningKey, signRequest } from '@countersign/httpsig'
import type { InspectSettings } from './token.js'

export const NOW: number = 1_750_000_000
export const settings: InspectSettings = { development: false, now: NOW }

/** RFC 9421 appendix B.1.4. */
export const holder: SigningKey = await importSigningKey({
  kty: 'OKP',
  crv: 'Ed25519',
  alg: 'Ed25519',
  x: 'JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs',
  d: 'n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU',
})
/** RFC 8037 appendix A.1. */
export const issuer: SigningKey = await importSigningKey({
  kty: 'OKP',
  crv: 'Ed25519',
  alg: 'Ed25519',
  x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
  d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A',
})

/** What is written down of a request, and how it is signed. */
export interface Written {
  readonly method?: string
  readonly url?: string
  /** The target in the file, when it differs from the one signed. */
  readonly target?: string
  readonly host?: string
  readonly body?: string
  /** The body in the file, when it differs from the one signed. */
  readonly sentBody?: string
  readonly key?: SigningKey
  readonly signatureKey?: SignatureKey
  readonly created?: number
  readonly lineEnd?: '\r\n' | '\n'
}

/** A captured raw request. */
export async function rawRequest(o: Written = {}): Promise<Uint8Array> {
  const { url = 'https://calendar.example/events', body, key = holder, lineEnd = '\r\n' } = o
  const { host, pathname, search } = new URL(url)
  const method = o.method ?? (body === undefined ? 'GET' : 'POST')
  const headers: Array<readonly [string, string]> = body === undefined ? [] : [['Content-Type', 'application/json']]
  const signed = await signRequest({
    method,
    url,
    headers,
    ...(body !== undefined && { body: new TextEncoder().encode(body) }),
    key,
    signatureKey: o.signatureKey ?? { scheme: 'hwk', jwk: key.publicJwk },
    now: () => o.created ?? NOW,
    nonce: 'bm9uY2Vub25jZQ',
  })
  const lines = [['Host', o.host ?? host], ...headers, ...signed].map(line => line.join(': '))
  const head = [`${method} ${o.target ?? pathname + search} HTTP/1.1`, ...lines, '', '']
  return new TextEncoder().encode(head.join(lineEnd) + (o.sentBody ?? body ?? ''))
}

import { generateSigningKey, importSigningKey, parseSignatureKey, signRequest } from '@countersign/httpsig'
import type { ShownMessage } from '../explorer/contract.js'
import { privateKeysIn, readJson } from './secrets.js'
import { thiefAgent } from './thief-agent.js'

/** Sends a request as a thief, with what the thief has. */
export function steal(url: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers)
  headers.set('user-agent', thiefAgent)
  return fetch(url, { ...init, headers })
}

type Key = Awaited<ReturnType<typeof generateSigningKey>>

/** A key of a thief's own. */
export const thiefKey = (): Promise<Key> => generateSigningKey()

/** The key in the state file of a delegate. */
export async function delegateKey(file: string): Promise<Key> {
  const [name] = privateKeysIn(readJson(file)).map(({ member }) => member.replace(/\.d$/, ''))
  return importSigningKey(readJson(file)[name ?? ''] as Parameters<typeof importSigningKey>[0])
}

/** The token that a signed message shows. */
export function tokenIn(message: ShownMessage): string {
  const { key } = parseSignatureKey(headerOf(message, 'signature-key'))
  if (key.scheme !== 'jwt') throw new TypeError('this message shows no token')
  return key.jwt
}

/** The headers of a request that shows a token, signed by a key. */
export async function signedHeaders(
  url: string,
  { jwt, key, body }: { readonly jwt: string; readonly key: Key; readonly body?: object },
): Promise<Record<string, string>> {
  const headers: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' }
  const added = await signRequest({
    ...{ method: body === undefined ? 'GET' : 'POST', url, key, headers: Object.entries(headers) },
    ...(body === undefined ? {} : { body: new TextEncoder().encode(JSON.stringify(body)) }),
    signatureKey: { scheme: 'jwt', jwt },
  })
  return { ...headers, ...Object.fromEntries(added) }
}

/** The headers of a message that a signature is made of, and what it covers. */
export function capturedHeaders({ request }: ShownMessage): Record<string, string> {
  const kept = ['signature', 'signature-input', 'signature-key', 'content-digest', 'content-type']
  return Object.fromEntries(request.headers.filter(([name]) => kept.includes(name.toLowerCase())))
}

function headerOf({ request }: ShownMessage, name: string): string {
  return request.headers.find(([known]) => known.toLowerCase() === name)?.[1] ?? ''
}

import { createHash, createPublicKey, type JsonWebKey, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './processes.fixture.js'

/** One request and its response, as docs/worked-messages.json has them. */
export interface WorkedMessage {
  readonly name: string
  readonly time: number
  readonly request: {
    readonly method: string
    readonly url: string
    readonly target: string
    readonly headers: ReadonlyArray<readonly [string, string]>
    readonly body?: string
  }
  readonly signature: {
    readonly label: string
    readonly base: string
    readonly jwk: JsonWebKey
    readonly value: string
  }
  readonly response: {
    readonly status: number
    readonly headers: ReadonlyArray<readonly [string, string]>
    readonly body?: string
  }
  /** The text of which the `digest` of an operation is made, where the call needs an approval. */
  readonly digested?: string
}

/** A change of an accepted request, and how it is refused. */
export interface RefusedRequest extends Pick<WorkedMessage, 'time' | 'request'> {
  /** The message that was changed. */
  readonly of: string
  readonly change: string
  readonly answer: { readonly status: number; readonly error: string }
}

/** docs/worked-messages.json. */
export interface WorkedMessages {
  readonly documents: Readonly<Record<string, { readonly auth_servers?: readonly string[] }>>
  readonly tokens: ReadonlyArray<{
    readonly first: string
    readonly jwt: string
    readonly header: Readonly<Record<string, unknown>>
    readonly claims: Readonly<Record<string, unknown>>
  }>
  readonly messages: readonly WorkedMessage[]
  readonly refused: readonly RefusedRequest[]
}

/** The committed vectors. */
export function workedMessages(): WorkedMessages {
  return JSON.parse(readFileSync(join(root, 'docs/worked-messages.json'), 'utf8'))
}

/** A message of docs/worked-messages.md: what its blocks say, read without the code of any package. */
export interface PrintedMessage {
  readonly heading: string
  readonly request: PrintedHttp
  readonly response: PrintedHttp
  readonly base: string
  readonly publicKey: JsonWebKey
  readonly signature: string
  /** Decoded tokens, header and claims. */
  readonly tokens: ReadonlyArray<readonly [header: unknown, claims: unknown]>
}

interface PrintedHttp {
  readonly first: string
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

/** Every message of the page. */
export function printedMessages(page: string): PrintedMessage[] {
  return page
    .split(/^## (?=\d)/m)
    .slice(1)
    .map(section => {
      const [own = ''] = section.split(/^## /m)
      const blocks = [...own.matchAll(/^```\w*\n([\s\S]*?)\n```$/gm)].map(([, text = '']) => text)
      const [request = '', base = '', key = '', response = '', ...rest] = blocks
      const tokens = rest.filter(block => block.startsWith('{'))
      const [jwk = '', signature = ''] = key.split('\n')
      return {
        heading: own.split('\n')[0] ?? '',
        request: printedHttp(request),
        response: printedHttp(response),
        base,
        publicKey: JSON.parse(jwk),
        signature,
        tokens: tokens.map(token => {
          const [header = '', claims = ''] = token.split('\n.\n')
          return [JSON.parse(header), JSON.parse(claims)] as const
        }),
      }
    })
}

/** What the page says is published, by URL. */
export function printedDocuments(page: string): ReadonlyMap<string, Readonly<Record<string, unknown>>> {
  const found = page.matchAll(/^`(https:\S+)`\n\n```json\n([\s\S]*?)\n```$/gm)
  return new Map([...found].map(([, url = '', text = '']) => [url, JSON.parse(text)]))
}

function printedHttp(text: string): PrintedHttp {
  const [head = '', body = ''] = text.split('\n\n')
  const [first = '', ...lines] = head.split('\n')
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(': ')
    return [line.slice(0, colon), line.slice(colon + 2)]
  })
  return { first, headers: new Map(headers), body }
}

/** A request's signature base by a reading of RFC 9421 §2.5 of its own: enough for the components that AAuth covers. */
export function baseOf({ first, headers }: PrintedHttp): string {
  const [method = '', target = ''] = first.split(' ')
  const [path = '', query] = target.split(/(?=\?)/)
  const derived = new Map([
    ['@method', method],
    ['@authority', headers.get('host') ?? ''],
    ['@path', path],
    ['@query', query ?? ''],
  ])
  const input = (headers.get('signature-input') ?? '').replace(/^sig=/, '')
  const covered = /^\(([^)]*)\)/.exec(input)?.[1]?.split(' ') ?? []
  const lines = covered.map(written => {
    const name = written.slice(1, -1)
    return `${written}: ${derived.get(name) ?? headers.get(name) ?? ''}`
  })
  return [...lines, `"@signature-params": ${input}`].join('\n')
}

/** Whether an Ed25519 signature verifies, by Node's own cryptography. */
export function isSignedBy(jwk: JsonWebKey, text: string, signature: Buffer): boolean {
  return verify(null, Buffer.from(text, 'latin1'), createPublicKey({ key: jwk, format: 'jwk' }), signature)
}

/** A body's Content-Digest. */
export function digestOf(body: string): string {
  return `sha-256=:${createHash('sha256').update(body).digest('base64')}:`
}

/** A compact token, taken apart. */
export interface SplitToken {
  readonly header: { readonly typ: string; readonly kid: string }
  readonly claims: { readonly iss: string; readonly cnf?: { readonly jwk: JsonWebKey } }
  /** What stands before the signature. */
  readonly signed: string
  readonly signature: Buffer
}

/** Takes a compact token apart; nothing is verified. */
export function splitToken(jwt: string): SplitToken {
  const [header = '', claims = '', signature = ''] = jwt.split('.')
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())
  return {
    header: read(header),
    claims: read(claims),
    signed: `${header}.${claims}`,
    signature: Buffer.from(signature, 'base64url'),
  }
}

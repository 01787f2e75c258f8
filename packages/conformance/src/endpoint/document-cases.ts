import { createPublicKey, verify } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Case } from '../case/case.js'
import { isDocumentType } from '../case/document-type.js'
import type { Trial } from '../case/trial.js'
import { readToken } from '../signing/token.js'
import { headerValue, jsonBody, type WireRequest } from '../wire/message.js'
import type { EndpointStage } from './endpoint-stage.js'

const group = 'metadata'

/** A plain GET of the server under test. */
export function plainGet(stage: Pick<EndpointStage, 'authority'>, target: string): WireRequest {
  return { method: 'GET', target, headers: [['host', stage.authority]], body: Buffer.alloc(0) }
}

/** What a server publishes: its metadata and keys. */
export function documentCases<Stage extends EndpointStage>(o: {
  readonly document: 'aauth-agent' | 'aauth-issuer'
  /** Members that are its identifier. */
  readonly self: readonly string[]
  readonly clause: string
  /** Words of the sentence that says which they are. */
  readonly words: string
  /** Endpoints that it must have. */
  readonly endpoints: readonly string[]
}): Case<Stage>[] {
  const fetched = (trial: Trial, stage: Stage) =>
    trial.control('its metadata', plainGet(stage, `/.well-known/${o.document}`))
  return [
    {
      id: 'id.metadata.self',
      words: o.words,
      group,
      clauses: [o.clause],
      async run(trial, stage) {
        const response = await fetched(trial, stage)
        const document = jsonBody(response) ?? {}
        for (const name of o.self)
          trial.holds(
            `${name} is the identifier`,
            document[name] === stage.id,
            `it is ${JSON.stringify(document[name])}`,
          )
        for (const name of o.endpoints) trial.holds(`it has ${name}`, typeof document[name] === 'string')
        const type = headerValue(response, 'content-type') ?? ''
        trial.holds('the media type is that of JSON or of a key set', isDocumentType(type), `it is ${type}`)
      },
    },
    {
      id: 'id.endpoints.origin',
      group,
      async run(trial, stage) {
        const document = jsonBody(await fetched(trial, stage)) ?? {}
        trial.holds('its metadata can be read', Object.keys(document).length > 0)
        for (const [name, value] of Object.entries(document).filter(([one]) => one.endsWith('_endpoint'))) {
          const url = URL.canParse(String(value)) ? new URL(String(value)) : undefined
          trial.holds(
            `${name} is on the origin, without a query`,
            url?.origin === stage.id && url.search === '',
            String(value),
          )
        }
      },
    },
    {
      id: 'id.jwk-alg',
      words: 'must carry `alg`',
      group,
      async run(trial, stage) {
        await fetched(trial, stage)
        const keys = await publishedKeys(trial, stage)
        trial.holds('its key set has keys', keys.length > 0)
        for (const key of keys) {
          trial.holds('a key has kid and alg', typeof key['kid'] === 'string' && typeof key['alg'] === 'string')
          const secret = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'].filter(name => name in key)
          trial.holds('a key has no private member', secret.length === 0, secret.join(', '))
        }
      },
    },
  ]
}

/** Whether key sets at these URLs have the same keys: it is one URL, or they are fetched where they are on the server's own origin. */
export async function hasSameKeys(
  trial: Trial,
  stage: Pick<EndpointStage, 'authority' | 'id'>,
  [one, other]: readonly [unknown, unknown],
): Promise<boolean> {
  if (one === other) return true
  const [first, second] = [
    await publishedKeys(trial, { ...stage, metadata: { jwks_uri: one } }),
    await publishedKeys(trial, { ...stage, metadata: { jwks_uri: other } }),
  ]
  const named = (keys: typeof first) => new Map(keys.map(key => [key['kid'], key]))
  return first.length > 0 && isDeepStrictEqual(named(first), named(second))
}

/** The keys that a server publishes on its own origin. */
export async function publishedKeys(
  trial: Trial,
  stage: Pick<EndpointStage, 'authority' | 'id' | 'metadata'>,
): Promise<Readonly<Record<string, string>>[]> {
  const uri = String(stage.metadata['jwks_uri'])
  if (!uri.startsWith(`${stage.id}/`)) return []
  const { response } = await trial.sent('its key set', plainGet(stage, uri.slice(stage.id.length)))
  const keys = response === undefined ? undefined : jsonBody(response)?.['keys']
  return Array.isArray(keys) ? (keys as Readonly<Record<string, string>>[]) : []
}

/** Notes whether a token is signed by a key that the server publishes. */
export async function holdsUnderPublishedKey(
  trial: Trial,
  stage: Pick<EndpointStage, 'authority' | 'id' | 'metadata'>,
  token: string,
): Promise<void> {
  const kid = readToken(token)?.header['kid']
  const [jwk, ...more] = (await publishedKeys(trial, stage)).filter(one => one['kid'] === kid)
  trial.holds('kid of the token names one published key', jwk !== undefined && more.length === 0)
  if (jwk === undefined || jwk['kty'] !== 'OKP') return
  const [header = '', claims = '', signature = ''] = token.split('.')
  const key = createPublicKey({ key: { ...jwk }, format: 'jwk' })
  const ok = verify(null, Buffer.from(`${header}.${claims}`), key, Buffer.from(signature, 'base64url'))
  trial.holds('the token is signed by that key', ok)
}

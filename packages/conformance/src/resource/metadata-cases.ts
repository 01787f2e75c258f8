import type { Case } from '../case/case.js'
import { isDocumentType } from '../case/document-type.js'
import type { Trial } from '../case/trial.js'
import { signDraft } from '../signing/draft.js'
import { headerValue, jsonBody, type WireRequest, type WireResponse } from '../wire/message.js'
import { callerFor, draftFor, findSpecial, lowestRoute, type ResourceStage } from './stage.js'

const group = 'metadata'
const needs = ['metadata']
const path = '/.well-known/aauth-resource'
/** Scopes about the user, which are no resource's own. */
const identityScopes = ['openid', 'profile', 'email', 'address', 'phone']

const registeredNames = [
  'ed25519',
  'ecdsa-p256-sha256',
  'ecdsa-p384-sha384',
  'rsa-pss-sha512',
  'rsa-v1_5-sha256',
  'hmac-sha256',
]

function get(stage: ResourceStage, target: string): WireRequest {
  return { method: 'GET', target, headers: [['host', stage.authority]], body: Buffer.alloc(0) }
}

const fetched = (trial: Trial, stage: ResourceStage): Promise<WireResponse> =>
  trial.control('its metadata', get(stage, path))

/** What a resource publishes of itself. */
export const metadataCases: readonly Case<ResourceStage>[] = [
  {
    id: 'metadata.resource',
    words: ['`auth_servers` | list', '`additional_signature_components` | list'],
    group,
    needs,
    async run(trial, stage) {
      const document = jsonBody(await fetched(trial, stage)) ?? {}
      const { auth_servers: servers, supported_scopes: scopes, jwks_uri: jwksUri } = document
      trial.holds('jwks_uri is a URL', URL.canParse(String(jwksUri)))
      const isAuthorized = stage.configuration.routes.some(({ level }) => level === 'authorized')
      for (const [name, value] of [
        ['auth_servers', servers],
        ['supported_scopes', scopes],
      ] as const)
        if (isAuthorized || value !== undefined) trial.holds(`${name} is a list of texts`, isTexts(value))
      for (const name of ['grave_scopes', 'additional_signature_components', 'constraints_supported'])
        if (name in document) trial.holds(`${name} is a list of texts`, isTexts(document[name]))
      for (const name of ['scope_descriptions', 'purposes', 'operations', 'data_views'])
        if (name in document) trial.holds(`${name} is an object`, isObject(document[name]))
      const wanted = stage.configuration.routes.flatMap(({ scope }) =>
        scope.split(' ').filter(name => name !== '' && !identityScopes.includes(name)),
      )
      const listed = isTexts(scopes) ? scopes : []
      trial.holds(
        'supported_scopes has the scopes of the routes',
        wanted.every(name => listed.includes(name)),
      )
    },
  },
  {
    id: 'id.metadata.self',
    words: 'must both equal `ID`',
    group,
    needs,
    async run(trial, stage) {
      const response = await fetched(trial, stage)
      const document = jsonBody(response) ?? {}
      for (const name of ['issuer', 'resource'])
        trial.holds(`${name} is the identifier`, document[name] === stage.id, `it is ${JSON.stringify(document[name])}`)
      const type = headerValue(response, 'content-type') ?? ''
      trial.holds('the media type is that of JSON or of a key set', isDocumentType(type), `it is ${type}`)
    },
  },
  {
    id: 'revocation.metadata',
    words: "on the resource's own origin, without query",
    group,
    needs,
    async run(trial, stage) {
      const document = jsonBody(await fetched(trial, stage)) ?? {}
      const endpoints = Object.entries(document).filter(([name]) => name.endsWith('_endpoint'))
      trial.holds('its metadata can be read', Object.keys(document).length > 0)
      for (const [name, value] of endpoints) {
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
    id: 'id.metadata.location',
    group,
    needs,
    clauses: ['sig.alg.names'],
    async run(trial, stage) {
      const document = jsonBody(await fetched(trial, stage)) ?? {}
      const uri = String(document['jwks_uri'])
      if (!uri.startsWith(`${stage.id}/`)) {
        trial.holds('jwks_uri is elsewhere, and is not looked at', true)
        return
      }
      const keys = jsonBody(await trial.control('its key set', get(stage, uri.slice(stage.id.length))))?.['keys']
      trial.holds('keys is a list that is not empty', Array.isArray(keys) && keys.length > 0)
      for (const key of Array.isArray(keys) ? (keys as Readonly<Record<string, unknown>>[]) : []) {
        trial.holds('a key has kid and alg', typeof key['kid'] === 'string' && typeof key['alg'] === 'string')
        trial.holds('alg is no name of RFC 9421', !registeredNames.includes(String(key['alg'])), String(key['alg']))
        const secret = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'].filter(name => name in key)
        trial.holds('a key has no private member', secret.length === 0, secret.join(', '))
      }
    },
  },
  {
    id: 'cors.preflight',
    words: ['A preflight must allow', 'Credentials must never be allowed'],
    group,
    needs: ['metadata', 'cors'],
    async run(trial, stage) {
      const origin = stage.configuration.corsOrigin ?? ''
      const { configuration } = stage
      const route = configuration.routes.find(({ level }) => level !== 'anonymous') ?? configuration.routes[0]
      const response = await trial.control('a preflight of a page that may call', {
        ...get(stage, route?.target ?? '/'),
        method: 'OPTIONS',
        headers: [
          ['host', stage.authority],
          ['origin', origin],
          ['access-control-request-method', route?.method ?? 'GET'],
          ['access-control-request-headers', 'signature, signature-input, signature-key'],
        ],
      })
      const allowed = (headerValue(response, 'access-control-allow-headers') ?? '').toLowerCase()
      for (const name of [
        'signature',
        'signature-input',
        'signature-key',
        'content-digest',
        'content-type',
        'agent-interaction',
        ...(findSpecial(stage, 'bearer') === undefined ? [] : ['authorization']),
      ])
        trial.holds(`it allows ${name}`, isNamed(allowed, name), allowed)
      trial.holds('it allows no credentials', headerValue(response, 'access-control-allow-credentials') !== 'true')
    },
  },
  {
    id: 'cors.exposed',
    words: ['Responses must expose', 'Where a resource takes bearer tokens'],
    group,
    needs: ['metadata', 'cors'],
    async run(trial, stage) {
      const origin = stage.configuration.corsOrigin ?? ''
      const route = lowestRoute(stage)
      const response = await trial.control('a request of a page that may call', () => {
        const right = draftFor(stage, route, callerFor(stage, route))
        return signDraft({ ...right, headers: [...right.headers, ['origin', origin]] })
      })
      const exposed = (headerValue(response, 'access-control-expose-headers') ?? '').toLowerCase()
      for (const name of [
        'agent-auth',
        'retry-after',
        'ratelimit',
        'ratelimit-policy',
        'date',
        ...(findSpecial(stage, 'bearer') === undefined ? [] : ['www-authenticate']),
      ])
        trial.holds(`it exposes ${name}`, isNamed(exposed, name), exposed)
    },
  },
]

/** Whether a header that lists names has one; `*` stands for all where there are no credentials. */
function isNamed(listed: string, name: string): boolean {
  return listed.split(/\s*,\s*/).some(one => one === name || one === '*')
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(one => typeof one === 'string')
}

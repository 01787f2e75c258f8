import { createPublicKey, verify } from 'node:crypto'
import type { Case } from '../case/case.js'
import { formBody, postDraft } from '../case/post.js'
import { type Refusal, refusals } from '../case/refusal.js'
import { isSameScope } from '../case/same-scope.js'
import type { Trial } from '../case/trial.js'
import { type Draft, signDraft } from '../signing/draft.js'
import { makeKey } from '../signing/key.js'
import { readToken } from '../signing/token.js'
import { headerValue, jsonBody, type WireRequest } from '../wire/message.js'
import { byPublishedKey, delegate, parametersAt, pseudonym, type ResourceStage, type Signer } from './stage.js'

const group = 'resource-token'
const needs = ['authorized', 'resource-token-endpoint']

/** Path of an endpoint of the metadata. */
export function endpointTarget(stage: ResourceStage, name: string): string {
  return new URL(String(stage.metadata?.[name])).pathname
}

/** The scope that it is asked for. */
export function scopeOf(stage: ResourceStage): string {
  return stage.configuration.routes.find(({ level }) => level === 'authorized')?.scope ?? ''
}

/** A request for a resource token, where it is not the usual one. */
export interface Asked {
  readonly signer?: Signer
  readonly form?: Readonly<Record<string, string>>
  readonly body?: string
  readonly contentType?: string
  readonly change?: (draft: Draft) => Draft
}

/** A request for a resource token. */
export function ask(stage: ResourceStage, asked: Asked = {}): WireRequest {
  const { signer = byPublishedKey(stage.agent), form = { scope: scopeOf(stage) }, change = one => one } = asked
  const draft = postDraft({
    authority: stage.authority,
    scheme: stage.scheme,
    target: endpointTarget(stage, 'resource_token_endpoint'),
    signer,
    body: asked.body ?? formBody(form),
    ...(asked.contentType === undefined ? {} : { contentType: asked.contentType }),
    parameters: parametersAt(stage.now()),
  })
  return signDraft(change(draft))
}

/** A case about requests for a resource token, of which each must be refused. */
function asking(o: {
  readonly id: string
  readonly words?: string | readonly string[]
  readonly clauses?: readonly string[]
  readonly refusal: Refusal
  readonly asked: ReadonlyArray<Asked & { readonly fault: string; readonly for?: (stage: ResourceStage) => Asked }>
}): Case<ResourceStage> {
  return {
    id: o.id,
    ...(o.words === undefined ? {} : { words: o.words }),
    group,
    needs,
    ...(o.clauses === undefined ? {} : { clauses: o.clauses }),
    async run(trial, stage) {
      await trial.control('an agent asks for a resource token', () => ask(stage))
      for (const { fault, for: more, ...one } of o.asked)
        await trial.refused(fault, () => ask(stage, { ...one, ...more?.(stage) }), o.refusal)
    },
  }
}

/** RST: the resource token endpoint. */
export const endpointCases: readonly Case<ResourceStage>[] = [
  {
    id: 'resource-token-endpoint.answer',
    group,
    needs,
    clauses: [
      'token.resource.claims',
      'token.resource.life',
      'auth.resource-token.key',
      'cache.no-store',
      'token-endpoint.expires-in',
    ],
    async run(trial, stage) {
      const caller = delegate(stage)
      const response = await trial.control('a delegate asks for a resource token', () => ask(stage, { signer: caller }))
      const answer = jsonBody(response) ?? {}
      const token = readToken(String(answer['resource_token']))
      trial.holds('resource_token is a token', token !== undefined)
      trial.holds('auth_server is the auth server', answer['auth_server'] === stage.authServer.id)
      trial.holds(
        'expires_in is a whole number over 0',
        Number.isInteger(answer['expires_in']) && Number(answer['expires_in']) > 0,
      )
      trial.holds('the answer has no-store', /\bno-store\b/.test(headerValue(response, 'cache-control') ?? ''))
      const { claims = {}, header = {} } = token ?? {}
      const wanted: Readonly<Record<string, unknown>> = {
        iss: stage.id,
        aud: stage.authServer.id,
        agent: stage.agent.id,
        agent_delegate: 'delegate-1',
        agent_jkt: caller.key.thumbprint,
      }
      trial.holds('scope of the token is right', isSameScope(claims['scope'], scopeOf(stage)), String(claims['scope']))
      for (const [name, value] of Object.entries(wanted))
        trial.holds(`${name} of the token is right`, claims[name] === value, `it is ${JSON.stringify(claims[name])}`)
      trial.holds('typ of the token is resource+jwt', header['typ'] === 'resource+jwt')
      const life = Number(claims['exp']) - Number(claims['iat'])
      trial.holds('the token lives at most 10 min', life > 0 && life <= 600, `it lives ${life} s`)
      trial.holds('expires_in is the life of the token', answer['expires_in'] === life, String(answer['expires_in']))
      await verified(trial, stage, String(answer['resource_token']))
    },
  },
  asking({
    id: 'RST-18',
    refusal: { ...refusals.level, challenge: ['httpsig', 'identity'] },
    asked: [{ fault: 'a pseudonym asks', signer: pseudonym() }],
  }),
  {
    id: 'resource-token-endpoint.signed',
    group,
    needs,
    async run(trial, stage) {
      await trial.control('an agent asks for a resource token', () => ask(stage))
      const unsigned = (): WireRequest => {
        const request = ask(stage)
        return { ...request, headers: request.headers.filter(([name]) => !name.startsWith('signature')) }
      }
      await trial.refused('nobody has signed the request', unsigned, {
        ...refusals.signature,
        challenge: ['httpsig', 'identity'],
      })
    },
  },
  {
    id: 'RST-19',
    group,
    needs,
    clauses: ['token-endpoint.unknown'],
    async run(trial, stage) {
      await trial.control('an agent asks for a resource token', () => ask(stage))
      const more = {
        agent: 'https://evil.example',
        agent_jkt: 'x',
        agent_delegate: 'other',
        aud: 'x',
        exp: '9',
        sub: 'x',
      }
      const response = await trial.accepted('its form names another agent, key and delegate', () =>
        ask(stage, { form: { scope: scopeOf(stage), ...more } }),
      )
      const answer = response === undefined ? {} : (jsonBody(response) ?? {})
      const claims = readToken(String(answer['resource_token']))?.claims ?? {}
      trial.holds('agent is the caller', claims['agent'] === stage.agent.id)
      trial.holds('agent_jkt is the key of the caller', claims['agent_jkt'] === stage.agent.key.thumbprint)
      trial.holds('there is no delegate', claims['agent_delegate'] === undefined)
      trial.holds('aud is the auth server', claims['aud'] === stage.authServer.id)
      await trial.accepted('an empty parameter is absent', () =>
        ask(stage, { form: { scope: scopeOf(stage), auth_server: '' } }),
      )
    },
  },
  asking({
    id: 'RST-21',
    refusal: refusals.unknownScope,
    asked: [
      { fault: 'the scope is unknown', form: { scope: 'conformance.unknown' } },
      {
        fault: 'one of two scopes is unknown',
        for: stage => ({ form: { scope: `${scopeOf(stage)} conformance.unknown` } }),
      },
    ],
    clauses: ['error.invalid-scope'],
  }),
  asking({
    id: 'resource-token-endpoint.auth-server',
    refusal: refusals.request,
    asked: [
      {
        fault: 'the resource does not list the auth server',
        for: stage => ({ form: { scope: scopeOf(stage), auth_server: stage.otherAuthServer.id } }),
      },
    ],
  }),
  asking({
    id: 'token-endpoint.once',
    refusal: refusals.request,
    asked: [
      { fault: 'scope comes twice', for: stage => ({ body: `${formBody({ scope: scopeOf(stage) })}&scope=other` }) },
    ],
  }),
  asking({
    id: 'token-endpoint.url',
    refusal: refusals.request,
    asked: [{ fault: 'a parameter is in the URL', change: draft => ({ ...draft, target: `${draft.target}?scope=x` }) }],
  }),
  asking({
    id: 'error.media-type',
    refusal: { status: 415, error: 'invalid_request' },
    asked: [
      {
        fault: 'the body is JSON',
        for: stage => ({ body: JSON.stringify({ scope: scopeOf(stage) }), contentType: 'application/json' }),
      },
      { fault: 'the body is text', contentType: 'text/plain' },
    ],
  }),
  asking({
    id: 'token-endpoint.form',
    words: ['The body must be a form', 'has at most 100 parameters'],
    refusal: refusals.request,
    asked: [
      { fault: 'scope is missing', form: {} },
      {
        fault: 'it has a thousand parameters',
        for: stage => ({
          body: `${formBody({ scope: scopeOf(stage) })}${Array.from({ length: 1000 }, (_, at) => `&x${at}=1`).join('')}`,
        }),
      },
    ],
  }),
  asking({
    id: 'DIG-11',
    words: 'or the body has a content coding',
    refusal: { status: 415, error: 'invalid_request' },
    asked: [
      {
        fault: 'the body says that it is compressed',
        change: draft => ({ ...draft, headers: [...draft.headers, ['content-encoding', 'gzip']] }),
      },
    ],
  }),
  asking({
    id: 'limits.body',
    refusal: { status: [400, 413], error: 'invalid_request' },
    asked: [{ fault: 'the body has over 64 KiB', body: `scope=${'x'.repeat(70_000)}` }],
    clauses: ['error.body-too-large'],
  }),
  {
    id: 'error.method',
    group,
    needs,
    async run(trial, stage) {
      await trial.control('an agent asks for a resource token', () => ask(stage))
      for (const method of ['GET', 'PUT', 'DELETE']) {
        const change = (draft: Draft): Draft => ({
          ...draft,
          method,
          body: Buffer.alloc(0),
          headers: [['host', stage.authority]],
        })
        const response = await trial.refused(`the method is ${method}`, () => ask(stage, { change }), { status: 405 })
        if (response !== undefined)
          trial.holds(`the answer to ${method} has Allow: POST`, /\bPOST\b/.test(headerValue(response, 'allow') ?? ''))
      }
    },
  },
  {
    id: 'sig.replay.token-endpoints',
    group,
    needs,
    async run(trial, stage) {
      let sent = ask(stage)
      await trial.control('an agent asks for a resource token', () => {
        sent = ask(stage)
        return sent
      })
      await trial.refused('the same bytes come again', sent, refusals.replay)
    },
  },
  asking({
    id: 'sig.covered.body',
    refusal: refusals.signature,
    asked: [
      {
        fault: 'content-digest is not covered at an endpoint',
        change: draft => ({
          ...draft,
          components: ['"@method"', '"@authority"', '"@path"', '"content-type"', '"signature-key"'],
        }),
      },
      { fault: 'another key signs', for: stage => ({ signer: { ...byPublishedKey(stage.agent), key: makeKey() } }) },
    ],
  }),
]

/** Verifies a resource token under the keys that the resource publishes. */
async function verified(trial: Trial, stage: ResourceStage, token: string): Promise<void> {
  const uri = String(stage.metadata?.['jwks_uri'])
  if (!uri.startsWith(`${stage.id}/`)) return
  const { response } = await trial.sent('its key set', {
    method: 'GET',
    target: uri.slice(stage.id.length),
    headers: [['host', stage.authority]],
    body: Buffer.alloc(0),
  })
  const keys = response === undefined ? undefined : jsonBody(response)?.['keys']
  const kid = readToken(token)?.header['kid']
  const found = Array.isArray(keys) ? (keys as Record<string, string>[]).filter(one => one['kid'] === kid) : []
  trial.holds('kid names one of its published keys', found.length === 1)
  const [jwk] = found
  const [header = '', claims = '', signature = ''] = token.split('.')
  if (jwk?.['kty'] !== 'OKP') return
  const key = createPublicKey({ key: jwk, format: 'jwk' })
  const ok = verify(null, Buffer.from(`${header}.${claims}`), key, Buffer.from(signature, 'base64url'))
  trial.holds('its signature verifies under that key', ok)
}

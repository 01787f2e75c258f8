import type { Case, Variation } from '../case/case.js'
import { type Refusal, refusals } from '../case/refusal.js'
import { errorOf } from '../case/trial.js'
import { endpointVaried } from '../endpoint/endpoint-stage.js'
import { pseudonym, tokenMember } from '../resource/stage.js'
import { signDraft } from '../signing/draft.js'
import { authTokenDraft, signToken } from '../signing/token.js'
import { headerValue } from '../wire/message.js'
import { type AuthServerStage, asked, directForm, type Form, formDraft } from './stage.js'

const group = 'token-endpoint'

/** A case of forms that are wrong in one thing. */
function wrongForms(o: {
  readonly id: string
  readonly words?: string | readonly string[]
  readonly clauses?: readonly string[]
  readonly refusal: Refusal
  readonly forms: ReadonlyArray<readonly [string, (right: Readonly<Record<string, string>>) => Form]>
}): Case<AuthServerStage> {
  return {
    id: o.id,
    ...(o.words === undefined ? {} : { words: o.words }),
    group,
    ...(o.clauses === undefined ? {} : { clauses: o.clauses }),
    async run(trial, stage) {
      await trial.control('a right form', () => asked(stage, directForm(stage)))
      for (const [fault, change] of o.forms)
        await trial.refused(fault, () => asked(stage, change(directForm(stage))), o.refusal)
    },
  }
}

const text = (form: Readonly<Record<string, string>>): string => new URLSearchParams(form).toString()

/** TOK: the form of requests to the token endpoint, and who may send them. */
export const formCases: readonly Case<AuthServerStage>[] = [
  wrongForms({
    id: 'TOK-01',
    clauses: ['error.unsupported-request-type'],
    refusal: { status: 400, error: ['unsupported_request_type', 'invalid_request'] },
    forms: [
      ['request_type is missing', ({ request_type: _, ...form }) => form],
      ['request_type is empty', form => ({ ...form, request_type: '' })],
      ['request_type is AUTH', form => ({ ...form, request_type: 'AUTH' })],
      ['request_type is a grant of OAuth', form => ({ ...form, request_type: 'client_credentials' })],
      ['request_type is __proto__', form => ({ ...form, request_type: '__proto__' })],
    ],
  }),
  wrongForms({
    id: 'TOK-02',
    clauses: ['token-endpoint.once'],
    refusal: refusals.request,
    forms: [
      ['request_type comes twice', form => `${text(form)}&request_type=auth`],
      ['resource_token comes twice', form => `${text(form)}&resource_token=x`],
      ['an unknown parameter comes twice', form => `${text(form)}&x=1&x=2`],
    ],
  }),
  wrongForms({
    id: 'TOK-03',
    words: 'The body must be a form',
    refusal: { status: 400 },
    forms: [
      ['the name has brackets', form => text(form).replace('request_type=', 'request_type[]=')],
      ['the name has a key in brackets', form => text(form).replace('resource_token=', 'resource_token[$ne]=')],
    ],
  }),
  endpointVaried<AuthServerStage>({
    id: 'TOK-04',
    group,
    refusal: refusals.request,
    refused: [
      {
        fault: 'a parameter is in the URL',
        draft: draft => ({ ...draft, target: `${draft.target}?request_type=auth` }),
      },
    ],
  }),
  endpointVaried<AuthServerStage>({
    id: 'TOK-05',
    group,
    clauses: ['token-endpoint.form'],
    refusal: { status: 415, error: 'invalid_request' },
    refused: [
      ...[
        'application/json',
        'text/plain',
        'multipart/form-data; boundary=x',
        'application/x-www-form-urlencoded-x',
      ].map(
        (type): Variation => ({
          fault: `the media type is ${type}`,
          draft: draft => ({
            ...draft,
            headers: draft.headers.map(([name, value]) => [name, name === 'content-type' ? type : value]),
          }),
        }),
      ),
      {
        fault: 'the body says that it is compressed',
        draft: draft => ({ ...draft, headers: [...draft.headers, ['content-encoding', 'gzip']] }),
      },
    ],
  }),
  {
    id: 'TOK-06',
    group,
    clauses: ['error.method'],
    async run(trial, stage) {
      await trial.control('a right form', () => asked(stage, directForm(stage)))
      for (const method of ['GET', 'PUT', 'DELETE']) {
        const response = await trial.refused(`the method is ${method}`, () => signDraft({ ...stage.right(), method }), {
          status: 405,
        })
        if (response !== undefined)
          trial.holds(`the answer to ${method} has Allow: POST`, /\bPOST\b/.test(headerValue(response, 'allow') ?? ''))
      }
    },
  },
  wrongForms({
    id: 'TOK-07',
    words: ['body at a token endpoint', 'bad `%` escapes and NUL must be refused'],
    clauses: ['limits.body', 'token-endpoint.form'],
    refusal: { status: [400, 413], error: 'invalid_request' },
    forms: [
      ['it has over 64 KiB', form => ({ ...form, more: 'x'.repeat(70_000) })],
      ['an escape is broken', form => `${text(form)}&more=%zz`],
      ['it is no UTF-8', form => `${text(form)}&more=%ff%fe`],
    ],
  }),
  {
    id: 'token-endpoint.unknown',
    words: ['Unknown parameters must be ignored', 'An empty parameter is absent'],
    group,
    async run(trial, stage) {
      await trial.control('a right form', () => asked(stage, directForm(stage)))
      await trial.accepted('it has an unknown parameter', () => asked(stage, { ...directForm(stage), x_unknown: '1' }))
      await trial.accepted('scope is empty, and so absent', () => asked(stage, { ...directForm(stage), scope: '' }))
    },
  },
  {
    id: 'SCH-12',
    words: 'gets 401 `insufficient_level`',
    group,
    clauses: ['token-endpoint.identified', 'error.insufficient-level'],
    async run(trial, stage) {
      await trial.control('an agent asks', () => asked(stage, directForm(stage)))
      const refusal: Refusal = { ...refusals.level, challenge: ['httpsig', 'identity'] }
      await trial.refused('a pseudonym asks', () => asked(stage, directForm(stage), pseudonym()), refusal)
      const held = authTokenDraft(
        { ...stage.resource },
        { aud: stage.id, agent: stage.agent.id, key: stage.agent.key, scope: 'x', sub: 'x', now: stage.now() },
      )
      await trial.refused(
        'it shows an auth token in place of who it is',
        () => asked(stage, directForm(stage), { key: stage.agent.key, keyMember: tokenMember(signToken(held)) }),
        refusal,
      )
      const { method, target, headers, body } = formDraft(stage, directForm(stage))
      await trial.refused(
        'the request has no signature',
        { method, target, headers, body },
        { status: 401, challenge: ['httpsig'] },
      )
    },
  },
  {
    id: 'token-endpoint.other-typ',
    group,
    async run(trial, stage) {
      await trial.control('an agent asks', () => asked(stage, directForm(stage)))
      const held = authTokenDraft(
        { ...stage.resource },
        { aud: stage.id, agent: stage.agent.id, key: stage.agent.key, scope: 'x', sub: 'x', now: stage.now() },
      )
      const idToken = signToken({ ...held, header: { ...held.header, typ: 'JWT' } })
      await trial.refused(
        'it shows an ID token in place of who it is',
        () => asked(stage, directForm(stage), { key: stage.agent.key, keyMember: tokenMember(idToken) }),
        { ...refusals.scheme, challenge: ['httpsig', 'identity'] },
      )
    },
  },
  {
    id: 'TOK-34',
    group,
    clauses: ['error.shape', 'error.reason', 'error.server-error'],
    async run(trial, stage) {
      await trial.control('a right form', () => asked(stage, directForm(stage)))
      const answered = trial.seen.flatMap(({ sent, response }) =>
        // Pages for users are no JSON.
        response !== undefined && sent.toString('latin1', 0, 5) === 'POST ' ? [response] : [],
      )
      const refusedOnes = answered.filter(({ status }) => status === 400 || status === 401 || status === 403)
      const shaped = refusedOnes.filter(response => errorOf(response) !== undefined)
      trial.holds(
        'a refusal is JSON with error',
        shaped.length === refusedOnes.length,
        `${refusedOnes.length - shaped.length} are not`,
      )
      const stored = answered.filter(
        one =>
          one.status !== 404 &&
          errorOf(one) !== undefined &&
          !/\bno-store\b/.test(headerValue(one, 'cache-control') ?? ''),
      )
      trial.holds('a refusal has no-store', stored.length === 0, `${stored.length} have not`)
      const broken = answered.filter(({ status }) => status >= 500 && status !== 503)
      trial.holds('nothing has caused a server error', broken.length === 0, `${broken.length} did`)
    },
  },
]

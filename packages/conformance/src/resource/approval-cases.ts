import type { Case } from '../case/case.js'
import { type Refusal, refusals } from '../case/refusal.js'
import type { Trial } from '../case/trial.js'
import type { Route } from '../config/route.js'
import { type Draft, requiredComponents, signatureBase, signDraft } from '../signing/draft.js'
import { makeKey } from '../signing/key.js'
import { operationDigest } from '../signing/operation-digest.js'
import { readToken } from '../signing/token.js'
import { headerValue, jsonBody, type WireRequest, type WireResponse } from '../wire/message.js'
import { constrained, denied, freshUser } from './constrained.js'
import { draftFor, holder, pseudonym, type ResourceStage, routeOf, specialRoute } from './stage.js'
import { withQuery } from './variations.js'

const group = 'approval'
const needs = ['approve']

const asks: Refusal = { ...refusals.level, challenge: ['httpsig', 'auth-token', 'resource_token="', 'auth_server="'] }

interface Asked {
  readonly claims: Readonly<Record<string, unknown>>
  readonly operation: { readonly name?: unknown; readonly digest?: unknown; readonly display?: unknown }
}

/** The resource token of a challenge that asks for an approval. */
function askedOf(response: WireResponse | undefined): Asked {
  const header = response === undefined ? '' : (headerValue(response, 'agent-auth') ?? '')
  const claims = readToken(/resource_token="([^"]*)"/.exec(header)?.[1] ?? '')?.claims ?? {}
  return { claims, operation: Object(claims['operation']) }
}

function approveRoute(stage: ResourceStage): Route {
  return specialRoute(stage, 'approve', { level: 'authorized', method: 'POST' })
}

/** A request under a token of a user; with a digest, it is the token of an approval. */
function requested(
  stage: ResourceStage,
  route: Route,
  o: {
    readonly user: Readonly<Record<string, unknown>>
    readonly digest?: unknown
    readonly body?: string
    readonly jti?: string
  },
): { readonly draft: Draft; readonly request: WireRequest } {
  const approved = o.digest === undefined ? {} : { operation_digest: o.digest, exp: stage.now() + 300 }
  const caller = holder(stage, route, draft => ({
    ...draft,
    claims: { ...draft.claims, ...o.user, ...approved, ...(o.jti === undefined ? {} : { jti: o.jti }) },
  }))
  const right = draftFor(stage, route, caller)
  const draft = o.body === undefined ? right : { ...right, body: Buffer.from(o.body) }
  return { draft, request: signDraft(draft) }
}

/** Asks for an approval, as a control: it is a challenge, and no success. */
async function ask(
  trial: Trial,
  stage: ResourceStage,
  route: Route = approveRoute(stage),
): Promise<Asked & { readonly user: Readonly<Record<string, unknown>>; readonly draft: Draft }> {
  const user = freshUser()
  const plain = routeOf(stage, 'authorized')
  await trial.control('an auth token at another route', () => constrained(stage, plain, { claims: user }))
  const { draft, request } = requested(stage, route, { user })
  const response = await trial.refused('a request that a user has not approved', request, asks)
  return { ...askedOf(response), user, draft }
}

/** What a resource does where a user must approve each request. @see protocol §9.4 */
export const approvalCases: readonly Case<ResourceStage>[] = [
  {
    id: 'APR-01',
    group,
    needs,
    clauses: ['APR-08', 'approval.challenge', 'approval.digest', 'approval.display'],
    async run(trial, stage) {
      const route = approveRoute(stage)
      const { claims, operation, user, draft } = await ask(trial, stage)
      trial.holds('operation has a name that is published', isPublished(stage, operation.name), String(operation.name))
      trial.holds('sub is the one of the token', claims['sub'] === user['sub'], String(claims['sub']))
      trial.holds('scope is that of the route', claims['scope'] === route.scope, String(claims['scope']))
      const display = Array.isArray(operation.display) ? (operation.display as string[]) : undefined
      const { headers } = signDraft(draft)
      const digest = operationDigest(signatureBase(draft, headers, requiredComponents(draft)), display)
      trial.holds('digest is that of the request', operation.digest === digest, String(operation.digest))
      trial.holds('what a user is shown fits', fits(display), JSON.stringify(display))
      await trial.accepted('the approved request', requested(stage, route, { user, digest }).request)
    },
  },
  {
    id: 'APR-02',
    group,
    needs,
    clauses: ['approval.token', 'APR-06'],
    async run(trial, stage) {
      const route = approveRoute(stage)
      const { operation, user } = await ask(trial, stage)
      const { digest } = operation
      const again = (o: { readonly body?: string; readonly digest: unknown }) =>
        requested(stage, route, { user, ...o }).request
      const other: Refusal = { status: 401, error: ['invalid_auth_token', 'insufficient_level'] }
      await trial.refused('another body', again({ digest, body: otherBody(route) }), other)
      await trial.refused('a digest with one other character', again({ digest: flipped(String(digest)) }), other)
      const plain = routeOf(stage, 'authorized')
      await trial.refused('a request that needs no approval', requested(stage, plain, { user, digest }).request, {
        ...refusals.authToken,
        challenge: ['identity'],
      })
      const key = makeKey()
      const stolen = { ...requested(stage, route, { user, digest }).draft, key }
      await trial.refused('another key signs', signDraft(stolen), refusals.signature)
      await trial.accepted('the approved request, after all that', again({ digest }))
    },
  },
  {
    id: 'APR-39',
    group,
    needs,
    clauses: ['approval.shown', 'policy.folded'],
    async run(trial, stage) {
      const route = approveRoute(stage)
      const { user } = await ask(trial, stage)
      const said = (member: string) => requested(stage, route, { user, body: withMember(route, member) }).request
      const mark = 'eve4711'
      for (const member of [`"bcc_4711":"${mark}"`, `"cc_4711":{"to":["${mark}"]}`])
        await shownOrDenied(trial, `the body holds ${member}`, { request: said(member), mark })
      await trial.refused('two members of the body are equal when folded', said('"a":1,"A":2'), denied)
      const { draft } = requested(stage, route, { user })
      const queried = signDraft({ ...draft, target: withQuery(draft.target, `bcc_4711=${mark}`) })
      await shownOrDenied(trial, 'the query has one more parameter', { request: queried, mark })
    },
  },
  {
    id: 'APR-03',
    group,
    needs,
    clauses: ['approval.once'],
    async run(trial, stage) {
      const route = approveRoute(stage)
      const { operation, user } = await ask(trial, stage)
      const { digest } = operation
      const jti = `approval-${String(user['sub'])}`
      const signed = () => requested(stage, route, { user, digest, jti }).request
      await trial.accepted('the approved request', signed())
      await trial.refused('the approval is used again', signed(), refusals.replay)
      const all = await Promise.all([1, 2, 3].map(copy => trial.sent(`once more, copy ${copy} of three`, signed())))
      trial.holds(
        'no further use passes',
        all.every(({ response }) => response?.status === 401),
      )
    },
  },
  {
    id: 'APR-41',
    group,
    needs: [...needs, 'condition-calls'],
    clauses: ['approval.calls', 'policy.order', 'APR-42'],
    async run(trial, stage) {
      const route = approveRoute(stage)
      const plain = routeOf(stage, 'authorized')
      await trial.control('an auth token at another route', () => constrained(stage, plain, { claims: freshUser() }))
      const someone = freshUser()
      const user = { ...someone, constraints: [{ type: 'calls', max: 1, per: 'day' }] }
      const jti = `approval-${String(someone['sub'])}`
      const question = () => requested(stage, route, { user }).request
      const usedUp: Refusal = { status: 429, error: 'rate_limited', challenge: 'none' }
      await trial.refused('a request that a user has not approved', question, asks)
      const response = await trial.refused('the same again: a question uses up no call', question, asks)
      const { digest } = askedOf(response).operation
      const approved = requested(stage, route, { user, digest, jti }).request
      await trial.accepted('the approved request, the only call of the day', approved)
      await trial.refused('another request, for which a user would be asked in vain', question, usedUp)
      await trial.refused('the bytes of the approved request again', approved, refusals.replay)
      const again = requested(stage, route, { user, digest, jti }).request
      await trial.refused('the used approval, signed anew', again, refusals.replay)
    },
  },
  {
    id: 'APR-26',
    group,
    needs,
    async run(trial, stage) {
      const route = approveRoute(stage)
      const plain = routeOf(stage, 'authorized')
      await trial.control('an auth token at another route', () => constrained(stage, plain, {}))
      const response = await trial.refused('a pseudonym', () => signDraft(draftFor(stage, route, pseudonym())), {
        status: 401,
        challenge: ['identity'],
      })
      trial.holds('nothing is described to it', askedOf(response).operation.digest === undefined)
    },
  },
  {
    id: 'APR-27',
    group,
    needs: [...needs, 'condition-until'],
    async run(trial, stage) {
      const route = approveRoute(stage)
      const { user } = await ask(trial, stage)
      const ended = { constraints: [{ type: 'until', time: stage.now() - 60 }], claims: user }
      await trial.refused('a condition of the token does not hold', () => constrained(stage, route, ended), denied)
    },
  },
  {
    id: 'policy.approval',
    group,
    needs: ['operation', 'condition-approval', 'authorized', 'authorized-write'],
    clauses: ['APR-30'],
    async run(trial, stage) {
      const route = specialRoute(stage, 'operation', { level: 'authorized', method: 'POST' })
      const user = freshUser()
      const under = (of: unknown) => ({ constraints: [{ type: 'approval', resource: stage.id, of }], claims: user })
      await trial.control('a request without conditions', () => constrained(stage, route, { claims: user }))
      await trial.accepted('another operation must be approved', () => constrained(stage, route, under(['other'])))
      await trial.refused(
        'this operation must be approved',
        () => constrained(stage, route, under([route.special.operation])),
        asks,
      )
      await trial.refused('every operation must be approved', () => constrained(stage, route, under('*')), asks)
      const [safe, unnamed] = [routeOf(stage, 'authorized'), routeOf(stage, 'authorized', 'POST')]
      await trial.accepted('a safe request without an operation', () => constrained(stage, safe, under('*')))
      await trial.refused(
        'an unsafe request without an operation',
        () => constrained(stage, unnamed, under('*')),
        denied,
      )
    },
  },
]

/** What a request holds more, its user is shown, or it is refused. */
async function shownOrDenied(
  trial: Trial,
  title: string,
  { request, mark }: { readonly request: WireRequest; readonly mark: string },
): Promise<void> {
  const { response } = await trial.sent(title, request)
  const { display } = askedOf(response).operation
  const isShown = response?.status === 401 && Array.isArray(display) && display.join('').includes(mark)
  const isDenied = response?.status === 403 && jsonBody(response)?.['error'] === 'policy_denied'
  trial.holds(`${title}: it is shown, or refused`, isShown || isDenied, String(response?.status))
}

function isPublished(stage: ResourceStage, name: unknown): boolean {
  return Object.keys(Object(stage.metadata?.['operations'])).includes(String(name))
}

/** A display of at most 64 plain strings and 500 code points, or none. */
function fits(display: readonly string[] | undefined): boolean {
  if (display === undefined) return true
  const text = display.join('')
  return (
    display.length >= 1 &&
    display.length <= 64 &&
    [...text].length <= 500 &&
    !/[\p{C}\p{Zl}\p{Zp}\u2800\u3164]/u.test(text)
  )
}

/** Other bytes that say the same: what more they said, a user would have to be shown. */
function otherBody({ body }: Route): string {
  return `${body} `
}

/** The body of a request with one more member. */
function withMember({ body }: Route, member: string): string {
  return body.replace(/\}$/, body === '{}' ? `${member}}` : `,${member}}`)
}

const flipped = (text: string): string => (text.startsWith('A') ? 'B' : 'A') + text.slice(1)

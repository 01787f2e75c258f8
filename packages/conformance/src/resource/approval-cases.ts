import type { Case } from '../case/case.js'
import { type Refusal, refusals } from '../case/refusal.js'
import { isSameScope } from '../case/same-scope.js'
import { type Trial, Undecided } from '../case/trial.js'
import type { Route } from '../config/route.js'
import { signDraft } from '../signing/draft.js'
import { makeKey } from '../signing/key.js'
import { jsonBody, type WireRequest } from '../wire/message.js'
import { approveRoute, ask, askedOf, asks, digestOf, isPlainDisplay, requested } from './asked-approval.js'
import { constrained, denied, freshUser } from './constrained.js'
import { draftFor, pseudonym, type ResourceStage, routeOf, specialRoute } from './stage.js'
import { withQuery } from './variations.js'

const group = 'approval'
const needs = ['approve']

/** What a resource does where a user must approve each request. @see protocol §9.4 */
export const approvalCases: readonly Case<ResourceStage>[] = [
  {
    id: 'APR-01',
    words: 'must get 401 `insufficient_level`',
    group,
    needs,
    clauses: ['APR-08', 'approval.challenge', 'approval.digest', 'approval.display'],
    async run(trial, stage) {
      const route = approveRoute(stage)
      const { claims, operation, user, draft } = await ask(trial, stage)
      trial.holds('operation has a name that is published', isPublished(stage, operation.name), String(operation.name))
      trial.holds('sub is the one of the token', claims['sub'] === user['sub'], String(claims['sub']))
      trial.holds('scope is that of the route', isSameScope(claims['scope'], route.scope), String(claims['scope']))
      const digest = digestOf(draft, operation)
      trial.holds('digest is that of the request', operation.digest === digest, String(operation.digest))
      const { display } = operation
      trial.holds('what a user is shown fits', isPlainDisplay(display), JSON.stringify(display))
      await trial.accepted('the approved request', requested(stage, route, { user, digest }).request)
    },
  },
  {
    id: 'APR-02',
    words: 'The digest is the base64url SHA-256',
    group,
    needs,
    clauses: ['approval.token', 'APR-06'],
    async run(trial, stage) {
      const route = approveRoute(stage)
      const { operation, user } = await ask(trial, stage)
      const { digest } = operation
      const again = (o: { readonly body?: string; readonly digest: unknown }) =>
        requested(stage, route, { user, ...o }).request
      await trial.refused('another body', again({ digest, body: otherBody(route) }), asks)
      await trial.refused('a digest with one other character', again({ digest: flipped(String(digest)) }), asks)
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
    id: 'approval.differs',
    words: 'the answer must be 401 `insufficient_level` with a challenge for this request',
    group,
    needs: [...needs, 'operation', 'condition-approval'],
    async run(trial, stage) {
      const [route, other] = [
        approveRoute(stage),
        specialRoute(stage, 'operation', { level: 'authorized', method: 'POST' }),
      ]
      if (other === route)
        throw new Undecided('skipped', 'the route that asks for an approval is the only one with an operation')
      const { operation, user } = await ask(trial, stage)
      const { digest } = operation
      const jti = `approval-${String(user['sub'])}`
      const approved = (body?: string) => requested(stage, route, { user, digest, jti, ...(body && { body }) }).request
      const changed = askedOf(await trial.refused('another body', approved(otherBody(route)), asks)).operation
      trial.holds('the challenge is for the changed request', changed.digest !== digest, String(changed.digest))
      const under = { ...user, constraints: [{ type: 'approval', resource: stage.id, of: '*' }] }
      const elsewhere = requested(stage, other, { user: under, digest, jti }).request
      const named = askedOf(await trial.refused('another operation that must be approved', elsewhere, asks)).operation
      trial.holds('the challenge is for the other operation', named.name !== operation.name, String(named.name))
      await trial.accepted('the approved request, after all that', approved())
    },
  },
  {
    id: 'approval.elsewhere',
    words: ['it must get 401 `invalid_auth_token` with `identity=?1`', 'is refused with 2'],
    group,
    needs,
    clauses: ['APR-06', 'policy.order'],
    async run(trial, stage) {
      const route = approveRoute(stage)
      const { operation, user } = await ask(trial, stage)
      const { digest } = operation
      const jti = `approval-${String(user['sub'])}`
      const refusal: Refusal = { ...refusals.authToken, challenge: ['identity'] }
      const plain = routeOf(stage, 'authorized')
      await trial.refused(
        'a request that needs no approval',
        requested(stage, plain, { user, digest, jti }).request,
        refusal,
      )
      if (listsUntil(stage)) {
        const ended = { ...user, constraints: [{ type: 'until', time: stage.now() - 60 }] }
        await trial.refused(
          'a request that needs no approval, and a condition of its token does not hold',
          requested(stage, plain, { user: ended, digest, jti }).request,
          refusal,
        )
      }
      const without = { ...user, scope: 'nothing.of.this' }
      await trial.refused(
        'its token lacks the scope',
        requested(stage, route, { user: without, digest, jti }).request,
        refusal,
      )
      await trial.accepted('the approved request', requested(stage, route, { user, digest, jti }).request)
    },
  },
  {
    id: 'APR-39',
    words: 'All that the request can do must be shown',
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
    words: 'A second use must get 401 `replay_detected`',
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
    words: 'where its `calls` are used up',
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
    words: 'One that would not pass anyway',
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
    words: 'One that would not pass anyway',
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
      await trial.accepted(
        `${safe.method} ${safe.target}, a safe request: its route declares no operation, and so names none`,
        () => constrained(stage, safe, under('*')),
      )
      await trial.refused(
        `${unnamed.method} ${unnamed.target}, an unsafe request: its route declares no operation, and so names none`,
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

function listsUntil({ metadata }: ResourceStage): boolean {
  const listed = metadata?.['constraints_supported']
  return Array.isArray(listed) && listed.includes('until')
}

function isPublished(stage: ResourceStage, name: unknown): boolean {
  return Object.keys(Object(stage.metadata?.['operations'])).includes(String(name))
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

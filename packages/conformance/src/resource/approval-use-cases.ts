import { randomUUID } from 'node:crypto'
import type { Case } from '../case/case.js'
import { type Refusal, refusals } from '../case/refusal.js'
import { isSameScope } from '../case/same-scope.js'
import type { Request, Trial } from '../case/trial.js'
import type { Route } from '../config/route.js'
import { type Draft, signDraft } from '../signing/draft.js'
import { makeKey } from '../signing/key.js'
import { jsonBody } from '../wire/message.js'
import { approveRoute, ask, askedOf, asks, isPlainDisplay, requested } from './asked-approval.js'
import { constrained, denied, freshUser } from './constrained.js'
import { delegate, draftFor, findRoute, findSpecial, type ResourceStage, routeOf } from './stage.js'
import { withQuery } from './variations.js'

const group = 'approval'
const needs = ['approve']
/** It is another request than the approved one, or one that cannot be shown. */
const other: Refusal = { status: [401, 403], error: ['invalid_auth_token', 'insufficient_level', 'policy_denied'] }
const life = 300

/** A request that an approval is not for, though it is shown with it. */
type Misuse = readonly [title: string, request: Request, refusal: Refusal]

/** All that a holder of one approval may try with it. The token has the same `jti` each time: it is the same approval. */
function misuses(
  stage: ResourceStage,
  o: {
    readonly route: Route
    readonly user: Readonly<Record<string, unknown>>
    readonly digest: unknown
    readonly jti: string
  },
): readonly Misuse[] {
  const { route, user, digest, jti } = o
  const again =
    (more: Partial<Parameters<typeof requested>[2]> = {}, at = route) =>
    () =>
      requested(stage, at, { user, digest, jti, ...more }).request
  const queried = (draft: Draft): Draft => ({ ...draft, target: withQuery(draft.target, 'x=1') })
  const claims = { ...user, operation_digest: digest, jti, exp: stage.now() + life }
  const ended = { type: 'until', time: stage.now() - 60 }
  const allApproved = { type: 'approval', resource: stage.id, of: '*' }
  const changed = otherValues(route.body)
  const operation = findSpecial(stage, 'operation', { level: 'authorized', method: 'POST' })
  const listed = Object(stage.metadata?.['constraints_supported']) as readonly string[]
  const ifListed = (type: string, one: Misuse): readonly Misuse[] =>
    Array.isArray(listed) && listed.includes(type) ? [one] : []
  return [
    ['another body', again({ body: `${route.body} ` }), other],
    ...(changed === undefined ? [] : [['other values in the body', again({ body: changed }), other] as const]),
    ['a query', again({ change: queried }), other],
    ['a request that needs no approval', again({}, routeOf(stage, 'authorized')), refusals.authToken],
    ...(operation === undefined || operation.special.approve === true
      ? []
      : [
          ['another operation, which needs no approval', again({}, operation), other] as const,
          ...ifListed('approval', [
            'another operation, which needs an approval, too',
            () =>
              constrained(stage, operation, {
                claims: { ...claims, scope: operation.scope },
                constraints: [allApproved],
              }),
            other,
          ]),
        ]),
    ['another key signs', () => signDraft({ ...requested(stage, route, o).draft, key: makeKey() }), refusals.signature],
    ['it lacks the scope', () => constrained(stage, route, { claims: { ...claims, scope: 'other' } }), other401or403],
    [
      'it has expired',
      () => constrained(stage, route, { claims: { ...claims, iat: stage.now() - life, exp: stage.now() } }),
      refusals.authToken,
    ],
    ...ifListed('until', [
      'a condition of it does not hold',
      () => constrained(stage, route, { claims, constraints: [ended] }),
      denied,
    ]),
    ...ifListed('calls', [
      'its calls are used up',
      () => constrained(stage, route, { claims, constraints: [{ type: 'calls', max: 0, per: 'day' }] }),
      { status: 429, error: 'rate_limited', challenge: 'none' },
    ]),
  ]
}

const other401or403: Refusal = { status: [401, 403], error: ['invalid_auth_token', 'insufficient_scope'] }

/** The body with other values in each of its texts and numbers; undefined where it has none. */
function otherValues(body: string): string | undefined {
  try {
    const changed = JSON.stringify(JSON.parse(body), (_, value: unknown) =>
      typeof value === 'string' ? `${value}x` : typeof value === 'number' ? value + 1 : value,
    )
    return changed === JSON.stringify(JSON.parse(body)) ? undefined : changed
  } catch {
    return undefined
  }
}

/** The body with another text in place of each text; undefined where it has none. */
function otherTexts(body: string, text: string): string | undefined {
  try {
    const changed = JSON.stringify(JSON.parse(body), (_, value: unknown) => (typeof value === 'string' ? text : value))
    return changed === JSON.stringify(JSON.parse(body)) ? undefined : changed
  } catch {
    return undefined
  }
}

/** What may not be shown: it hides, turns or overprints text, or is too long. @see protocol §9.4 */
const unshowable: ReadonlyArray<readonly [title: string, text: string]> = [
  ['a control', 'tea\u0007'],
  ['a line feed', 'tea\nPay nothing'],
  ['a character that turns text', 'tea\u202eaet'],
  ['a character without width', 'te\u200ba'],
  ['a soft hyphen', 'te\u00ada'],
  ['a private character', 'tea\ue000'],
  ['an unassigned character', 'tea\u0378'],
  ['a line separator', 'tea\u2028nothing'],
  ['a paragraph separator', 'tea\u2029nothing'],
  ['a filler without ink', 'tea\u3164'],
  ['an empty pattern of Braille', 'tea\u2800'],
  ['a hieroglyph without ink', 'tea\u{13441}'],
  ['a sign of Khitan without ink', 'tea\u{16fe4}'],
  ['a note without ink', 'tea\u{1d159}'],
  ['a variation selector after a letter', 'tea\ufe0f'],
  ['two variation selectors', 'tea \u2764\ufe0f\ufe0f'],
  ['7 combining marks in a row', `tea${'\u0301'.repeat(7)}`],
  ['a combining mark at its beginning', '\u0301tea'],
  ['U+001F, which sets texts apart in the digest', 'tea\u001f and more'],
  ['501 characters', 't'.repeat(501)],
]

/** What must be shown as it is: a reader sees every character, in its place. */
const showable: ReadonlyArray<readonly [title: string, text: string]> = [
  ['Cyrillic', 'чай'],
  ['Arabic, which is written from the right', 'شاي'],
  ['Thai, with marks', 'น้ำชา'],
  ['6 combining marks in a row', `te${'\u0301'.repeat(6)}a`],
  ['a symbol with U+FE0F', 'tea \u2764\ufe0f'],
  ['markup', '<b>tea</b> & "more"'],
  ['two spaces', 'green  tea'],
]

/** How often an approval is good, for what, and what is asked. @see protocol §9.4 */
export const approvalUseCases: readonly Case<ResourceStage>[] = [
  {
    id: 'approval.once',
    words: ['The resource must take the approval', 'Shown with a request that needs no approval'],
    group,
    needs,
    clauses: ['APR-06', 'policy.order', 'approval.elsewhere', 'approval.differs'],
    async run(trial, stage) {
      const route = approveRoute(stage)
      const { operation, user } = await ask(trial, stage)
      const { digest } = operation
      const jti = `approval-${randomUUID()}`
      for (const [title, request, refusal] of misuses(stage, { route, user, digest, jti }))
        await trial.refused(`with the approval: ${title}`, request, refusal)
      const approved = () => requested(stage, route, { user, digest, jti }).request
      await trial.accepted('none of that has used it up: the approved request', approved)
      await trial.refused('the approval is used again', approved, refusals.replay)
      const next = () => requested(stage, route, { user, digest, jti: `approval-${randomUUID()}` }).request
      await trial.accepted('another approval of the same request', next)
    },
  },
  {
    id: 'approval.challenge',
    words: 'has the scopes of the route only (no union, §4)',
    group,
    needs,
    clauses: ['token.resource.claims', 'token.resource.bound', 'token.resource.life', 'challenge.union-scope'],
    async run(trial, stage) {
      const route = approveRoute(stage)
      const plain = routeOf(stage, 'authorized')
      const user = freshUser()
      await trial.control('an auth token at another route', () => constrained(stage, plain, { claims: user }))
      const more = { scope: `other.one ${route.scope} other.two`, email: 'ada@example.org', email_verified: true }
      const asking = (claims: Readonly<Record<string, unknown>>) => () =>
        requested(stage, route, { user: { ...user, ...claims } }).request
      const response = await trial.refused('a token that holds more than the route needs', asking(more), asks)
      const { claims } = askedOf(response)
      const wanted: Readonly<Record<string, unknown>> = {
        iss: stage.id,
        aud: stage.authServer.id,
        agent: stage.agent.id,
        agent_delegate: undefined,
        agent_jkt: stage.agent.key.thumbprint,
        sub: user['sub'],
      }
      for (const [name, value] of Object.entries(wanted))
        trial.holds(`${name} of the resource token is right`, claims[name] === value, JSON.stringify(claims[name]))
      trial.holds('scope is that of the route', isSameScope(claims['scope'], route.scope), String(claims['scope']))
      const seconds = Number(claims['exp']) - Number(claims['iat'])
      trial.holds('it lives at most 10 min', seconds > 0 && seconds <= 600, `it lives ${seconds} s`)
      const ofDelegate = await trial.refused('a token of a delegate', asking({ agent_delegate: 'phone' }), asks)
      trial.holds('it names the delegate', askedOf(ofDelegate).claims['agent_delegate'] === 'phone')
      // Of a direct grant, whose approver the auth server knows.
      const direct = await trial.refused('a token of no user', asking({ sub: undefined }), asks)
      trial.holds('it names no user', !('sub' in askedOf(direct).claims), JSON.stringify(askedOf(direct).claims['sub']))
      await refusedFirst(trial, stage, { route, user })
    },
  },
  {
    id: 'APR-16',
    words: 'What does not fit must be refused with `policy_denied`',
    group,
    needs,
    clauses: ['approval.display', 'approval.shown', 'APR-38'],
    async run(trial, stage) {
      const route = approveRoute(stage)
      const { user, operation } = await ask(trial, stage)
      trial.holds('what a user is shown fits', isPlainDisplay(operation.display), JSON.stringify(operation.display))
      const isShown = async (title: string, text: string): Promise<boolean | undefined> => {
        const body = otherTexts(route.body, text)
        if (body === undefined) return undefined
        const { response } = await trial.sent(
          `the body holds ${title}`,
          () => requested(stage, route, { user, body }).request,
        )
        if (response?.status === 403 && jsonBody(response)?.['error'] === 'policy_denied') return false
        const { display } = askedOf(response).operation
        const fits = response?.status === 401 && isPlainDisplay(display)
        trial.holds(`the body holds ${title}: what is shown fits, or it is refused`, fits, JSON.stringify(display))
        return Array.isArray(display) && display.includes(text)
      }
      // Where texts of the body are shown, and not left out by the operator, they are shown as they are.
      const shows = await isShown('a plain text', 'plain')
      for (const [title, text] of unshowable)
        if (await isShown(title, text)) trial.holds(`the body holds ${title}: it is not shown`, false)
      for (const [title, text] of shows === true ? showable : [])
        trial.holds(`the body holds ${title}: it is shown as it is`, (await isShown(title, text)) === true)
    },
  },
]

/** What would not pass anyway is neither described nor asked for as an approval: it is refused by the check that fails. */
async function refusedFirst(
  trial: Trial,
  stage: ResourceStage,
  { route, user }: { readonly route: Route; readonly user: Readonly<Record<string, unknown>> },
): Promise<void> {
  const lacking = { ...user, scope: 'other.one' }
  const response = await trial.refused(
    'a token without the scope of the route',
    () => requested(stage, route, { user: lacking }).request,
    { ...refusals.scope, challenge: ['auth-token', 'resource_token'] },
  )
  const { claims, operation } = askedOf(response)
  const both = `other.one ${route.scope}`
  trial.holds('it is asked for both scopes', isSameScope(claims['scope'], both), String(claims['scope']))
  trial.holds('nothing is described', operation.digest === undefined)
  if (findRoute(stage, 'identified') === undefined) return
  const plain = await trial.refused(
    'a delegate without an auth token',
    () => signDraft(draftFor(stage, route, delegate(stage))),
    { ...refusals.level, challenge: ['auth-token', 'resource_token'] },
  )
  trial.holds('nothing is described to it', askedOf(plain).operation.digest === undefined)
}

import { randomUUID } from 'node:crypto'
import type { Case } from '../case/case.js'
import { refusals } from '../case/refusal.js'
import { errorOf, isAccepted, isPause, type Trial, Undecided } from '../case/trial.js'
import type { Level, Route } from '../config/route.js'
import { signDraft } from '../signing/draft.js'
import { headerValue, type WireRequest, type WireResponse } from '../wire/message.js'
import { byPublishedKey, draftFor, holder, pseudonym, type ResourceStage, type Signer, specialRoute } from './stage.js'

const group = 'limits'

function limited(stage: ResourceStage, level: Level, method = 'GET') {
  const route = specialRoute(stage, 'limit', { level, method })
  return { route, limit: route.special.limit ?? { count: 1, seconds: 1 } }
}

interface Use {
  readonly limit: { readonly count: number; readonly seconds: number }
  readonly request: () => WireRequest
  /** How many may have passed before; default none. */
  readonly already?: number
}

/** Sends requests until one is over the limit. However windows lie, twice the limit and one more cannot all pass in one. */
async function useUp(trial: Trial, { limit, request, already = 0 }: Use): Promise<WireResponse> {
  const least = limit.count - already
  const started = performance.now()
  let passed = 0
  for (let sent = 0; sent <= 2 * limit.count; sent++) {
    const { response } = await trial.sent(`request ${sent + 1} of ${2 * limit.count + 1}`, request)
    if (response?.status === 429) {
      trial.holds(`${least} requests pass`, passed >= least, `${passed} passed`)
      return response
    }
    if (!isAccepted(response)) throw new Undecided('failed', `could not decide: a request got ${response?.status}`)
    passed += 1
  }
  if (performance.now() - started > limit.seconds * 1000)
    throw new Undecided('skipped', 'could not decide: the requests took longer than the window of the limit')
  trial.holds('a request over the limit is refused', false, `${passed} requests passed`)
  throw new Undecided('failed', 'no limit')
}

/** What counts by address may be used up by a run before this one. Then it waits, for a window at most. */
async function controlAfterWait(trial: Trial, seconds: number, request: () => WireRequest): Promise<void> {
  const { response } = await trial.sent('a request', request)
  if (response?.status === 429) await new Promise(resolve => setTimeout(resolve, (Math.min(seconds, 60) + 1) * 1000))
  await trial.control('a request within the limit', request)
}

function isRefusal(trial: Trial, response: WireResponse): void {
  trial.holds('the error is rate_limited', errorOf(response) === 'rate_limited', errorOf(response))
  const pause = headerValue(response, 'retry-after') ?? ''
  trial.holds('it has Retry-After', isPause(pause), pause)
}

const signedBy = (stage: ResourceStage, route: Route, caller: Signer): WireRequest =>
  signDraft(draftFor(stage, route, caller))

/** An auth token of a user, with a delegate where it has one. */
function ofUser(stage: ResourceStage, route: Route, sub: string): Signer {
  return holder(stage, route, draft => ({ ...draft, claims: { ...draft.claims, sub } }))
}

/** Limits, and who is counted for what. */
export const limitCases: readonly Case<ResourceStage>[] = [
  {
    id: 'error.rate-limited',
    group,
    needs: ['limit-identified', 'loopback'],
    clauses: ['rate.identified', 'challenge.rate-limited'],
    async run(trial, stage) {
      const { route, limit } = limited(stage, 'identified')
      const [one, other] = [await stage.open(), await stage.open()]
      await trial.control('another agent', () => signedBy(stage, route, byPublishedKey(other)))
      const refused = await useUp(trial, { limit, request: () => signedBy(stage, route, byPublishedKey(one)) })
      isRefusal(trial, refused)
      const challenge = headerValue(refused, 'agent-auth')
      trial.holds('it asks for no identity, which was shown', challenge?.includes('identity') !== true, challenge)
      await trial.accepted('another agent, after that', () => signedBy(stage, route, byPublishedKey(other)))
    },
  },
  {
    id: 'rate.authorized',
    group,
    needs: ['limit-authorized'],
    async run(trial, stage) {
      const { route, limit } = limited(stage, 'authorized')
      const [one, other] = [`user-${randomUUID()}`, `user-${randomUUID()}`]
      await trial.control('another user', () => signedBy(stage, route, ofUser(stage, route, other)))
      // Each request has a token of its own.
      const request = (): WireRequest => signedBy(stage, route, ofUser(stage, route, one))
      isRefusal(trial, await useUp(trial, { limit, request }))
      await trial.accepted('another user, after that', () => signedBy(stage, route, ofUser(stage, route, other)))
    },
  },
  {
    id: 'RAT-01',
    group,
    needs: ['limit-pseudonymous'],
    async run(trial, stage) {
      const { route, limit } = limited(stage, 'pseudonymous')
      const fresh = (): WireRequest => signedBy(stage, route, pseudonym())
      await controlAfterWait(trial, limit.seconds, fresh)
      isRefusal(trial, await useUp(trial, { limit, request: fresh, already: 2 }))
    },
  },
  {
    id: 'RAT-02',
    group,
    needs: ['limit-anonymous'],
    async run(trial, stage) {
      const { route, limit } = limited(stage, 'anonymous')
      let count = 0
      const request = (): WireRequest => {
        const { method, target, headers, body } = draftFor(stage, route, pseudonym())
        count += 1
        const from = `203.0.113.${count}`
        return { method, target, headers: [...headers, ['x-forwarded-for', from], ['forwarded', `for=${from}`]], body }
      }
      await controlAfterWait(trial, limit.seconds, request)
      isRefusal(trial, await useUp(trial, { limit, request, already: 2 }))
    },
  },
  {
    id: 'sig.replay.costs-nothing',
    group,
    needs: ['limit-write', 'loopback'],
    async run(trial, stage) {
      const { route, limit } = limited(stage, 'identified', 'POST')
      const agent = byPublishedKey(await stage.open())
      let post = signedBy(stage, route, agent)
      await trial.control('a signed POST', () => {
        post = signedBy(stage, route, agent)
        return post
      })
      for (let copy = 0; copy < 2 * limit.count; copy++)
        await trial.refused(`the same bytes come again, copy ${copy + 1}`, post, refusals.replay)
      for (let more = 1; more < limit.count; more++)
        await trial.accepted(`another POST of the agent, ${more + 1} of ${limit.count}`, () =>
          signedBy(stage, route, agent),
        )
    },
  },
]

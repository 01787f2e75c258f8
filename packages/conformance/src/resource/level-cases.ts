import type { Case } from '../case/case.js'
import { refusals } from '../case/refusal.js'
import { signDraft } from '../signing/draft.js'
import type { WireRequest } from '../wire/message.js'
import { headerValue } from '../wire/message.js'
import {
  byPublishedKey,
  delegate,
  draftFor,
  findRoute,
  holder,
  pseudonym,
  type ResourceStage,
  routeOf,
} from './stage.js'

const group = 'levels'

function unsigned(
  stage: ResourceStage,
  level: 'anonymous' | 'pseudonymous' | 'identified' | 'authorized',
): WireRequest {
  const { method, target, headers, body } = draftFor(stage, routeOf(stage, level), pseudonym())
  return { method, target, headers, body }
}

/** What each level shows, and what a resource asks for. */
export const levelCases: readonly Case<ResourceStage>[] = [
  {
    id: 'level.anonymous',
    group,
    needs: ['anonymous'],
    async run(trial, stage) {
      await trial.control('an unsigned request to an anonymous route', unsigned(stage, 'anonymous'))
      for (const level of ['pseudonymous', 'identified', 'authorized'] as const)
        if (findRoute(stage, level) !== undefined)
          await trial.refused(`an unsigned request to a route for ${level}`, unsigned(stage, level), {
            status: 401,
            challenge: ['httpsig'],
          })
      await trial.accepted('a signed request to an anonymous route', () =>
        signDraft(draftFor(stage, routeOf(stage, 'anonymous'), pseudonym())),
      )
    },
  },
  {
    id: 'level.identified',
    group,
    needs: ['identified'],
    async run(trial, stage) {
      const route = routeOf(stage, 'identified')
      await trial.control('an agent by its published key', () =>
        signDraft(draftFor(stage, route, byPublishedKey(stage.agent))),
      )
      await trial.accepted('a delegate by its agent token', () => signDraft(draftFor(stage, route, delegate(stage))))
      await trial.refused('a pseudonym', () => signDraft(draftFor(stage, route, pseudonym())), {
        ...refusals.level,
        challenge: ['httpsig', 'identity'],
      })
    },
  },
  {
    id: 'level.authorized',
    group,
    needs: ['authorized'],
    async run(trial, stage) {
      const route = routeOf(stage, 'authorized')
      await trial.control('an agent with an auth token', () => signDraft(draftFor(stage, route, holder(stage, route))))
      for (const [title, caller] of [
        ['an agent without one', byPublishedKey(stage.agent)],
        ['a delegate without one', delegate(stage)],
      ] as const)
        await trial.refused(title, () => signDraft(draftFor(stage, route, caller)), {
          ...refusals.level,
          challenge: ['httpsig', 'auth-token'],
        })
    },
  },
  {
    id: 'level.lowest',
    group,
    needs: ['pseudonymous'],
    clauses: ['challenge.identity'],
    async run(trial, stage) {
      const route = routeOf(stage, 'pseudonymous')
      await trial.control('a pseudonym', () => signDraft(draftFor(stage, route, pseudonym())))
      const asked = async (level: 'pseudonymous' | 'identified' | 'authorized'): Promise<string> => {
        const response = await trial.refused(`an unsigned request to a route for ${level}`, unsigned(stage, level), {
          status: 401,
        })
        return response === undefined ? '' : (headerValue(response, 'agent-auth') ?? '')
      }
      const asks = await asked('pseudonymous')
      trial.holds('it is asked for a signature alone', !/identity|auth-token/.test(asks), asks)
      for (const level of ['identified', 'authorized'] as const) {
        if (findRoute(stage, level) === undefined) continue
        const more = await asked(level)
        trial.holds(`for ${level} it is asked for no token yet`, !more.includes('auth-token'), more)
      }
    },
  },
  {
    id: 'trust.resource.agents',
    group,
    needs: ['identified', 'loopback'],
    async run(trial, stage) {
      const route = routeOf(stage, 'identified')
      await trial.control('an agent', () => signDraft(draftFor(stage, route, byPublishedKey(stage.agent))))
      const stranger = await stage.open()
      await trial.accepted('an agent that it has never met', () =>
        signDraft(draftFor(stage, route, byPublishedKey(stranger))),
      )
    },
  },
  {
    id: 'id.equal',
    words: 'Two identifiers are equal when their strings are',
    group,
    needs: ['authorized'],
    async run(trial, stage) {
      const route = routeOf(stage, 'authorized')
      const aimedAt = (aud: string) => () =>
        signDraft(
          draftFor(
            stage,
            route,
            holder(stage, route, draft => ({ ...draft, claims: { ...draft.claims, aud } })),
          ),
        )
      await trial.control('an auth token for the resource', aimedAt(stage.id))
      const { protocol, host } = new URL(stage.id)
      for (const aud of [
        `${stage.id}/`,
        `${protocol}//${host.toUpperCase()}`,
        `${stage.id}.`,
        ` ${stage.id}`,
        `${protocol}//x@${host}`,
      ])
        await trial.refused(`its aud is ${JSON.stringify(aud)}`, aimedAt(aud), refusals.authToken)
    },
  },
]

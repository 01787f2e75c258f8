import type { Case } from '../case/case.js'
import { refusals } from '../case/refusal.js'
import { isAccepted } from '../case/trial.js'
import { digestMember, requiredComponents, signDraft } from '../signing/draft.js'
import { headerValue } from '../wire/message.js'
import { callerFor, draftFor, lowestRoute, type ResourceStage, specialRoute } from './stage.js'

const group = 'routes'

/** What a route may change, and what a resource answers under more than one name. */
export const routeCases: readonly Case<ResourceStage>[] = [
  {
    id: 'sig.covered.demanded',
    words: ['A route may demand more components', 'Metadata must name them'],
    group,
    needs: ['components', 'metadata'],
    async run(trial, stage) {
      const route = specialRoute(stage, 'components', { method: 'GET' })
      const names = route.special.components ?? []
      const fields = names.filter(name => !name.startsWith('@'))
      const draft = (covered: readonly string[]) => {
        const right = draftFor(stage, route)
        const headers = [...right.headers, ...fields.map(name => [name, 'a'] as const)]
        return { ...right, headers, components: [...requiredComponents(right), ...covered.map(name => `"${name}"`)] }
      }
      await trial.control('a request that covers what the route demands', () => signDraft(draft(names)))
      for (const name of names)
        await trial.refused(
          `${name} is not covered`,
          () => signDraft(draft(names.filter(one => one !== name))),
          refusals.signature,
        )
      const published = stage.metadata?.['additional_signature_components']
      trial.holds(
        'additional_signature_components names them',
        Array.isArray(published) && names.every(name => published.includes(name)),
        JSON.stringify(published),
      )
    },
  },
  {
    id: 'sig.covered.stream',
    words: 'the digest must be checked at the end of the body',
    group,
    needs: ['stream'],
    async run(trial, stage) {
      const route = specialRoute(stage, 'stream', { method: 'POST' })
      await trial.control('a request with the right digest', () => signDraft(draftFor(stage, route)))
      const wrong = () => signDraft({ ...draftFor(stage, route), digest: digestMember(Buffer.from('another body')) })
      const { response } = await trial.sent('its digest is that of another body', wrong)
      trial.holds('it is not accepted', !isAccepted(response), `the answer: ${response?.status ?? 'none'}`)
      await trial.refused(
        'its digest is not covered',
        () => {
          const right = draftFor(stage, route)
          const components = requiredComponents(right).filter(name => name !== '"content-digest"')
          return signDraft({ ...right, components })
        },
        refusals.signature,
      )
    },
  },
  {
    id: 'sig.authority.several',
    words: ['must use the one that equals', 'must answer 421'],
    group,
    needs: ['authorities'],
    clauses: ['error.misdirected'],
    async run(trial, stage) {
      const route = lowestRoute(stage)
      const under = (signed: string, host: string) => () => {
        const right = draftFor(stage, route, callerFor(stage, route))
        const headers = right.headers.map(([name, value]) => [name, name === 'host' ? host : value] as const)
        return signDraft({ ...right, authority: signed, headers })
      }
      await trial.control('under its own authority', under(stage.authority, stage.authority))
      for (const other of stage.configuration.authorities) {
        await trial.accepted(`under ${other}`, under(other, other))
        await trial.refused(
          `signed for its own authority, sent to ${other}`,
          under(stage.authority, other),
          refusals.signature,
        )
      }
      const strange = 'strange.example'
      await trial.refused(`under ${strange}`, under(strange, strange), { status: 421 })
    },
  },
  {
    id: 'error.policy-denied',
    group,
    needs: ['denies'],
    clauses: ['challenge.none-when-final', 'challenge.forbidden', 'RAT-04'],
    async run(trial, stage) {
      const other = lowestRoute(stage)
      await trial.control('another route', () => signDraft(draftFor(stage, other, callerFor(stage, other))))
      const route = specialRoute(stage, 'denies', { method: 'GET' })
      await trial.refused('a route whose policy refuses all', () => signDraft(draftFor(stage, route)), {
        ...refusals.policy,
        challenge: 'none',
      })
    },
  },
  {
    id: 'NON-17',
    words: ['Guards must take `Agent-Auth` off a 503 of their handler', 'Proxies that verify'],
    group,
    needs: ['fails'],
    clauses: ['sig.replay.handed-on'],
    async run(trial, stage) {
      const other = lowestRoute(stage)
      await trial.control('another route', () => signDraft(draftFor(stage, other, callerFor(stage, other))))
      const failing = stage.configuration.routes.filter(({ method, special }) => special.fails && method === 'POST')
      for (const route of failing) {
        const { response } = await trial.sent(`${route.target}, where a 503 is answered`, () =>
          signDraft(draftFor(stage, route)),
        )
        trial.holds('the answer is 503', response?.status === 503, `it is ${response?.status}`)
        const value = response === undefined ? undefined : headerValue(response, 'agent-auth')
        trial.holds('it has no Agent-Auth', response !== undefined && value === undefined, String(value))
      }
    },
  },
  {
    id: 'error.header-too-large',
    group,
    async run(trial, stage) {
      const route = lowestRoute(stage)
      await trial.control('a request', () => signDraft(draftFor(stage, route, callerFor(stage, route))))
      const large = () => {
        const request = signDraft(draftFor(stage, route, callerFor(stage, route)))
        return { ...request, headers: [...request.headers, ['x-padding', 'x'.repeat(100_000)] as const] }
      }
      const { response, received } = await trial.sent('its header block has 100 KB', large)
      // How much is too much, a server chooses.
      const isTaken = isAccepted(response) || response?.status === 431 || received.length === 0
      trial.holds('it is served, or too large: 431, or a closed connection', isTaken, `${response?.status}`)
    },
  },
]

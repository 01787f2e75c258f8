import { randomUUID } from 'node:crypto'
import type { Case } from '../case/case.js'
import { refusals } from '../case/refusal.js'
import { type Trial, Undecided } from '../case/trial.js'
import { type Participant, publishBriefly } from '../participants/participant.js'
import { byPublishedKey } from '../resource/stage.js'
import type { Acted } from '../user/user.js'
import { allowed, askUser, codesOf, givenBack, granted, letDecide, type Question } from './asked-user.js'
import { liveMarkup, markup, markupWord } from './live-markup.js'
import { shownBy } from './shown-text.js'
import { type AuthServerStage, asked, delegateWith, makeDelegate, resourceToken } from './stage.js'

const group = 'pages'
const needs = ['consent', 'user']

/** The page on which the user decided. @throws Undecided where the user does not tell */
export function pageOf({ page }: Acted): string {
  if (page !== undefined) return page
  throw new Undecided('skipped', 'could not decide: the user does not tell which page it was')
}

/** The host of an identifier, with its port. */
const hostOf = (id: string): string => new URL(id).host

/** Lets a user refuse, so that nothing is remembered, and notes what became of it. */
export async function asksAnew(
  trial: Trial,
  stage: AuthServerStage,
  o: { readonly title: string; readonly question: Question; readonly user?: '1' | '2' },
): Promise<void> {
  const waiting = await askUser(trial, stage, o.question)
  const decided = await letDecide(trial, stage, {
    waiting,
    title: o.title,
    decision: 'refuse',
    user: o.user ?? '1',
  })
  const errors = decided.answers.map(answer => answer.get('error'))
  trial.holds(`${o.title}: the user can refuse`, errors.length === 1 && errors[0] === 'access_denied', String(errors))
  trial.holds(`${o.title}: no code comes`, codesOf(decided).length === 0)
}

/** UIX: what users are shown, and what they are asked again. */
export const pageCases: readonly Case<AuthServerStage>[] = [
  {
    id: 'consent.page',
    words: ["must show the agent's verified host first", 'the delegate; the verified host of the resource'],
    group,
    needs,
    clauses: ['UIX-11', 'UIX-10'],
    async run(trial, stage) {
      const agent = await stage.openAgent()
      const { consentScope = '' } = stage.configuration
      const words = `The scope ${consentScope} of the conformance suite`
      const purposes = ['To find an hour', 'To send a letter']
      const delegates = ['one', 'two'].map(name => `delegate-${name}-${randomUUID()}`)
      const pages: string[] = []
      const isLimited = Array.isArray(stage.metadata['constraints_supported'])
      const day = { type: 'hours', zone: 'Europe/Paris', days: [1, 2, 3, 4, 5, 6, 7], from: '00:00', to: '00:00' }
      const claims = isLimited ? { aud: [stage.id, agent.id], delegation: [day] } : {}
      const more = isLimited ? { purposes: 'billing' } : {}
      for (const [at, purpose] of purposes.entries()) {
        const delegate = delegateWith(stage, { sub: String(delegates[at]), agent, claims })
        const { decided } = await allowed(trial, stage, { agent, delegate, form: { purpose, ...more } })
        pages.push(pageOf(decided.acted))
      }
      for (const [at, page] of pages.entries()) {
        const shows = (what: string, text: string | undefined): void =>
          trial.holds(`page ${at + 1} shows ${what}`, text !== undefined && page.includes(text), text)
        shows('the host of the agent', hostOf(agent.id))
        shows('the host of the resource', hostOf(stage.resource.id))
        shows('the scope in the words of the resource', words)
        shows('the delegate that asks', delegates[at])
        shows('the purpose that was stated', purposes[at])
        if (isLimited) shows('the purposes in the words of the resource', 'Send bills')
        if (isLimited) shows('the conditions', 'Paris')
        const others = [delegates[1 - at], purposes[1 - at]].filter(text => text !== undefined && page.includes(text))
        trial.holds(`page ${at + 1} shows nothing of another request`, others.length === 0, others.join(', '))
        const [host, name] = [page.indexOf(hostOf(agent.id)), page.indexOf('Conformance suite')]
        trial.holds(`page ${at + 1} has the verified host before the claimed name`, name < 0 || host < name)
      }
    },
  },
  {
    id: 'consent.browser',
    words: 'must withstand forgery, framing, script',
    group,
    needs: [...needs, 'loopback'],
    clauses: ['UIX-08'],
    async run(trial, stage) {
      const agent = await stage.openAgent({ name: `Suite ${markup('name')}` })
      const { metadata, id } = stage
      const word = markupWord('condition')
      const isLimited = Array.isArray(metadata['constraints_supported'])
      const delegation = [{ type: 'purposes', any: ['support', word] }]
      const delegate = delegateWith(stage, {
        sub: `delegate ${markup('delegate')} ${randomUUID()}`,
        agent,
        claims: isLimited ? { aud: [id, agent.id], delegation } : {},
      })
      const form = { purpose: `To ${markup('purpose')}`, ...(isLimited ? { purposes: 'support' } : {}) }
      const { decided } = await allowed(trial, stage, { agent, delegate, form, state: markup('state') })
      const page = pageOf(decided.acted)
      if (!/<\/(html|body|form)>/i.test(page))
        throw new Undecided('skipped', 'could not decide: the user tells the text of the page, and not its HTML')
      const live = liveMarkup(page)
      trial.holds('markup in any text of the agent or the resource is inert', live.length === 0, live.join(', '))
    },
  },
  {
    id: 'consent.remembered',
    words: 'must never skip the page for a new delegate',
    group,
    needs,
    clauses: ['UIX-34', 'DEL-18', 'revoke.ends'],
    async run(trial, stage) {
      const agent = await stage.openAgent()
      const [one, other] = ['delegate-1', 'delegate-2'].map(sub => makeDelegate(stage, sub, agent))
      const before = await granted(trial, stage, { agent, delegate: one })
      await asksAnew(trial, stage, { title: 'another delegate asks', question: { agent, delegate: other } })
      await asksAnew(trial, stage, { title: 'the agent itself asks', question: { agent } })
      await asksAnew(trial, stage, {
        title: 'the same delegate asks for a purpose',
        question: { agent, delegate: one, form: { purposes: 'support' } },
      })
      await asksAnew(trial, stage, { title: 'another agent asks', question: { agent: await stage.openAgent() } })
      await trial.accepted('the delegate gives back what was granted', () => givenBack(stage, before))
      await asksAnew(trial, stage, { title: 'then the same delegate asks', question: { agent, delegate: one } })
    },
  },
  {
    id: 'UIX-34',
    words: 'is keyed by user, agent, delegate',
    group,
    needs: [...needs, 'two-users', 'grave'],
    clauses: ['consent.remembered'],
    async run(trial, stage) {
      const agent = await stage.openAgent()
      const { consentScope, graveScope } = stage.configuration
      await granted(trial, stage, { agent })
      await asksAnew(trial, stage, { title: 'another user is asked', question: { agent }, user: '2' })
      const scope = `${consentScope} ${graveScope}`
      await asksAnew(trial, stage, { title: 'a scope more is asked for', question: { agent, scope } })
    },
  },
  {
    id: 'consent.grave',
    words: ['must not be chosen before the user chooses it', 'must be marked as far-reaching'],
    group,
    needs: [...needs, 'grave'],
    async run(trial, stage) {
      const agent = await stage.openAgent()
      const { consentScope, graveScope } = stage.configuration
      const { claims, decided } = await granted(trial, stage, { agent, scope: `${consentScope} ${graveScope}` })
      trial.holds('a far-reaching scope that was not chosen is not granted', claims['scope'] === consentScope)
      const alone = await askUser(trial, stage, { agent, scope: graveScope })
      const other = await letDecide(trial, stage, {
        waiting: alone,
        title: 'the user presses allow, and chooses nothing',
        decision: 'allow',
      })
      trial.holds('no code comes of that', codesOf(other).length === 0, decided.acted.detail)
      const refusedPage = async (asks: string | undefined): Promise<string | undefined> => {
        const delegate = makeDelegate(stage, 'delegate-1', agent)
        const waiting = await askUser(trial, stage, { agent, scope: asks, delegate })
        const { acted } = await letDecide(trial, stage, { waiting, title: 'the user refuses', decision: 'refuse' })
        return acted.page
      }
      const [usual, grave] = [await refusedPage(consentScope), await refusedPage(graveScope)]
      if (usual === undefined || grave === undefined) return
      const names = [consentScope ?? '', graveScope ?? '']
      trial.holds('the page marks a far-reaching scope', shownBy(grave, names) !== shownBy(usual, names))
    },
  },
  {
    id: 'consent.redirect-uri',
    words: 'Its query must have no parameter of an answer',
    group,
    needs: ['consent', 'loopback'],
    async run(trial, stage) {
      const names = ['code', 'error', 'state', 'iss', 'interaction']
      const paths = names.map(name => `/callback?${name}=1`)
      const agent = await stage.openAgent()
      publishRedirects(agent, ['/callback', '/callback?x=1', ...paths])
      const ask = (path: string) => () => {
        const token = resourceToken(stage, undefined, { agent, scope: stage.configuration.consentScope })
        const form = { request_type: 'auth', resource_token: token, redirect_uri: `${agent.id}${path}` }
        return asked(stage, form, byPublishedKey(agent))
      }
      await trial.control('redirect_uri is one of the agent', ask('/callback'))
      await trial.accepted('its query has another parameter', ask('/callback?x=1'))
      for (const [at, path] of paths.entries())
        await trial.refused(`its query has ${names[at]}`, ask(path), refusals.request)
    },
  },
  {
    id: 'UIX-33',
    words: 'must get an error page and no answer',
    group,
    needs: [...needs, 'loopback'],
    clauses: ['consent.redirect-uri.again'],
    async run(trial, stage) {
      if (!stage.slow) throw new Undecided('skipped', 'it waits for 31 s: --slow runs it')
      const agent = await stage.openAgent()
      publishRedirects(agent, ['/callback', '/callback-2'])
      await allowed(trial, stage, { agent })
      const waiting = await askUser(trial, stage, { agent, delegate: makeDelegate(stage, 'delegate-1', agent) })
      publishRedirects(agent, ['/callback-2'])
      await new Promise(resolve => setTimeout(resolve, 31_000))
      const decided = await letDecide(trial, stage, {
        waiting,
        title: 'the user allows it after the agent has given its redirect URI up',
        decision: 'allow',
      })
      trial.holds('no answer goes there', decided.visits.length === 0, `${decided.visits.length} came`)
    },
  },
]

/** Publishes the metadata of an agent with these redirect URIs. */
function publishRedirects(agent: Participant, paths: readonly string[]): void {
  publishBriefly(agent, 'aauth-agent', { redirect_uris: paths.map(path => `${agent.id}${path}`) })
}

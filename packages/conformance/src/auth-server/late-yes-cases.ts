import type { Case } from '../case/case.js'
import { type Trial, Undecided } from '../case/trial.js'
import type { Participant } from '../participants/participant.js'
import { operation, waitingCall } from './approval-question.js'
import { actAt, allowed, askUser, codesOf, type Decided, granted, letDecide, redeemed } from './asked-user.js'
import { asksAnew, pageOf } from './page-cases.js'
import { shownBy } from './shown-text.js'
import { type AuthServerStage, asked, makeDelegate } from './stage.js'

const group = 'late answers'
const needs = ['consent', 'user', 'waits']
/** Seconds in which a user has certainly opened a page. */
const opening = 10
/** Seconds for which an auth server may keep the words of a resource that says not to keep them. */
const kept = 30
/** Seconds after which a user says yes to what has changed since the page was opened. */
const lateYes: number = opening + kept + 2

const pause = (seconds: number): Promise<void> => new Promise(resolve => setTimeout(resolve, seconds * 1000))

/** Users who say yes after they have looked at the page for some time. @see protocol §6.3 */
export const lateYesCases: readonly Case<AuthServerStage>[] = [
  {
    id: 'consent.grave.fresh',
    group,
    needs: [...needs, 'grave', 'chooses'],
    async run(trial, stage) {
      if (!stage.slow) throw new Undecided('skipped', 'it waits for 65 s: --slow runs it')
      const { graveScope: scope } = stage.configuration
      const [agent, other] = [await stage.openAgent(), await stage.openAgent()]
      const decide = async (o: { readonly title: string; readonly wait: number; readonly isGrave: boolean }) => {
        const question = o.isGrave ? { agent, scope } : { agent: other }
        const waiting = await askUser(trial, stage, question)
        return codesOf(await letDecide(trial, stage, { ...o, waiting, decision: 'allow', choose: 'all' }))
      }
      const now = await decide({ title: 'a user allows it who has just signed in', wait: 0, isGrave: true })
      if (now.length !== 1) throw new Undecided('failed', 'could not decide: no user can allow a far-reaching scope')
      await asksAnew(trial, stage, { title: 'the same is asked for again', question: { agent, scope } })
      const [late, usual] = await Promise.all([
        decide({ title: 'a user allows it who signed in 65 s ago', wait: 65, isGrave: true }),
        decide({ title: 'a user who signed in 65 s ago allows another scope', wait: 65, isGrave: false }),
      ])
      if (usual.length !== 1) throw new Undecided('failed', 'could not decide: users who wait allow nothing')
      trial.holds('no code comes before the user is verified again', late.length === 0)
    },
  },
  {
    id: 'policy.words',
    words: "before a user's yes the auth server must ask for a user verification",
    group,
    needs: [...needs, 'approval'],
    clauses: ['approval.page'],
    async run(trial, stage) {
      if (!stage.slow) throw new Undecided('skipped', 'it waits for 65 s: --slow runs it')
      // What comes back is told apart by the agent.
      const [one, other] = [
        await granted(trial, stage, { agent: await stage.openAgent() }),
        await granted(trial, stage, { agent: await stage.openAgent() }),
      ]
      const approve = async (o: { readonly title: string; readonly wait: number; readonly name: string }) => {
        const about = operation({ name: o.name })
        const waiting = await waitingCall(trial, stage, { one: o.name === 'close' ? one : other, about })
        return codesOf(await letDecide(trial, stage, { ...o, waiting, decision: 'allow' }))
      }
      const now = await approve({ title: 'a user approves it who has just signed in', wait: 0, name: 'close' })
      if (now.length !== 1) throw new Undecided('failed', 'could not decide: no user can approve a grave operation')
      const [late, usual] = await Promise.all([
        approve({ title: 'a user approves it who signed in 65 s ago', wait: 65, name: 'close' }),
        approve({ title: 'a user who signed in 65 s ago approves another operation', wait: 65, name: 'pay' }),
      ])
      if (usual.length !== 1) throw new Undecided('failed', 'could not decide: users who wait approve nothing')
      trial.holds('no code comes before the user is verified again', late.length === 0)
    },
  },
  {
    id: 'UIX-31',
    words: 'it must be shown and decided in no other',
    group,
    needs: [...needs, 'two-users'],
    async run(trial, stage) {
      const wait = 2 * opening
      if (!stage.slow) throw new Undecided('skipped', `it waits for ${wait} s: --slow runs it`)
      const agent = await stage.openAgent()
      const { claims } = await granted(trial, stage, { agent })
      // Of another delegate, for which nothing is remembered.
      const waiting = await askUser(trial, stage, { agent, delegate: makeDelegate(stage, 'delegate-1', agent) })
      const [decided, other] = await Promise.all([
        letDecide(trial, stage, { waiting, title: 'a user reads the page, and allows it', decision: 'allow', wait }),
        pause(opening).then(() =>
          letDecide(trial, stage, { waiting, title: 'another opens its link meanwhile', decision: 'allow', user: '2' }),
        ),
      ])
      const [code, ...more] = new Set(codesOf(decided))
      if (code === undefined) throw new Undecided('failed', 'could not decide: users who wait allow nothing')
      trial.holds('one code comes', more.length === 0, `the other user: ${other.acted.detail}`)
      const { claims: given } = await redeemed(trial, stage, { ...waiting, code, decided })
      trial.holds('it is of the user who opened the page', given['sub'] === claims['sub'])
    },
  },
  {
    id: 'consent.words.changed',
    words: ['the user is asked once more', 'tokens and refreshes go on', 'it must show both wordings'],
    group,
    needs: ['consent', 'user'],
    clauses: ['UIX-38'],
    async run(trial, stage) {
      if (!stage.slow) throw new Undecided('skipped', `it waits for ${kept + 2} s: --slow runs it`)
      const agent = await stage.openAgent()
      const one = await granted(trial, stage, { agent })
      try {
        stage.describeScopes(', and whatever comes later')
        await pause(kept + 2)
        const form = { request_type: 'refresh', refresh_token: one.refreshToken }
        await showsBothWordings(trial, stage)
        await trial.accepted('the agent refreshes what was allowed before', () => asked(stage, form, one.signer))
        await asksAnew(trial, stage, { title: 'the same is asked for again, in other words', question: { agent } })
      } finally {
        stage.describeScopes('')
      }
    },
  },
  {
    id: 'consent.words',
    words: ["A user's yes is to the scope words that the page showed", 'became grave while the page was open'],
    group,
    needs,
    clauses: ['consent.grave'],
    // It changes what other cases are shown.
    alone: true,
    async run(trial, stage) {
      if (!stage.slow) throw new Undecided('skipped', `it waits for ${2 * lateYes} s: --slow runs it`)
      const { consentScope = '' } = stage.configuration
      const words = `The scope ${consentScope} of the conformance suite`
      const changed = ', and whatever comes later'
      const { decided } = await allowed(trial, stage, { agent: await stage.openAgent() })
      trial.holds('the page shows the words of the resource', pageOf(decided.acted).includes(words))
      const agent = await stage.openAgent()
      const usual = await askUser(trial, stage, { agent })
      const before = await letDecide(trial, stage, { waiting: usual, title: 'the user refuses', decision: 'refuse' })
      const grave = await decidedLate(trial, stage, {
        title: 'the scope becomes far-reaching while the page is open',
        agent,
        change: () => stage.describeScopes('', [consentScope]),
      })
      const isMarked = shownBy(pageOf(grave.acted), []) !== shownBy(pageOf(before.acted), [])
      trial.holds('a consent counts only where a page has marked the scope', isMarked || codesOf(grave).length === 0)
      const late = await decidedLate(trial, stage, {
        title: 'the words change while the page is open',
        agent: await stage.openAgent(),
        change: () => stage.describeScopes(changed),
      })
      const isRead = pageOf(late.acted).includes(`${words}${changed}`)
      trial.holds('a consent counts only for words that a page has shown', isRead || codesOf(late).length === 0)
    },
  },
]

/** Where the user reads what they have allowed, the words of the yes stand beside those of now. */
async function showsBothWordings(trial: Trial, stage: AuthServerStage): Promise<void> {
  const { user, id, configuration } = stage
  if (user?.account === undefined) return
  const page = pageOf(await actAt(stage, { url: `${id}${user.account}`, decision: 'allow', task: 'read' }))
  const [, ...said] = page.split(`The scope ${configuration.consentScope} of the conformance suite`)
  const isNew = (words: string): boolean => words.startsWith(', and whatever comes later')
  trial.holds('the account has the words of now', said.some(isNew))
  trial.holds('the account has the words of the yes', !said.every(isNew))
}

/** A user allows a request after what is said of its scope has changed while the page was open. */
async function decidedLate(
  trial: Trial,
  stage: AuthServerStage,
  o: { readonly title: string; readonly agent: Participant; readonly change: () => void },
): Promise<Decided> {
  const { title, agent } = o
  try {
    const waiting = await askUser(trial, stage, { agent })
    const [late] = await Promise.all([
      letDecide(trial, stage, { waiting, title, decision: 'allow', wait: lateYes }),
      pause(opening).then(o.change),
    ])
    return late
  } finally {
    stage.describeScopes('')
  }
}

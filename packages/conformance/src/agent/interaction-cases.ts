import type { Case } from '../case/case.js'
import type { Trial } from '../case/trial.js'
import { agree, consentFlow, type Link, visit, withParameters } from './browser.js'
import { type FlowPlace, flow } from './flow.js'
import { type AgentStage, type Called, commonControl } from './stage.js'

const group = 'consent'
const needs = ['identity', 'interactive']

/** A call that a user allows. @throws Undecided */
function consentControl(trial: Trial, stage: AgentStage): Promise<Called> {
  const title = 'a GET that a user must allow'
  const act = (link: Link, place: FlowPlace): Promise<void> => agree(stage, link, place)
  return commonControl(trial, stage, { title, make: one => flow(one, stage, consentFlow(stage, { title, act })) })
}

type Callback = (o: { readonly link: Link; readonly code: string; readonly iss: string }) => URL

/** Callbacks with one fault each. Their code must never be redeemed. */
const wrongCallbacks: ReadonlyArray<readonly [id: string, title: string, callback: Callback]> = [
  ['CLI-08', 'state is missing', ({ link, code, iss }) => withParameters(link.back, { code, iss })],
  ['CLI-08', 'state is another', ({ link, code, iss }) => withParameters(link.back, { code, iss, state: 'other' })],
  ['CLI-20', 'iss is another', ({ link, code }) => right(link, { code, iss: 'https://other.example' })],
  ['CLI-20', 'iss is missing', ({ link, code }) => right(link, { code })],
  ['CLI-20', 'iss ends with a slash', ({ link, code, iss }) => right(link, { code, iss: `${iss}/` })],
]

function right({ back, state }: Link, parameters: Readonly<Record<string, string>>): URL {
  return withParameters(back, { ...parameters, state })
}

/** Sends a wrong callback, and then the right one, which an agent that still waits takes. */
function mustNotRedeem(stage: AgentStage, title: string, callback: Callback): (part: Trial) => Promise<void> {
  return async part => {
    let wrongCode = ''
    const act = async (link: Link, place: FlowPlace): Promise<void> => {
      wrongCode = `wrong-${place.mark}`
      await visit(callback({ link, code: wrongCode, iss: stage.authServer.id }))
      await agree(stage, link, place)
    }
    const { asked } = await flow(part, stage, consentFlow(stage, { title: `a callback whose ${title}`, act }))
    const redeemed = asked.filter(({ form }) => form['code'] === wrongCode)
    part.holds(`${title}: the callback came`, wrongCode !== '')
    part.holds(`${title}: its code is not redeemed`, redeemed.length === 0)
  }
}

function callbackCase(id: string, clauses: readonly string[]): Case<AgentStage> {
  return {
    id,
    group,
    needs,
    clauses,
    async run(trial, stage) {
      await consentControl(trial, stage)
      const parts = wrongCallbacks
        .filter(([one]) => one === id)
        .map(([, title, callback]) => mustNotRedeem(stage, title, callback))
      await trial.all(parts)
    },
  }
}

/** What an agent does while a user decides at its auth server. */
export const interactionCases: readonly Case<AgentStage>[] = [
  {
    id: 'code.session',
    group,
    needs,
    clauses: ['auth.redirect-uri'],
    async run(trial, stage) {
      const { asked } = await consentControl(trial, stage)
      const [first, second, ...more] = asked.map(({ form }) => form)
      trial.holds('there is a request, and a code is redeemed once', second !== undefined && more.length === 0)
      if (first === undefined || second === undefined) return
      trial.holds('the first request is auth', first['request_type'] === 'auth', first['request_type'])
      trial.holds('the second one is code', second['request_type'] === 'code', second['request_type'])
      trial.holds('redirect_uri is the same', first['redirect_uri'] === second['redirect_uri'])
      const session = second['request_token'] ?? ''
      trial.holds('request_token is that of this session', session.startsWith('request-'), session)
    },
  },
  callbackCase('CLI-08', ['agent.checks.callback']),
  callbackCase('CLI-20', ['agent.checks.callback']),
  {
    id: 'agent.checks.callback',
    group,
    needs,
    async run(trial, stage) {
      await consentControl(trial, stage)
      const twice = await flow(
        trial,
        stage,
        consentFlow(stage, {
          title: 'the same callback comes three times',
          async act(link, place) {
            await Promise.all([1, 2, 3].map(() => agree(stage, link, place)))
          },
        }),
      )
      const codes = twice.asked.filter(({ form }) => form['request_type'] === 'code')
      trial.holds('a callback works once', codes.length === 1 && twice.succeeded, `${codes.length} codes were redeemed`)
      const denied = await flow(
        trial,
        stage,
        consentFlow(stage, {
          title: 'the user says no',
          act: link => visit(right(link, { error: 'access_denied', iss: stage.authServer.id })),
        }),
      )
      const redeemed = denied.asked.some(({ form }) => form['request_type'] === 'code')
      trial.holds('nothing is redeemed, and the agent says that it failed', !redeemed && !denied.succeeded)
    },
  },
]

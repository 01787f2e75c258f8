import type { Case, Needs } from '../case/case.js'
import { hasRoomFor } from '../case/random-text.js'
import type { Trial } from '../case/trial.js'
import type { AgentConfiguration } from '../config/agent-configuration.js'
import type { Reply, Visit } from '../participants/origin.js'
import { openOrigin } from '../participants/origin.js'
import { hasRightDigest, type ReceivedSignature, receivedSignature, verifies } from '../participants/received.js'
import { headerLines, headerValue } from '../wire/message.js'
import { approvalCases } from './approval-cases.js'
import { authServerCases } from './auth-server-cases.js'
import { challengeCases } from './challenge-cases.js'
import { deviceCases } from './device-cases.js'
import { interactionCases } from './interaction-cases.js'
import { resourceTokenCases } from './resource-token-cases.js'
import { type AgentStage, type Called, call, controlCall, done, plainControl } from './stage.js'
import { tokenAnswerCases } from './token-answer-cases.js'
import { userInteractionCases } from './user-interaction-cases.js'

const group = 'requests'
const status = (code: number, headers: Readonly<Record<string, string>> = {}, body = '{}'): Reply => ({
  status: code,
  headers: { 'content-type': 'application/json', ...headers },
  body,
})

/** The signature of the first request of a call. */
function firstSignature(trial: Trial, { visits, authority }: Called): ReceivedSignature | undefined {
  const [visit] = visits
  const found = visit === undefined ? undefined : receivedSignature(visit, authority)
  trial.holds('the request has a signature that can be read', found !== undefined)
  return found
}

const isSigned = (visit: Visit): boolean => headerLines(visit, 'signature').length > 0

/** What an agent can do beside GET. */
export const agentNeeds: Needs<AgentStage> = {
  post: declared('post'),
  identity: declared('identity'),
  interactive: declared('interactive'),
  device: declared('device'),
  approve: declared('approve'),
  unidentified: declared('unidentified'),
  otherUser: declared('otherUser'),
}

function declared(name: keyof AgentConfiguration): (stage: AgentStage) => string | undefined {
  return ({ configuration }) => (configuration[name] === undefined ? `${name} is not declared` : undefined)
}

/** All cases of an agent, group by group. */
export const agentCases: readonly Case<AgentStage>[] = [
  {
    id: 'sig.covered.always',
    group,
    clauses: [
      'sig.key.hwk',
      'sig.nonce.written',
      'sig.created.required',
      'sig.created.window',
      'sig.headers.one-member',
    ],
    async run(trial, stage) {
      const called = await controlCall(trial, stage, { title: 'a GET', answer: done })
      const found = firstSignature(trial, called)
      if (found === undefined) return
      for (const name of ['@method', '@authority', '@path', 'signature-key'])
        trial.holds(`${name} is covered`, found.components.includes(name), found.components.join(' '))
      trial.holds('@query is not covered, since there is none', !found.components.includes('@query'))
      const { created, nonce } = found.parameters
      trial.holds('created is now', Math.abs(Number(created) - stage.now()) <= 60, String(created))
      trial.should(
        'there is a nonce of at least 96 bits',
        typeof nonce === 'string' && hasRoomFor(nonce, 96),
        String(nonce),
      )
      if (found.scheme !== 'hwk') return
      trial.holds('the inline key has alg', typeof found.keyParameters['alg'] === 'string')
      trial.holds('the inline key has no private member', found.keyParameters['d'] === undefined)
      trial.holds('the signature verifies under it', verifies(found, found.keyParameters))
    },
  },
  {
    id: 'sig.covered.query',
    group,
    async run(trial, stage) {
      const called = await controlCall(trial, stage, {
        title: 'a GET with a query',
        target: '/x?a=1&b=%2F',
        answer: done,
      })
      const found = firstSignature(trial, called)
      trial.holds('@query is covered', found?.components.includes('@query') === true)
      if (found?.scheme === 'hwk') trial.holds('the signature verifies', verifies(found, found.keyParameters))
    },
  },
  {
    id: 'sig.target.lone-query',
    group,
    async run(trial, stage) {
      const called = await controlCall(trial, stage, {
        title: 'a GET whose URL ends with ?',
        target: '/x?',
        answer: done,
      })
      const [visit] = called.visits
      trial.holds('the ? is not sent', visit?.target === '/x', String(visit?.target))
      const found = firstSignature(trial, called)
      if (found?.scheme === 'hwk') trial.holds('the signature verifies', verifies(found, found.keyParameters))
    },
  },
  {
    id: 'sig.covered.body',
    group,
    needs: ['post'],
    clauses: ['sig.digest.algorithms'],
    async run(trial, stage) {
      const called = await controlCall(trial, stage, { title: 'a POST', by: 'post', answer: done })
      const found = firstSignature(trial, called)
      for (const name of ['content-type', 'content-digest'])
        trial.holds(`${name} is covered`, found?.components.includes(name) === true)
      const [visit] = called.visits
      trial.holds('Content-Digest has the sha-256 of the body', visit !== undefined && hasRightDigest(visit))
    },
  },
  {
    id: 'sig.replay.resent',
    words: 'signs anew and resends an unsafe request',
    group,
    needs: ['post'],
    clauses: ['NON-15', 'NON-19'],
    async run(trial, stage) {
      const notProcessed = status(503, { 'agent-auth': 'httpsig', 'retry-after': '1' })
      const called = await controlCall(trial, stage, {
        title: 'a POST that was not processed at first',
        by: 'post',
        answer: (_, round) => (round === 0 ? notProcessed : done()),
      })
      const [first, second, ...more] = called.visits
      trial.holds(
        'it is sent again once',
        second !== undefined && more.length === 0,
        `${called.visits.length} requests came`,
      )
      const signatures = [first, second].map(visit => (visit === undefined ? '' : headerValue(visit, 'signature')))
      trial.holds('it is signed anew', signatures[0] !== signatures[1])
      const always = await call(trial, stage, {
        title: 'a POST that is never processed',
        by: 'post',
        answer: () => notProcessed,
      })
      trial.holds('it is sent twice at most', always.visits.length <= 2, `${always.visits.length} requests came`)
      trial.holds('the agent says that it failed', !always.succeeded)
    },
  },
  {
    id: 'NON-16',
    words: 'must do so on no other 503',
    group,
    needs: ['post'],
    clauses: ['sig.replay.agent'],
    async run(trial, stage) {
      await controlCall(trial, stage, { title: 'a POST', by: 'post', answer: done })
      const replies = [
        ['503 without Agent-Auth', status(503, { 'retry-after': '1' })],
        ['503 with Agent-Auth, without Retry-After', status(503, { 'agent-auth': 'httpsig' })],
        ['503 that asks for an identity', status(503, { 'retry-after': '1', 'agent-auth': 'httpsig; identity=?1' })],
        ['401 replay_detected', status(401, {}, '{"error":"replay_detected","reason":"replayed"}')],
      ] as const
      const parts = replies.map(([title, reply]) => async (part: Trial) => {
        const { visits, succeeded } = await call(part, stage, { title, by: 'post', answer: () => reply })
        part.holds(`${title}: it is not sent again`, visits.length <= 1, `${visits.length} requests came`)
        part.holds(`${title}: the agent says that it failed`, !succeeded)
      })
      await trial.all(parts)
    },
  },
  {
    id: 'agent.redirects.same-origin',
    words: 'follows a redirect on the same origin',
    group: 'redirects',
    async run(trial, stage) {
      const called = await controlCall(trial, stage, {
        title: 'a GET that is redirected on the same origin',
        answer: ({ target }) => (target === '/' ? status(302, { location: '/elsewhere' }) : done()),
      })
      const second = called.visits.find(({ target }) => target === '/elsewhere')
      const found = second === undefined ? undefined : receivedSignature(second, called.authority)
      trial.holds('it is followed, and signed anew', found !== undefined)
      if (found?.scheme === 'hwk') trial.holds('the new signature verifies', verifies(found, found.keyParameters))
    },
  },
  {
    id: 'CLI-06',
    words: 'must never get signature, tokens or body',
    group: 'redirects',
    async run(trial, stage) {
      await plainControl(trial, stage)
      const elsewhere = await openOrigin()
      elsewhere.answer('*', done)
      try {
        const parts = [301, 302, 303, 307, 308].map(code => async (part: Trial) => {
          const answer = () => status(code, { location: `${elsewhere.id}/stolen` })
          await call(part, stage, { title: `a GET that is redirected elsewhere with ${code}`, answer })
        })
        await trial.all(parts)
        const told = elsewhere.visits.filter(visit => isSigned(visit) || headerLines(visit, 'signature-key').length > 0)
        trial.holds(
          'the other origin gets no signature and no key',
          told.length === 0,
          `${told.length} requests had one`,
        )
      } finally {
        await elsewhere.close()
      }
    },
  },
  ...challengeCases,
  ...resourceTokenCases,
  ...tokenAnswerCases,
  ...authServerCases,
  ...interactionCases,
  ...userInteractionCases,
  ...deviceCases,
  ...approvalCases,
]

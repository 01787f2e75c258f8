import type { Case } from '../case/case.js'
import type { Trial } from '../case/trial.js'
import type { Reply, Visit } from '../participants/origin.js'
import { receivedSignature } from '../participants/received.js'
import { operationDigest } from '../signing/operation-digest.js'
import { agree, consentFlow } from './browser.js'
import { type Flow, type Flowed, flow, withClaims } from './flow.js'
import { type AgentStage, commonControl, done } from './stage.js'

const group = 'approval'
const needs = ['identity', 'approve']
const display = ['Send ', 'an invitation', '']

interface Approval {
  readonly title: string
  /** What the resource token says of the request in place of its digest. */
  readonly digest?: (right: string) => string
  readonly shown?: readonly string[]
  /** What the auth token approves in place of what was asked. */
  readonly approved?: (right: string) => string | undefined
  /** What the approved request gets; default it is done. */
  readonly answer?: () => Reply
}

/** A flow in which a user must approve a POST. */
function approvalFlow(stage: AgentStage, o: Approval): Flow {
  let right = ''
  const digestOf = (visit: Visit, authority: string): string =>
    operationDigest(receivedSignature(visit, authority)?.base ?? '', display)
  return {
    ...consentFlow(stage, { title: o.title, act: (link, place) => agree(stage, link, place) }),
    by: 'approve',
    metadata: { operations: { invite: 'Send an invitation' } },
    seen: (visit, { authority }) => {
      right = digestOf(visit, authority)
    },
    resourceToken: (draft, place) =>
      withClaims(() => ({
        sub: 'user-1',
        operation: { name: 'invite', digest: o.digest?.(right) ?? right, display: o.shown ?? display },
      }))(draft, place),
    authToken: (draft, place) =>
      withClaims(() => ({
        operation_digest: o.approved === undefined ? right : o.approved(right),
        exp: Number(draft.claims['iat']) + 300,
      }))(draft, place),
    authorized: () => o.answer?.() ?? done(),
  }
}

function approvalControl(trial: Trial, stage: AgentStage): Promise<Flowed> {
  const title = 'a POST that a user approves'
  return commonControl(trial, stage, { title, make: one => flow(one, stage, approvalFlow(stage, { title })) })
}

const flipped = (text: string): string => (text.startsWith('A') ? 'B' : 'A') + text.slice(1)

/** What an agent does where a user must approve a request. */
export const approvalCases: readonly Case<AgentStage>[] = [
  {
    id: 'approval.digest',
    group,
    needs,
    async run(trial, stage) {
      const { visits, withToken, authority } = await approvalControl(trial, stage)
      trial.holds('the approved request is sent once', withToken.length === 1, `${withToken.length} were sent`)
      const digests = new Set(
        [...visits.slice(1), ...withToken].map(one =>
          operationDigest(receivedSignature(one, authority)?.base ?? '', display),
        ),
      )
      trial.holds('it is the very same request', digests.size === 1, `there were ${digests.size}`)
    },
  },
  {
    id: 'APR-20',
    group,
    needs,
    async run(trial, stage) {
      await approvalControl(trial, stage)
      const wrong: readonly Approval[] = [
        { title: 'the operation has the digest of another request', digest: flipped },
        { title: 'the operation shows something else', shown: ['Show ', 'the weather', ''] },
      ]
      const parts = wrong.map(approval => async (part: Trial) => {
        const { asked, succeeded } = await flow(part, stage, approvalFlow(stage, approval))
        part.holds(`${approval.title}: nobody is asked`, asked.length === 0, `${asked.length} requests came`)
        part.holds(`${approval.title}: the agent says that it failed`, !succeeded)
      })
      await trial.all(parts)
    },
  },
  {
    id: 'approval.token',
    group,
    needs,
    async run(trial, stage) {
      await approvalControl(trial, stage)
      const wrong: readonly Approval[] = [
        { title: 'the token approves another request', approved: flipped },
        { title: 'the token approves nothing', approved: () => undefined },
      ]
      const parts = wrong.map(approval => async (part: Trial) => {
        const { withToken, succeeded } = await flow(part, stage, approvalFlow(stage, approval))
        part.holds(`${approval.title}: it is not used`, withToken.length === 0 && !succeeded)
      })
      await trial.all(parts)
    },
  },
  {
    id: 'APR-29',
    group,
    needs,
    clauses: ['approval.once'],
    async run(trial, stage) {
      await approvalControl(trial, stage)
      const title = 'the approved request gets replay_detected'
      const answer = (): Reply => ({
        status: 401,
        headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
        body: '{"error":"replay_detected","reason":"approval_used","error_description":"a test"}',
      })
      const { asked, withToken, succeeded } = await flow(trial, stage, approvalFlow(stage, { title, answer }))
      trial.holds('it is not sent again', withToken.length === 1, `it was sent ${withToken.length} times`)
      const questions = asked.filter(({ form }) => form['request_type'] === 'auth')
      trial.holds(
        'no user is asked again',
        questions.length === 1,
        `the auth server was asked ${questions.length} times`,
      )
      trial.holds('the agent says that it failed', !succeeded)
    },
  },
  {
    id: 'approval.once',
    group,
    needs,
    clauses: ['APR-08', 'agent.rounds'],
    async run(trial, stage) {
      await approvalControl(trial, stage)
      const title = 'a resource that is satisfied by no approval'
      const { asked, succeeded } = await flow(trial, stage, {
        ...approvalFlow(stage, { title }),
        authorized: ({ place }) => place.ask(),
      })
      const questions = asked.filter(({ form }) => form['request_type'] === 'auth')
      trial.holds('the agent gives up after two', questions.length <= 2 && !succeeded, `there were ${questions.length}`)
    },
  },
]

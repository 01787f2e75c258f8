import type { Case } from '../case/case.js'
import type { Trial } from '../case/trial.js'
import type { Reply, Visit } from '../participants/origin.js'
import { receivedSignature } from '../participants/received.js'
import { operationDigest } from '../signing/operation-digest.js'
import { agree, consentFlow } from './browser.js'
import { type Flow, type Flowed, flow, tokenChallenge, withClaims } from './flow.js'
import { type AgentStage, challenged, commonControl, done } from './stage.js'

const group = 'approval'
const needs = ['identity', 'approve']
const display = ['Send ', 'an invitation', '']

interface Approval {
  readonly title: string
  /** What a signature must cover beside the usual. */
  readonly components?: readonly string[]
  /** Whether the resource says nothing of what the request would do. */
  readonly isSilent?: true
  /** What the resource token says of the request in place of its digest. */
  readonly digest?: (right: string) => string
  readonly shown?: readonly string[]
  /** What the auth token approves in place of what was asked. */
  readonly approved?: (right: string) => string
  /** What the approved request gets; default it is done. */
  readonly answer?: () => Reply
}

/** A flow in which a user must approve a POST. */
function approvalFlow(stage: AgentStage, o: Approval): Flow {
  let right = ''
  let covers = true
  const { components } = o
  const shown = o.isSilent === true ? undefined : (o.shown ?? display)
  return {
    ...consentFlow(stage, { title: o.title, act: (link, place) => agree(stage, link, place) }),
    by: 'approve',
    metadata: {
      operations: { invite: 'Send an invitation' },
      ...(components === undefined ? {} : { additional_signature_components: components }),
    },
    seen: (visit, { authority }) => {
      right = digestOf(visit, authority, o.isSilent === true ? undefined : display)
      const covered = receivedSignature(visit, authority)?.components ?? []
      covers = components?.every(name => covered.includes(name)) ?? true
    },
    challenge: token => (covers ? tokenChallenge(token, stage.authServer.id) : notCovered(components ?? [])),
    resourceToken: (draft, place) =>
      withClaims(() => ({
        sub: 'user-1',
        operation: {
          name: 'invite',
          digest: o.digest?.(right) ?? right,
          ...(shown === undefined ? {} : { display: shown }),
        },
      }))(draft, place),
    authToken: (draft, place) =>
      withClaims(() => ({
        operation_digest: o.approved?.(right) ?? right,
        exp: Number(draft.claims['iat']) + 300,
      }))(draft, place),
    authorized: () => o.answer?.() ?? done(),
  }
}

function digestOf(visit: Visit, authority: string, shown: readonly string[] | undefined): string {
  return operationDigest(receivedSignature(visit, authority)?.base ?? '', shown)
}

/** The refusal of a request whose signature must cover more. */
function notCovered(components: readonly string[]): Reply {
  const required_components = ['@method', '@authority', '@path', 'signature-key', ...components]
  const error = { error: 'invalid_signature', reason: 'component_not_covered', error_description: 'a test' }
  return { ...challenged('httpsig; identity=?1'), body: JSON.stringify({ ...error, required_components }) }
}

/** Whether the request that was approved is the very same as before, when it comes again. */
async function isRepeated(trial: Trial, stage: AgentStage, approval: Approval): Promise<void> {
  const { title, components = [] } = approval
  const { withToken, authority, asked, succeeded } = await flow(trial, stage, approvalFlow(stage, approval))
  trial.holds(`${title}: the auth server is asked`, asked.length > 0)
  trial.holds(
    `${title}: the approved request is sent once`,
    withToken.length === 1 && succeeded,
    `${withToken.length} were sent`,
  )
  const covered = withToken.flatMap(one => receivedSignature(one, authority)?.components ?? [])
  trial.holds(
    `${title}: all that was covered is covered again`,
    components.every(name => covered.includes(name)),
    covered.join(' '),
  )
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
    words: 'the lines of every other covered component',
    group,
    needs,
    async run(trial, stage) {
      const { visits, withToken, authority } = await approvalControl(trial, stage)
      trial.holds('the approved request is sent once', withToken.length === 1, `${withToken.length} were sent`)
      const digests = new Set([...visits.slice(1), ...withToken].map(one => digestOf(one, authority, display)))
      trial.holds('it is the very same request', digests.size === 1, `there were ${digests.size}`)
      const more: readonly Approval[] = [
        { title: 'a resource that says nothing of what the request would do', isSilent: true },
        {
          title: 'a resource that wants more covered, in no order of names',
          components: ['@target-uri', '@scheme', '@request-target'],
        },
      ]
      await trial.all(more.map(approval => part => isRepeated(part, stage, approval)))
    },
  },
  {
    id: 'APR-20',
    words: 'Where the two differ it must stop',
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
    words: 'It has `operation_digest`',
    group,
    needs,
    async run(trial, stage) {
      await approvalControl(trial, stage)
      const title = 'the token approves another request'
      const { withToken, succeeded } = await flow(trial, stage, approvalFlow(stage, { title, approved: flipped }))
      trial.holds('it is not used', withToken.length === 0 && !succeeded)
    },
  },
  {
    id: 'APR-29',
    words: 'must neither send again nor ask a user again by itself',
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
    words: 'After two rounds (§4) the agent gives up',
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

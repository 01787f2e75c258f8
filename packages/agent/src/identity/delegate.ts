import { AgentError, refusalOf } from '../error.js'
import type { Tell } from '../explanation.js'
import { queues } from '../state/queue.js'
import { runExclusively } from '../state/state-keys.js'
import { singleFlight } from '../wire/single-flight.js'
import type { Credentials, IdentityContext } from './credentials.js'
import { enrol, mayEnrolAgain } from './delegate-enrollment.js'
import { delegateStore } from './delegate-record.js'
import { isRotationDue, rotate } from './delegate-rotation.js'
import { type DelegateSetup, type Enrolled, loadEnrolled, renew } from './delegate-token.js'
import type { Enrollment } from './enrollment.js'

/** Seconds before its end at which a token is no longer used. */
const margin = 30
/** Seconds past its end for which an agent token still renews itself (protocol §5). */
const renewalGrace = 30 * 86_400
/** Seconds between attempts, at least and at most: while the token holds, and once nothing can be done without one. */
const calm = { first: 30, longest: 600 }
const urgent = { first: 1, longest: 30 }

/** Whose delegate it is. */
export interface DelegateOptions {
  readonly agentServer: string
  readonly enroll: Enrollment | undefined
  /** Seconds; Infinity for never. */
  readonly rotateEvery: number
}

/** Attempts that failed: why, and when the next one is worth its while. */
interface FailedAttempts {
  readonly error: unknown
  readonly attempts: number
  readonly until: number
}

/** The delegate of `agentServer` whose key and token live in the context's state. */
export function openDelegate(options: DelegateOptions, context: IdentityContext): Credentials {
  const { agentServer, enroll, rotateEvery } = options
  const setup: DelegateSetup = { agentServer, enroll, context, store: delegateStore(context.state, agentServer) }
  const once = singleFlight()
  const inOrder = queues()
  let enrolled: Enrolled | undefined
  let failed: FailedAttempts | undefined

  /** One enrolment, renewal or rotation at a time, in this process and among all that share the state. */
  const runAlone = (task: () => Promise<Enrolled>): Promise<Enrolled> =>
    inOrder('alone', async () => {
      enrolled = await runExclusively(context.state, `delegate ${agentServer}`, task)
      failed = undefined
      return enrolled
    })
  const remembered = (): Promise<Enrolled | undefined> =>
    once('load', async () => {
      const loaded = enrolled ?? (await loadEnrolled(await setup.store.read(), setup))
      // A rotation may have ended while state was read.
      enrolled ??= loaded
      return enrolled
    })
  const obtainEnrolled = (held: Enrolled | undefined, tell: Tell): Promise<Enrolled> =>
    once('obtain', async () => {
      if (enrolled !== undefined && enrolled !== held) return enrolled
      try {
        return await runAlone(() => renewOrEnrol(held, { ...setup, rotateEvery }, tell))
      } catch (error) {
        failed = countFailure(error, failed, held, context)
        tell(agentServer, held === undefined ? 'enroll' : 'renew', describeFailure(failed, held, context.now()))
        throw error
      }
    })

  return {
    agentServer,
    remembered: async () => (await remembered())?.self,
    async current(tell) {
      const held = await remembered()
      const now = context.now()
      const holds = held !== undefined && now < held.expires
      if (failed !== undefined && now < failed.until) {
        if (!holds) throw failed.error
        tell(agentServer, 'renew', describeFailure(failed, held, now))
        return held.self
      }
      if (held !== undefined && now < held.renewAt) return held.self
      const renewal = obtainEnrolled(held, tell)
      if (!holds) return (await renewal).self
      if (now < held.expires - margin) {
        renewal.catch(() => undefined)
        return held.self
      }
      return (await renewal.catch(error => useUntilExpiry(error, held, context))).self
    },
    async rotate(tell) {
      try {
        await runAlone(() => rotateOrEnrol(setup, tell))
      } catch (error) {
        // State knows whether a new key waits for its answer: the next call asks for it again while that is allowed.
        enrolled = undefined
        throw error
      }
    },
  }
}

/** A token that cannot be renewed is good until it ends. */
function useUntilExpiry(error: unknown, held: Enrolled, { now }: IdentityContext): Enrolled {
  if (now() < held.expires) return held
  throw error
}

function countFailure(
  error: unknown,
  before: FailedAttempts | undefined,
  held: Enrolled | undefined,
  { now, random }: IdentityContext,
): FailedAttempts {
  const attempts = (before?.attempts ?? 0) + 1
  // A key that is refused is refused the next time, too, and its agent server takes each time for an alarm.
  if (refusalOf(error)?.error === 'invalid_agent_token') return { error, attempts, until: now() + calm.longest }
  const { first, longest } = held !== undefined && now() < held.expires - margin ? calm : urgent
  // Spread, so that those who failed together do not come back together.
  const pause = Math.min(first * 2 ** (attempts - 1), longest) * (1 - 0.5 * random())
  return { error, attempts, until: now() + pause }
}

function describeFailure({ error }: FailedAttempts, held: Enrolled | undefined, now: number): string {
  const why = error instanceof AgentError ? error.message : 'something unforeseen went wrong'
  if (held === undefined) return `not enrolled: ${why}`
  const left = Math.max(0, Math.floor(held.expires - now))
  return `the agent token could not be renewed: ${why}; ${left > 0 ? `it is used for the ${left} s it has left` : 'it has ended'}`
}

/** Renews, rotates or enrols, by what state says now: another process or tab may have done so since `held` was read. */
async function renewOrEnrol(
  held: Enrolled | undefined,
  setup: DelegateSetup & { readonly rotateEvery: number },
  tell: Tell,
): Promise<Enrolled> {
  const record = await setup.store.read()
  const stored = await loadEnrolled(record, setup)
  if (stored === undefined) return enrol(record, setup, tell)
  const isNewer = stored.record.current.agent_token !== held?.record.current.agent_token
  if (isNewer && setup.context.now() < stored.renewAt) return stored
  try {
    return await rotateOrRenew(stored, setup, tell)
  } catch (error) {
    const end = enrolmentEndError(error, stored, setup.context)
    if (end === undefined) throw error
    if (!(await mayEnrolAgain(setup, stored.record.current))) throw end
    return enrol(stored.record, setup, tell)
  }
}

/** By what state says now, too. A key that enrolment makes need not be replaced. */
async function rotateOrEnrol(setup: DelegateSetup, tell: Tell): Promise<Enrolled> {
  const record = await setup.store.read()
  const stored = await loadEnrolled(record, setup)
  if (stored === undefined) return enrol(record, setup, tell)
  try {
    return await rotate(stored, setup, tell)
  } catch (error) {
    throw enrolmentEndError(error, stored, setup.context) ?? error
  }
}

async function rotateOrRenew(
  held: Enrolled,
  setup: DelegateSetup & { readonly rotateEvery: number },
  tell: Tell,
): Promise<Enrolled> {
  if (!isRotationDue(held, setup.rotateEvery, setup.context.now())) return renew(held, setup, tell)
  try {
    return await rotate(held, setup, tell)
  } catch (error) {
    const record = await setup.store.read()
    const stored = await loadEnrolled(record, setup)
    // While the server may have taken a new key, whatever else the old one asks is an alarm.
    if (stored === undefined || record.next?.for === 'rotation') throw error
    const why = error instanceof AgentError ? error.message : 'the new key cannot be used'
    tell(setup.agentServer, 'rotate', `${why}: renewing with the key there is`)
    return renew(stored, setup, tell)
  }
}

/** Why the enrolment is over, when its agent server takes its key no more; undefined for a trouble that may pass. */
function enrolmentEndError(error: unknown, held: Enrolled, { now }: IdentityContext): AgentError | undefined {
  const refusal = refusalOf(error)
  if (refusal?.error !== 'invalid_agent_token') return undefined
  if (held.record.next?.for === 'rotation')
    return new AgentError('denied', 'the key was replaced, but the answer that said so was lost: enrol again', refusal)
  if (now() > held.expires + renewalGrace)
    return new AgentError('denied', 'the agent token ended more than 30 days ago: enrol again', refusal)
  return new AgentError('denied', 'this delegate was revoked, or its key replaced elsewhere: enrol again', refusal)
}

import { AgentError, refusalOf } from '../error.js'
import type { Tell } from '../explanation.js'
import { queues } from '../state/queue.js'
import { runExclusively } from '../state/state-keys.js'
import { singleFlight } from '../wire/single-flight.js'
import type { DelegateSetup, Enrolled } from './agent-token-request.js'
import type { Credentials, IdentityContext, Self } from './credentials.js'
import { enrol, mayEnrolAgain } from './delegate-enrollment.js'
import { delegateStore } from './delegate-record.js'
import { rotate } from './delegate-rotation.js'
import { isRotationDue, loadEnrolled, renew } from './delegate-token.js'
import type { Enrollment } from './enrollment.js'

/** Seconds before the end of a token from which calls await its renewal. */
const margin = 30
/** Seconds after its end for which an agent token can still be renewed (protocol §5). */
const renewalGrace = 30 * 86_400
/** First and longest pause between attempts, in seconds: while the token is valid (calm), and after its end (urgent). */
const calm = { first: 30, longest: 600 }
const urgent = { first: 1, longest: 30 }

/** Options of {@link openDelegate}. */
export interface DelegateOptions {
  readonly agentServer: string
  readonly enroll: Enrollment | undefined
  /** Seconds; Infinity for never. */
  readonly rotateEvery: number
}

/** Failed attempts: the last error, and when to try again. */
interface FailedAttempts {
  readonly error: unknown
  readonly attempts: number
  readonly until: number
}

/** Opens the delegate of `agentServer` whose key and token are in the context's state. */
export function openDelegate(options: DelegateOptions, context: IdentityContext): Credentials {
  const { agentServer, enroll, rotateEvery } = options
  const setup: DelegateSetup = { agentServer, enroll, context, store: delegateStore(context.state, agentServer) }
  const once = singleFlight()
  const inOrder = queues()
  let enrolled: Enrolled | undefined
  let failed: FailedAttempts | undefined

  /** Runs one enrolment, renewal or rotation at a time, in this process and all others that share the state. */
  const runAlone = (task: () => Promise<Enrolled>): Promise<Enrolled> =>
    inOrder('alone', async () => {
      enrolled = await runExclusively(context.state, `delegate ${agentServer}`, task)
      failed = undefined
      return enrolled
    })
  // Without a flight for what is in memory: its AbortController costs more than the rest of a call but the signature.
  const remembered = async (): Promise<Enrolled | undefined> =>
    enrolled ??
    once('load', async () => {
      const loaded = enrolled ?? (await loadEnrolled(await setup.store.read(), setup))
      // A rotation may have replaced the key while state was read.
      enrolled ??= loaded
      return enrolled
    })
  const obtainEnrolled = (held: Enrolled | undefined, tell: Tell): Promise<Enrolled> =>
    once('obtain', async () => {
      if (enrolled !== undefined && enrolled !== held) return enrolled
      try {
        return await runAlone(() => renewOrEnrol(held, { ...setup, rotateEvery }, tell))
      } catch (error) {
        failed = countFailure(error, { before: failed, held }, context)
        tell(agentServer, held === undefined ? 'enroll' : 'renew', describeFailure(failed, held, context.now()))
        throw error
      }
    })

  const current = async (tell: Tell): Promise<Self> => {
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
  }

  return {
    agentServer,
    remembered: async () => (await remembered())?.self,
    current,
    async rotate(tell) {
      try {
        await runAlone(() => rotateOrEnrol(setup, tell))
      } catch (error) {
        // Read state anew at the next call: it may hold an unanswered new key, whose rotation is then repeated.
        enrolled = undefined
        throw error
      }
    },
  }
}

/** Returns the current delegate until its token ends, although the renewal failed. */
function useUntilExpiry(error: unknown, held: Enrolled, { now }: IdentityContext): Enrolled {
  if (now() < held.expires) return held
  throw error
}

function countFailure(
  error: unknown,
  { before, held }: { readonly before: FailedAttempts | undefined; readonly held: Enrolled | undefined },
  { now, random }: IdentityContext,
): FailedAttempts {
  const attempts = (before?.attempts ?? 0) + 1
  // A refused key stays refused, and each attempt raises an alarm at the agent server.
  if (refusalOf(error)?.error === 'invalid_agent_token') return { error, attempts, until: now() + calm.longest }
  const { first, longest } = held !== undefined && now() < held.expires - margin ? calm : urgent
  // Spread, so that delegates that failed together do not try again together.
  const pause = Math.min(first * 2 ** (attempts - 1), longest) * (1 - 0.5 * random())
  return { error, attempts, until: now() + pause }
}

function describeFailure({ error }: FailedAttempts, held: Enrolled | undefined, now: number): string {
  const why = error instanceof AgentError ? error.message : 'an unexpected error'
  if (held === undefined) return `not enrolled: ${why}`
  const left = Math.max(0, Math.floor(held.expires - now))
  return `the agent token could not be renewed: ${why}; ${left > 0 ? `it is used for the ${left} s it has left` : 'it has ended'}`
}

/** Renews, rotates or enrols, unless another process or tab has done so since `held` was read. */
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

/** Rotates the key in state, or enrols, which makes a fresh key. */
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
    // The server may have accepted the new key: any other request with the old key would raise an alarm.
    if (stored === undefined || record.next?.for === 'rotation') throw error
    const why = error instanceof AgentError ? error.message : 'the new key cannot be used'
    tell(setup.agentServer, 'rotate', `${why}: renewing with the key there is`)
    return renew(stored, setup, tell)
  }
}

/** Returns why the enrolment is over, when the agent server refuses its key; undefined for an error that may pass. */
function enrolmentEndError(error: unknown, held: Enrolled, { now }: IdentityContext): AgentError | undefined {
  const refusal = refusalOf(error)
  if (refusal?.error !== 'invalid_agent_token') return undefined
  if (held.record.next?.for === 'rotation')
    return new AgentError('denied', 'the key was replaced, but the answer that said so was lost: enrol again', refusal)
  if (now() > held.expires + renewalGrace)
    return new AgentError('denied', 'the agent token ended more than 30 days ago: enrol again', refusal)
  return new AgentError('denied', 'this delegate was revoked, or its key replaced elsewhere: enrol again', refusal)
}

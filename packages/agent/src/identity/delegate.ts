import { AgentError, refusalOf } from '../error.js'
import type { Tell } from '../explanation.js'
import { queues } from '../state/queue.js'
import { exclusively } from '../state/state-keys.js'
import { singleFlight } from '../wire/single-flight.js'
import type { Credentials, IdentityContext } from './credentials.js'
import { enrol, mayEnrolAgain } from './delegate-enrollment.js'
import { delegateStore } from './delegate-record.js'
import { isRotationDue, rotate } from './delegate-rotation.js'
import { type Enrolled, enrolledIn, type Office, renew } from './delegate-token.js'
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
interface Trouble {
  readonly error: unknown
  readonly attempts: number
  readonly until: number
}

/** The delegate of `agentServer` whose key and token live in the context's state. */
export function enrolledDelegate(options: DelegateOptions, context: IdentityContext): Credentials {
  const { agentServer, enroll, rotateEvery } = options
  const office: Office = { agentServer, enroll, context, store: delegateStore(context.state, agentServer) }
  const once = singleFlight()
  const inOrder = queues()
  let enrolled: Enrolled | undefined
  let trouble: Trouble | undefined

  /** One enrolment, renewal or rotation at a time, in this process and among all that share the state. */
  const alone = (task: () => Promise<Enrolled>): Promise<Enrolled> =>
    inOrder('alone', async () => {
      enrolled = await exclusively(context.state, `delegate ${agentServer}`, task)
      trouble = undefined
      return enrolled
    })
  const remembered = (): Promise<Enrolled | undefined> =>
    once('load', async () => {
      const loaded = enrolled ?? (await enrolledIn(await office.store.read(), office))
      // A rotation may have ended while state was read.
      enrolled ??= loaded
      return enrolled
    })
  const obtain = (held: Enrolled | undefined, tell: Tell): Promise<Enrolled> =>
    once('obtain', async () => {
      if (enrolled !== undefined && enrolled !== held) return enrolled
      try {
        return await alone(() => obtained(held, { ...office, rotateEvery }, tell))
      } catch (error) {
        trouble = troubleAfter(error, trouble, held, context)
        tell(agentServer, held === undefined ? 'enroll' : 'renew', sentence(trouble, held, context.now()))
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
      if (trouble !== undefined && now < trouble.until) {
        if (!holds) throw trouble.error
        tell(agentServer, 'renew', sentence(trouble, held, now))
        return held.self
      }
      if (held !== undefined && now < held.renewAt) return held.self
      const renewal = obtain(held, tell)
      if (!holds) return (await renewal).self
      if (now < held.expires - margin) {
        renewal.catch(() => undefined)
        return held.self
      }
      return (await renewal.catch(error => orUntilExpiry(error, held, context))).self
    },
    async rotate(tell) {
      try {
        await alone(() => rotatedNow(office, tell))
      } catch (error) {
        // State knows whether a new key waits for its answer: the next call asks for it again while that is allowed.
        enrolled = undefined
        throw error
      }
    },
  }
}

/** A token that cannot be renewed is good until it ends. */
function orUntilExpiry(error: unknown, held: Enrolled, { now }: IdentityContext): Enrolled {
  if (now() < held.expires) return held
  throw error
}

function troubleAfter(
  error: unknown,
  before: Trouble | undefined,
  held: Enrolled | undefined,
  { now, random }: IdentityContext,
): Trouble {
  const attempts = (before?.attempts ?? 0) + 1
  // A key that is refused is refused the next time, too, and its agent server takes each time for an alarm.
  if (refusalOf(error)?.error === 'invalid_agent_token') return { error, attempts, until: now() + calm.longest }
  const { first, longest } = held !== undefined && now() < held.expires - margin ? calm : urgent
  // Spread, so that those who failed together do not come back together.
  const pause = Math.min(first * 2 ** (attempts - 1), longest) * (1 - 0.5 * random())
  return { error, attempts, until: now() + pause }
}

function sentence({ error }: Trouble, held: Enrolled | undefined, now: number): string {
  const why = error instanceof AgentError ? error.message : 'something unforeseen went wrong'
  if (held === undefined) return `not enrolled: ${why}`
  const left = Math.max(0, Math.floor(held.expires - now))
  return `the agent token could not be renewed: ${why}; ${left > 0 ? `it is used for the ${left} s it has left` : 'it has ended'}`
}

/** Renews, rotates or enrols, by what state says now: another process or tab may have done so since `held` was read. */
async function obtained(
  held: Enrolled | undefined,
  office: Office & { readonly rotateEvery: number },
  tell: Tell,
): Promise<Enrolled> {
  const record = await office.store.read()
  const stored = await enrolledIn(record, office)
  if (stored === undefined) return enrol(record, office, tell)
  const isNewer = stored.record.current.agent_token !== held?.record.current.agent_token
  if (isNewer && office.context.now() < stored.renewAt) return stored
  try {
    return await renewed(stored, office, tell)
  } catch (error) {
    const end = endOf(error, stored, office.context)
    if (end === undefined) throw error
    if (!(await mayEnrolAgain(office, stored.record.current))) throw end
    return enrol(stored.record, office, tell)
  }
}

/** By what state says now, too. A key that enrolment makes need not be replaced. */
async function rotatedNow(office: Office, tell: Tell): Promise<Enrolled> {
  const record = await office.store.read()
  const stored = await enrolledIn(record, office)
  if (stored === undefined) return enrol(record, office, tell)
  try {
    return await rotate(stored, office, tell)
  } catch (error) {
    throw endOf(error, stored, office.context) ?? error
  }
}

async function renewed(
  held: Enrolled,
  office: Office & { readonly rotateEvery: number },
  tell: Tell,
): Promise<Enrolled> {
  if (!isRotationDue(held, office.rotateEvery, office.context.now())) return renew(held, office, tell)
  try {
    return await rotate(held, office, tell)
  } catch (error) {
    const record = await office.store.read()
    const stored = await enrolledIn(record, office)
    // While the server may have taken a new key, whatever else the old one asks is an alarm.
    if (stored === undefined || record.next?.for === 'rotation') throw error
    const why = error instanceof AgentError ? error.message : 'the new key cannot be used'
    tell(office.agentServer, 'rotate', `${why}: renewing with the key there is`)
    return renew(stored, office, tell)
  }
}

/** Why the enrolment is over, when its agent server takes its key no more; undefined for a trouble that may pass. */
function endOf(error: unknown, held: Enrolled, { now }: IdentityContext): AgentError | undefined {
  const refusal = refusalOf(error)
  if (refusal?.error !== 'invalid_agent_token') return undefined
  if (held.record.next?.for === 'rotation')
    return new AgentError('denied', 'the key was replaced, but the answer that said so was lost: enrol again', refusal)
  if (now() > held.expires + renewalGrace)
    return new AgentError('denied', 'the agent token ended more than 30 days ago: enrol again', refusal)
  return new AgentError('denied', 'this delegate was revoked, or its key replaced elsewhere: enrol again', refusal)
}

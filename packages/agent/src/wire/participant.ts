import { AAuthError } from '@countersign/protocol'
import { describeFault, isUnreachable, unreachableFacts } from '#post-fetch'
import { AgentError, type Refusal } from '../error.js'

/** A party that the agent sends requests to. */
export type Participant = 'agent server' | 'auth server' | 'resource'

/** Where and why a request failed. Nothing that was sent. */
export interface UnreachableFacts {
  readonly origin?: string
  /** In words, or a code of the platform. */
  readonly reason?: string
  readonly status?: number
}

/** The error for a participant that could not be reached, or is down. */
export function unreachableError(who: Participant, cause: UnreachableFacts): AgentError {
  const { origin, reason, status } = cause
  const facts = [origin, reason ?? status].filter(fact => fact !== undefined).join(': ')
  return new AgentError('unreachable', `the ${who} could not be reached${facts && ` (${facts})`}`, cause)
}

/** The error for an answer that breaks the protocol; `member` names what is wrong, `told` describes it. */
export function invalidAnswerError(who: Participant, member: string, told: string = member): AgentError {
  return new AgentError('invalid_answer', `the ${who} gave a wrong answer (${told})`, { member })
}

/** The error for a participant that refused. */
export function deniedError(who: Participant, refusal: Refusal): AgentError {
  return new AgentError('denied', `the ${who} said no`, refusal)
}

/** Runs a check of a participant's documents or tokens, and turns its errors into errors about that participant. */
export async function checkParticipant<T>(who: Participant, check: () => Promise<T>): Promise<T> {
  try {
    return await check()
  } catch (error) {
    if (error instanceof AgentError) throw error
    if (error instanceof AAuthError && isUnreachable(error)) throw unreachableError(who, unreachableFacts(error))
    if (error instanceof AAuthError) throw invalidAnswerError(who, error.code, describeFault(error))
    throw error
  }
}

import { AAuthError } from '@countersign/protocol'
import { AgentError } from './error.js'

/** Another party that the agent asks for something. */
export type Participant = 'agent server' | 'auth server' | 'resource'

const article: Readonly<Record<Participant, string>> = { 'agent server': 'an', 'auth server': 'an', resource: 'a' }

/** The participant could not be reached, or is down. */
export function unreachableError(who: Participant, cause?: unknown): AgentError {
  return new AgentError('unreachable', `the ${who} could not be reached`, cause)
}

/** The participant answered something no honest one would; `member` names what was wrong. */
export function invalidAnswer(who: Participant, member: string, cause?: unknown): AgentError {
  const message = `the ${who} answered what ${article[who]} ${who} must not answer`
  return new AgentError('invalid_answer', message, { member, ...(cause === undefined ? {} : { cause }) })
}

/** The participant refused. */
export function deniedError(
  who: Participant,
  refusal: { readonly status: number; readonly error?: string; readonly skew?: number },
): AgentError {
  return new AgentError('denied', `the ${who} said no`, refusal)
}

/** Runs a check of a participant's documents or tokens; what the check finds wrong is that participant's fault. */
export async function checked<T>(who: Participant, check: () => Promise<T>): Promise<T> {
  try {
    return await check()
  } catch (error) {
    if (error instanceof AgentError) throw error
    if (error instanceof AAuthError && error.status >= 500) throw unreachableError(who, { code: error.code })
    if (error instanceof AAuthError) throw invalidAnswer(who, error.code, { description: error.description })
    throw error
  }
}

import { AAuthError } from '@countersign/protocol'
import { AgentError } from './error.js'

/** Another party that the agent asks for something. */
export type Participant = 'agent server' | 'auth server' | 'resource'

const unreachable: Readonly<Record<Participant, string>> = {
  'agent server': 'the agent server could not be reached',
  'auth server': 'the auth server could not be reached',
  resource: 'the resource could not be reached',
}

const invalid: Readonly<Record<Participant, string>> = {
  'agent server': 'the agent server answered what an agent server must not answer',
  'auth server': 'the auth server answered what an auth server must not answer',
  resource: 'the resource answered what a resource must not answer',
}

const refused: Readonly<Record<Participant, string>> = {
  'agent server': 'the agent server said no',
  'auth server': 'the auth server said no',
  resource: 'the resource said no',
}

/** The participant could not be reached, or is down. */
export function unreachableError(who: Participant, cause?: unknown): AgentError {
  return new AgentError('unreachable', unreachable[who], cause)
}

/** The participant answered something no honest one would; `member` names what was wrong. */
export function invalidAnswer(who: Participant, member: string, cause?: unknown): AgentError {
  return new AgentError('invalid_answer', invalid[who], { member, ...(cause === undefined ? {} : { cause }) })
}

/** The participant refused. */
export function deniedError(
  who: Participant,
  refusal: { readonly status: number; readonly error?: string; readonly skew?: number },
): AgentError {
  return new AgentError('denied', refused[who], refusal)
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

import { objectOf } from './json-web-token.js'

/** What a test compares of a refusal. */
export interface RefusalSeen {
  readonly status: number
  readonly error: unknown
  readonly reason?: unknown
  readonly agentAuth: string | null
}

/** The JSON object of a response's body. */
export async function bodyOf(response: Response): Promise<Record<string, unknown>> {
  return objectOf(await response.json())
}

/** Status, error code, reason and challenge of a refusal. */
export async function refusalOf(response: Response): Promise<RefusalSeen> {
  const { error, reason } = await bodyOf(response)
  return { status: response.status, error, reason, agentAuth: response.headers.get('agent-auth') }
}

/** Refusals that carry no challenge. Without a `reason`, compare with `toMatchObject`: it fits any. */
export function plain(status: number, error: string, reason?: string): RefusalSeen {
  return { status, error, agentAuth: null, ...(reason !== undefined && { reason }) }
}

/** Refusals of the caller itself. Without a `reason`, as for `plain`. */
export function challenge(error: string, reason?: string): RefusalSeen {
  return { status: 401, error, agentAuth: 'httpsig; identity=?1', ...(reason !== undefined && { reason }) }
}

import type { Reporter } from '@countersign/audit/internal'
import type { ReceivedMessage } from '@countersign/httpsig'
import { type AAuthError, type AgentAuth, type CorsOrigins, errorResponse } from '@countersign/protocol'
import { asAAuthError, measured, refusal, withCors } from '@countersign/protocol/internal'
import { clientOf, type TrustedProxies } from '@countersign/verify'
import { withClient } from '@countersign/verify/internal'
import type { IssuerAnswer } from './telemetry.js'

/** Answers a request; never throws. */
type Handle = (message: ReceivedMessage) => Promise<Response>

/** How the routes of a server are answered. */
export interface AnswerParts<Endpoint> {
  /** By the route of a request. */
  readonly handle: Handle
  /** What a request is for, as it is measured: a name of a closed set. `page`: a page for users. */
  readonly endpointOf: (message: Pick<ReceivedMessage, 'target'>) => Endpoint
  readonly telemetry: { answered(answer: IssuerAnswer<Endpoint>): void } | undefined
  readonly cors: CorsOrigins | undefined
  readonly isBehind: () => boolean
  readonly now: () => number
}

/**
 * Answers each request by its route, measured, with CORS, and by the address of its client, which is not the proxy's.
 * @throws TypeError for unfit `trustedProxies` or `cors`
 */
export function answering<Endpoint extends string>(parts: AnswerParts<Endpoint>, proxies: TrustedProxies): Handle {
  const { handle, endpointOf, telemetry, cors, isBehind, now } = parts
  const client = clientOf(proxies)
  // A database that was restored under a running server is not used: used codes, ended grants and replaced keys would be valid again.
  const guarded: Handle = async message => (isBehind() ? restoredResponse(now) : handle(withClient(message, client)))
  const open = withCors(cors, guarded)
  return measured(telemetry, endpointOf, message =>
    // Pages never get CORS headers: a script of another origin must not read them, even where it may call the token endpoint.
    endpointOf(message) === 'page' ? guarded(message) : open(message),
  )
}

/** The answer while the database is behind its epoch. */
export function restoredResponse(now: () => number): Response {
  return errorResponse(refusal('database_restored', { retryAfter: 60 }), { now })
}

/** Answers with a refusal, and reports it first. One that could not be recorded is answered with that fault. */
// unchecked options o: only the two servers and the console call it, and TypeScript checks them
export async function answerRefusal<E>(
  thrown: unknown,
  o: {
    readonly report: Pick<Reporter<E>, 'alone' | 'tell'>
    readonly eventOf: (error: AAuthError) => E
    /** What a challenge asks for. */
    readonly asks: AgentAuth
    readonly now: () => number
  },
): Promise<Response> {
  const error = await reported(asAAuthError(thrown), o)
  const { code, status, algs } = error
  // No challenge for a replay: it would make the agent sign again a request that was already answered.
  const challenged = status === 401 && code !== 'replay_detected'
  const agentAuth: AgentAuth = { ...o.asks, ...(algs && { algs }) }
  return errorResponse(error, { now: o.now, ...(challenged && { agentAuth }) })
}

async function reported<E>(
  error: AAuthError,
  {
    report,
    eventOf,
  }: { readonly report: Pick<Reporter<E>, 'alone' | 'tell'>; readonly eventOf: (error: AAuthError) => E },
): Promise<AAuthError> {
  try {
    await report.alone(eventOf(error))
    return error
  } catch (thrown) {
    const fault = asAAuthError(thrown)
    report.tell(eventOf(fault))
    return fault
  }
}

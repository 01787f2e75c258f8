import { type AAuthError, errorResponse } from '@countersign/protocol'

/** The response to a refused request of an endpoint of the resource's own; with a challenge for identity where that would help. */
export function ownRefusal(error: AAuthError, now: () => number): Response {
  const isChallenge = error.status === 401 && error.code !== 'replay_detected'
  const algs = error.algs === undefined ? {} : { algs: error.algs }
  return errorResponse(error, {
    ...(isChallenge ? { agentAuth: { identity: true, ...algs } } : {}),
    ...(error.status === 405 ? { headers: [['allow', 'POST']] } : {}),
    now,
  })
}

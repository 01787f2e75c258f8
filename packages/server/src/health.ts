import { inTime } from '@countersign/httpsig/internal'
import { errorResponse } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'

/** Tells load balancers whether this process lives and whether it is ready for requests. */
export interface Health {
  /** Answers `/healthz` and `/readyz`; undefined for every other target. */
  answer(method: string, target: string): Promise<Response> | undefined
  /** Whether `/readyz` answers 200. */
  ready(): Promise<boolean>
}

/**
 * Makes the health endpoints for load balancers and supervisors.
 * @param options.ready the participant's own check, called at most once a second, however often strangers request it
 * @param options.draining whether the server is shutting down
 * @param options.now Unix seconds
 */
export function health(options: {
  readonly ready: () => Promise<void>
  readonly draining: () => boolean
  readonly now: () => number
  readonly timeout: number
}): Health {
  let last: { readonly at: number; readonly result: Promise<boolean> } | undefined

  function isReady(): Promise<boolean> {
    const now = options.now()
    if (last === undefined || now - last.at >= 1 || now < last.at) {
      last = { at: now, result: within(options.timeout, options.ready()) }
    }
    return last.result
  }

  const ready = async (): Promise<boolean> => !options.draining() && (await isReady()) && !options.draining()

  async function readiness(): Promise<Response> {
    if (await ready()) return ok()
    return errorResponse(refusal('not_ready', { retryAfter: 2 }), {
      now: options.now,
    })
  }

  return {
    ready,
    answer(method, target) {
      if (target !== '/healthz' && target !== '/readyz') return undefined
      if (method !== 'GET' && method !== 'HEAD') return Promise.resolve(notAllowed())
      return target === '/healthz' ? Promise.resolve(ok()) : readiness()
    },
  }
}

function ok(): Response {
  return Response.json({ status: 'ok' }, { headers: { 'cache-control': 'no-store' } })
}

function notAllowed(): Response {
  return errorResponse(refusal('method_not_allowed'), {
    headers: [['allow', 'GET, HEAD']],
  })
}

async function within(seconds: number, check: Promise<void>): Promise<boolean> {
  try {
    await inTime({ seconds, late: () => new Error('no answer in time') }, check)
    return true
  } catch {
    return false
  }
}

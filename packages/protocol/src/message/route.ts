import type { ReceivedMessage } from '@countersign/httpsig'
import { pathOf } from '@countersign/httpsig/internal'
import { refusal } from '../error.js'
import { errorResponse } from './error-response.js'

/** How one path of a participant is answered. */
export interface Route {
  /** Allowed methods, in upper case. */
  readonly methods: readonly string[]
  answer(message: ReceivedMessage): Response | Promise<Response>
}

/** Routes by exact path. */
export type Routes = ReadonlyMap<string, Route>

/**
 * Answers with the route at the raw path of the message: 404 when there is none, 405 with `Allow` for another method, no body to HEAD.
 * Rejects with the error of the route.
 * @see protocol §3.3 and §8
 */
export async function answerRoute(message: ReceivedMessage, routes: Routes): Promise<Response> {
  const route = routes.get(pathOf(message.target))
  if (route === undefined) {
    return errorResponse(refusal('path_unknown'))
  }
  if (!route.methods.includes(message.method)) {
    const error = refusal('method_not_allowed')
    return errorResponse(error, { headers: [['allow', route.methods.join(', ')]] })
  }
  const response = await route.answer(message)
  return message.method === 'HEAD' ? new Response(null, response) : response
}

import { pathOf, type ReceivedMessage } from '@countersign/httpsig'
import { AAuthError } from '../error.js'
import { errorResponse } from './error-response.js'

/** What one path of a participant answers. */
export interface Route {
  /** Methods it takes, in upper case. */
  readonly methods: readonly string[]
  answer(message: ReceivedMessage): Response | Promise<Response>
}

/** Paths of a participant, each exactly, and their routes. */
export type Routes = ReadonlyMap<string, Route>

/**
 * Answers with the route at the message's raw path: 404 where there is none, 405 with `Allow` for another method, no body to HEAD.
 * Rejects with whatever the route throws.
 * @see protocol.md §3.3 and §8
 */
export async function answerRoute(message: ReceivedMessage, routes: Routes): Promise<Response> {
  const route = routes.get(pathOf(message.target))
  if (route === undefined) {
    return errorResponse(new AAuthError('invalid_request', 'nothing is served at this path', { status: 404 }))
  }
  if (!route.methods.includes(message.method)) {
    const error = new AAuthError('invalid_request', 'this method is not allowed here', { status: 405 })
    return errorResponse(error, { headers: [['allow', route.methods.join(', ')]] })
  }
  const response = await route.answer(message)
  return message.method === 'HEAD' ? new Response(null, response) : response
}

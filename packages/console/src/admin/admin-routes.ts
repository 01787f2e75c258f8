import { headerValues, type ReceivedMessage } from '@countersign/httpsig'
import { restoredResponse } from '@countersign/issuer/internal'
import { type AAuthError, errorResponse } from '@countersign/protocol'
import { answerRoute, asAAuthError, parseJson, type Route, type Routes, refusal } from '@countersign/protocol/internal'
import { withClient } from '@countersign/verify/internal'
import { adminSafety, asset, scripts, shell } from './admin-assets.js'
import { adminOf, checkFromHere, enrol, signedBy } from './admin-caller.js'
import { adminCalls, type Call, type CallMembers, runCall } from './admin-calls.js'
import type { AdminContext } from './admin-context.js'

/** Answers the requests of the admin port; never throws. */
export function answerAdmin(context: AdminContext): (message: ReceivedMessage) => Promise<Response> {
  // bound: fixed
  const routes: Routes = new Map([...fileRoutes(context), ...callRoutes(context)])
  return async received => {
    const message = withClient(received, context.client)
    try {
      checkFromHere(message, context)
      // An admin who was removed since the backup would be back.
      if (context.isBehind()) return withSafety(restoredResponse(context.now))
      return withSafety(await answerRoute(message, routes))
    } catch (thrown) {
      return refusalResponse(asAAuthError(thrown), message, context)
    }
  }
}

function fileRoutes({ issuer }: AdminContext): Array<[string, Route]> {
  const file = (name: string, type: string, text: string): [string, Route] => [
    name,
    {
      methods: ['GET', 'HEAD'],
      answer: () => new Response(text, { headers: { 'content-type': `${type}; charset=utf-8` } }),
    },
  ]
  return [
    file('/', 'text/html', shell(issuer)),
    file('/admin.css', 'text/css', asset('admin.css')),
    ...scripts().map(name => file(`/${name}`, 'text/javascript', asset(name))),
  ]
}

function callRoutes(context: AdminContext): Array<[string, Route]> {
  const route = (path: string, answer: Route['answer']): [string, Route] => [
    `/api/${path}`,
    { methods: ['POST'], answer },
  ]
  const calls = Object.entries(adminCalls).map(([path, call]) =>
    route(path, message => answerCall(path, call, { message, context })),
  )
  const enrolment = route('enrol', async message => {
    const signed = await signedBy(message, context)
    return Response.json(await enrol(linkIn(signed.verified.message), signed, context))
  })
  return [...calls, enrolment]
}

/** The key first: nothing is read from a body of which nobody knows the sender. */
async function answerCall(
  path: string,
  call: Call,
  { message, context }: { readonly message: ReceivedMessage; readonly context: AdminContext },
): Promise<Response> {
  const signed = await signedBy(message, context)
  const admin = await adminOf(signed, context)
  try {
    const result = await runCall(path, { call, members: membersIn(signed.verified.message) }, { admin, context })
    return Response.json(result ?? null)
  } catch (thrown) {
    // A mistake of an admin is no refusal of one: no event is about it.
    const error = asAAuthError(thrown)
    if (error.status >= 500) throw error
    return errorResponse(error, { now: context.now })
  }
}

function membersIn(message: ReceivedMessage): CallMembers {
  const [type, second] = headerValues(message, 'content-type')
  // No form of another site can send this type without asking first.
  if (type !== 'application/json' || second !== undefined)
    throw refusal('content_type_unsupported', { about: 'application/json' })
  try {
    const members = parseJson(message.body ?? new Uint8Array(), { maxBytes: 16_384, maxDepth: 4 })
    if (typeof members === 'object' && members !== null && !Array.isArray(members)) return members as CallMembers
  } catch {
    // As for JSON that is no object.
  }
  throw refusal('json_malformed', { about: 'it must be an object' })
}

function linkIn(message: ReceivedMessage): string {
  const { link } = membersIn(message)
  return typeof link === 'string' ? link : ''
}

function refusalResponse(error: AAuthError, message: ReceivedMessage, context: AdminContext): Response {
  const { code, reason, status } = error
  const peer = message.peer === undefined ? {} : { peer: message.peer }
  context.report.tell({ type: 'admin_refused', code, reason, status, ...peer })
  return withSafety(errorResponse(error, { now: context.now }))
}

function withSafety(response: Response): Response {
  for (const [name, value] of Object.entries(adminSafety)) response.headers.set(name, value)
  return response
}

import { isFailure, type RpcRequest } from '../message/json-rpc.js'
import { versionMember } from '../rules/standard-headers.js'

/** Bytes of an error that is read. */
const longestError = 65_536

/**
 * The error of a server without sessions that has no such method (404) as an answer that the SDK reads. It takes every 404 for a failure
 * of the connection, as it takes that of a server with sessions for the end of the session.
 */
export async function readableError(response: Response, { id, params }: RpcRequest): Promise<Response> {
  const isStateless = Object.hasOwn(Object(params?.['_meta']), versionMember)
  if (response.status !== 404 || !isStateless || Number(response.headers.get('content-length')) > longestError)
    return response
  const text = await response
    .clone()
    .text()
    .catch(() => '')
  const error = text.length > longestError ? undefined : parsed(text)
  if (!isFailure(error) || error.id !== id) return response
  response.body?.cancel().catch(() => undefined)
  return new Response(text, { headers: { 'content-type': 'application/json' } })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

import { isFailure, type RpcRequest } from '../message/json-rpc.js'
import { versionMember } from '../rules/standard-headers.js'

/** Characters of an error that is read. */
const longestError = 65_536

/**
 * The error of a server without sessions that has no such method (404) as an answer that the SDK reads. It takes every 404 for a failure
 * of the connection, as it takes that of a server with sessions for the end of the session.
 */
export async function readableError(response: Response, { id, params }: RpcRequest): Promise<Response> {
  const isStateless = Object.hasOwn(Object(params?.['_meta']), versionMember)
  if (response.status !== 404 || !isStateless || response.body === null) return response
  const text = await beginningOf(response.body)
  const error = parsed(text)
  if (!isFailure(error) || error.id !== id) return new Response(text, response)
  return new Response(text, { headers: { 'content-type': 'application/json' } })
}

/** What a body holds, up to {@link longestError}: a page that says that nothing is here may have any length. */
async function beginningOf(body: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder()
  const reader = body.getReader()
  // bound: one call: longestError and one piece
  let text = ''
  for (let part = await reader.read(); !part.done && text.length <= longestError; part = await reader.read())
    text += decoder.decode(part.value, { stream: true })
  reader.cancel().catch(() => undefined)
  return text
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

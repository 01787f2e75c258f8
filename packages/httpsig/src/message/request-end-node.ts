import type { NodeRequest } from './node-request.js'

// How the end of a request of Node shows.

/** Whether the connection ended before the body did; in HTTP/2 also whether the stream was closed with its body unread. */
export function isCutOff(request: NodeRequest): boolean {
  if (!('stream' in request)) return request.readableAborted
  const { aborted, rstCode, readableEnded } = request.stream
  return aborted || rstCode !== 0 || !readableEnded
}

interface State {
  readonly _readableState?: { readonly ended?: boolean }
}

/** Whether no more bytes will arrive, for any reason. */
export function hasEnded(request: NodeRequest): boolean {
  return (request as State)._readableState?.ended === true || request.destroyed || isWhole(request)
}

/** The members that tell whether a request has ended; requests injected by a framework's tests have no `complete`. */
interface Ending extends State {
  readonly complete?: boolean
}

/** Whether the last byte has arrived. */
export function isWhole(request: NodeRequest): boolean {
  if ('stream' in request) return request.stream.readableEnded
  const { complete, _readableState } = request as Ending
  return complete ?? _readableState?.ended === true
}

/** Whether HTTP/2 has reset the stream of a request. Node then signals the end of its body, as if what has arrived were all of it. */
export function wasReset(request: NodeRequest): boolean {
  return 'stream' in request && (request.stream.aborted || request.stream.rstCode !== 0)
}
